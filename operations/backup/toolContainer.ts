import { SECOND_COPY_MOUNT } from "../../config/backupSecrets";
import { LABELS, stackNames } from "../../config/names";

/** The tools of the backup image; each runs once in a container of its own. */
export const TOOLS = [
  ...["points", "fetch", "hold", "prove", "outbox"],
  ...["restore-cluster", "swap-cluster", "unswap-cluster", "discard-cluster"],
  ...["restore-database", "swap-database", "unswap-database", "discard-database"],
  ...["restore-artifacts", "swap-artifacts", "unswap-artifacts", "discard-artifacts"],
  ...["dump-clone", "store-images", "load-image", "adopt-database", "begin-second"],
] as const;
export type ToolName = (typeof TOOLS)[number];

/** Which copy of the backups something is read from. */
export type Copy = "first" | "second";

/** Where the second copy lies. */
export type SecondCopy = { readonly kind: "none" } | { readonly kind: "path"; readonly path: string } | { readonly kind: "rest" };

/** Which volumes a tool works on. */
export interface ToolSite {
  /** Stack whose data is written, and whose label the container carries. */
  readonly stack: string;
  readonly mode: "paper" | "live";
  /** Identity of the clone. */
  readonly owner: string;
  /** Id of the backup image. */
  readonly image: string;
  /** Stack whose backups are read; not the same where one stack is restored from another's. */
  readonly backupsOf: string;
  readonly secondCopy: SecondCopy;
  /** Volume with the secret files; that of the backup service of `backupsOf` unless given. */
  readonly secretsVolume?: string;
  /** Volume mounted at /backups; that of `backupsOf` unless given. */
  readonly backupsVolume?: string;
  /** Volume mounted at /work; one of the stack's own unless given. */
  readonly workVolume?: string;
  /** Whether nothing may be written into the backups: for a rehearsal. */
  readonly backupsReadOnly?: boolean;
}

type Place = "data" | "artifacts" | "sockets" | "backups" | "work";

/** What a tool writes to, and what it only reads. */
interface Access {
  readonly writes: readonly Place[];
  readonly reads: readonly Place[];
}

// Its socket says whether the database runs, in whose place nothing is to be put.
const cluster: Access = { writes: ["data"], reads: ["sockets"] };
const database: Access = { writes: ["sockets"], reads: [] };
const artifacts: Access = { writes: ["artifacts"], reads: [] };

const ACCESS: Readonly<Record<string, Access>> = {
  points: { writes: [], reads: ["backups", "data"] },
  fetch: { writes: ["work"], reads: ["backups"] },
  hold: { writes: ["backups"], reads: [] },
  prove: { writes: ["backups"], reads: [] },
  outbox: { writes: ["backups"], reads: [] },
  // Leaves word for restore-artifacts, which follows.
  "restore-cluster": { writes: ["data", "work"], reads: ["backups"] },
  "swap-cluster": cluster,
  "unswap-cluster": cluster,
  "discard-cluster": cluster,
  "restore-database": { writes: ["work", "sockets"], reads: ["backups"] },
  "swap-database": database,
  "unswap-database": database,
  "discard-database": { writes: ["sockets", "work"], reads: [] },
  "restore-artifacts": { writes: ["artifacts"], reads: ["backups", "work"] },
  "swap-artifacts": artifacts,
  "unswap-artifacts": artifacts,
  "discard-artifacts": artifacts,
  "dump-clone": { writes: [], reads: ["backups"] },
  "store-images": { writes: ["backups"], reads: [] },
  "load-image": { writes: [], reads: ["backups"] },
  "adopt-database": { writes: ["backups", "sockets"], reads: ["data"] },
  "begin-second": { writes: ["backups"], reads: [] },
};

/** Tools that read the second copy where they are asked to. */
const MAY_READ_SECOND: ReadonlySet<string> = new Set<ToolName>(["points", "fetch", "restore-artifacts", "dump-clone", "load-image"]);

/** Volume in which a restore keeps what it needs only while it runs. */
export function workVolume(stack: string): string {
  return stackNames(stack).volume("restore-work");
}

/** Name of a tool's container: one of a kind at a time, so that a second one is refused by Docker itself. */
export function toolContainerName(stack: string, tool: ToolName): string {
  return stackNames(stack).container(`tool-${tool}`);
}

/** Name of the container in which `recover` works with restic itself. */
export function recoverContainerName(stack: string): string {
  return stackNames(stack).container("tool-recover");
}

/**
 * The words after `docker` that run a tool in a container of its own. It has no network, except where the second copy is
 * a server. A request holds no secrets: they are files of the secrets volume.
 *
 * @param second whether the second copy is read
 */
export function toolArguments(site: ToolSite, tool: ToolName, request: object, second: boolean): string[] {
  const usesSecond = second && MAY_READ_SECOND.has(tool);
  if (usesSecond && site.secondCopy.kind === "none") throw new Error(`stack ${site.backupsOf} has no second copy (trading:backup.secondCopy)`);
  return [
    ...["run", "--rm", "--interactive", "--init", "--name", toolContainerName(site.stack, tool)],
    ...["--label", `${LABELS.owner}=${site.owner}`, "--label", `${LABELS.stack}=${site.stack}`, "--label", `${LABELS.service}=tool-${tool}`],
    ...["--user", "0", "--read-only", "--tmpfs", "/tmp:rw,nosuid,nodev,size=512m", "--shm-size", "256m"],
    ...["--cap-drop", "ALL", ...["SETUID", "SETGID", "DAC_OVERRIDE", "CHOWN", "FOWNER", "KILL"].flatMap((capability) => ["--cap-add", capability])],
    ...["--security-opt", "no-new-privileges"],
    ...["--network", usesSecond && site.secondCopy.kind === "rest" ? "bridge" : "none"],
    ...["--env", `TRADING_STACK=${site.backupsOf}`, "--env", `TRADING_MODE=${site.mode}`],
    ...mounts(site, tool, usesSecond),
    site.image,
    ...["tool", tool, JSON.stringify(request)],
  ];
}

function mounts(site: ToolSite, tool: ToolName, usesSecond: boolean): string[] {
  const data = stackNames(site.stack);
  const backups = stackNames(site.backupsOf);
  const volumes: Readonly<Record<Place, readonly [volume: string, path: string]>> = {
    data: [data.volume("timescaledb-data"), "/data"],
    artifacts: [data.volume("mlflow-artifacts"), "/artifacts"],
    sockets: [data.volume("database-socket"), "/sockets"],
    backups: [site.backupsVolume ?? backups.volume("backups"), "/backups"],
    work: [site.workVolume ?? workVolume(site.stack), "/scratch"],
  };
  const { writes, reads } = ACCESS[tool]!;
  return [
    ...volumeMount(site.secretsVolume ?? backups.secretsVolume("backup"), "/secrets", true),
    ...writes.flatMap((place) => volumeMount(...volumes[place], place === "backups" && site.backupsReadOnly === true)),
    ...reads.flatMap((place) => volumeMount(...volumes[place], true)),
    ...(usesSecond && site.secondCopy.kind === "path" ? bindMount(site.secondCopy.path, SECOND_COPY_MOUNT, true) : []),
  ];
}

function volumeMount(volume: string, path: string, readonly: boolean): string[] {
  return mount({ type: "volume", source: volume, target: path, readonly });
}

/** The words that mount a folder of the machine; one that is missing is an error. */
export function bindMount(source: string, target: string, readonly: boolean): string[] {
  return mount({ type: "bind", source, target, readonly });
}

/** Docker reads a mount as one line of comma-separated values: a path may hold commas and quotes. Nothing that is missing is made for a folder. */
function mount({ type, source, target, readonly }: { readonly type: "volume" | "bind"; readonly source: string; readonly target: string; readonly readonly: boolean }): string[] {
  const fields = [`type=${type}`, `source=${source}`, `target=${target}`, ...(readonly ? ["readonly"] : [])];
  return ["--mount", fields.map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",")];
}
