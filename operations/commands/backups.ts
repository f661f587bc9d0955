import { Command, Option } from "commander";
import { readCatalog, type Catalog } from "../backup/catalog";
import { lostText } from "../backup/lostArtifacts";
import { size } from "../backup/restorePlan";
import { toolSite } from "../backup/site";
import type { Copy, ToolSite } from "../backup/toolContainer";
import { dockerTools, type Tools } from "../backup/tools";
import { timeOfPoint, type RecoveryPoint } from "../../domain/backup/recoveryPoint";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, failure } from "../errors";
import { duration, NONE } from "../format";
import { declaredStack, type DeclaredStack } from "../stack";
import { plainTable } from "../statusText";

interface Options extends GlobalOptions {
  readonly from?: Copy;
}

/** What the command needs of the world beyond its context. */
export interface BackupsMeans {
  readonly tools: Tools;
  site(context: Context, declared: DeclaredStack): Promise<ToolSite>;
}

/** `backups`: what can be restored. */
export function backupsCommand(context: Context, wrap: Wrap, means: BackupsMeans = { tools: dockerTools(), site: toolSite }): Command {
  return new Command("backups")
    .description("list the good recovery points and dumps, and the time that can be restored to the second")
    .addOption(new Option("--from <copy>", "copy of the backups to list").choices(["first", "second"]).default("first"))
    .action(wrap<Options>((options) => list(context, means, options)));
}

async function list(context: Context, { tools, site: siteOf }: BackupsMeans, { stack, from = "first" }: Options): Promise<Outcome> {
  const declared = declaredStack(context.root, stack);
  const site = await siteOf(context, declared);
  if (from === "second" && site.secondCopy.kind === "none") throw failure(`stack ${stack} has no second copy: trading:backup.secondCopy`);
  const catalog = await readCatalog(tools, site, from);
  // What the other copy holds says which points would survive the loss of this machine; it may be out of reach.
  const second = from === "second" ? catalog : site.secondCopy.kind === "none" ? undefined : await readCatalog(tools, site, "second").catch(() => undefined);
  const inSecond = second && new Set(second.points.map(({ id }) => id));
  const entries = [...catalog.points].reverse().map((point) => entryOf(point, catalog, inSecond, context.now()));
  return { exitCode: EXIT.ok, text: textOf({ stack, from, catalog, entries }), document: { stack, from, restorable: catalog.log, backups: entries } };
}

/** One line of the table, and one entry of the JSON document. */
interface Entry {
  readonly id: string;
  readonly kind: RecoveryPoint["kind"];
  readonly snapshotAt: string;
  readonly ageSeconds: number;
  readonly databaseBytes: number;
  readonly storedBytes: number;
  /** pgBackRest's label of the backup a point builds on. */
  readonly label: string | null;
  readonly artifacts: { readonly files: number; readonly bytes: number } | null;
  /** Artifacts that MLflow's database refers to and that a restore found nowhere, in words. */
  readonly lostArtifacts: readonly string[];
  /** When a restore test brought it back and found it right. */
  readonly provedAt: string | null;
  /** Null where that is not known. */
  readonly inSecondCopy: boolean | null;
}

function entryOf(point: RecoveryPoint, { proofs }: Catalog, inSecond: ReadonlySet<string> | undefined, now: number): Entry {
  const proved = proofs.filter(({ point: id, passed }) => id === point.id && passed).map(({ provedAt }) => provedAt);
  const { id, kind, snapshotAt, databaseBytes, storedBytes, physical, artifacts } = point;
  return {
    ...{ id, kind, snapshotAt, databaseBytes, storedBytes },
    ageSeconds: Math.max(0, Math.floor((now - timeOfPoint(id)) / 1000)),
    label: physical?.label ?? null,
    artifacts: artifacts && { files: artifacts.files, bytes: artifacts.bytes },
    lostArtifacts: artifacts?.references.missing ?? [],
    provedAt: proved.sort().at(-1) ?? null,
    inSecondCopy: inSecond === undefined ? null : inSecond.has(id),
  };
}

function textOf({ stack, from, catalog, entries }: { stack: string; from: Copy; catalog: Catalog; entries: readonly Entry[] }): string {
  if (entries.length === 0) return `The ${from} copy of stack ${stack} holds no good recovery point yet: npx trading backup --stack ${stack}\n`;
  const head = ["backup", "kind", "age", "databases", "stored", "label", "artifacts", "proved by restore test", "second copy"];
  const rows = entries.map((entry) => [
    ...[entry.id, entry.kind, duration(entry.ageSeconds), size(entry.databaseBytes), size(entry.storedBytes), entry.label ?? NONE],
    entry.artifacts === null ? NONE : `${entry.artifacts.files} files, ${size(entry.artifacts.bytes)}`,
    entry.provedAt?.slice(0, 16).replace("T", " ") ?? "never",
    entry.inSecondCopy === null ? NONE : entry.inSecondCopy ? "yes" : "NO",
  ]);
  const range = catalog.log === null ? "No log from after the oldest point is archived yet: only the points themselves can be restored." : `To the second: any time from ${catalog.log.from} to ${catalog.log.to}.`;
  const newest = entries.find(({ artifacts }) => artifacts !== null);
  const lost = lostText(newest?.lostArtifacts ?? []).map((line) => `${line}\n`).join("");
  return `${plainTable(head, rows)}\n${lost}${range}\nTo restore: npx trading restore --stack ${stack} --to BACKUP or TIME${from === "second" ? " --from second" : ""}\n`;
}
