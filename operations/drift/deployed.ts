import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { z } from "zod";
import { CLONE_FOLDER } from "../../config/clone";
import { refuseDuringRestore } from "../../config/restoreInProgress";
import { failure } from "../errors";
import { time } from "../format";
import type { ContainerInputs, Deployed, DeployedFile, DeployedObject, NetworkInputs, VolumeInputs } from "./facts";
import { isEncrypted } from "./properties";

const resourceSchema = z.object({
  urn: z.string(),
  type: z.string(),
  id: z.string().optional(),
  parent: z.string().optional(),
  /** Waits to be removed: no longer a part of what is declared. */
  delete: z.boolean().optional(),
  inputs: z.record(z.string(), z.unknown()).default({}),
  outputs: z.record(z.string(), z.unknown()).default({}),
});
type Resource = z.infer<typeof resourceSchema>;

/** Pulumi's state of a stack, as far as it matters here. */
const stateSchema = z.object({
  checkpoint: z.object({
    latest: z
      .object({
        manifest: z.object({ time: z.iso.datetime({ offset: true }) }),
        resources: z.array(resourceSchema).default([]),
        pending_operations: z.array(z.object({ type: z.string(), resource: resourceSchema })).nullish(),
      })
      .nullish(),
  }),
});

const [CONTAINER, VOLUME, NETWORK, COMMAND] = ["docker:index/container:Container", "docker:index/volume:Volume", "docker:index/network:Network", "command:local:Command"];
/** Components whose commands make something else than they are: an image, the content of a volume. */
export const IMAGE_COMPONENT = "trading:image:ContainerImage";
export const FILLED_COMPONENT = "trading:storage:FilledVolume";

/** Larger ones are not worth the while. */
const LARGEST_FILE = 4 * 1024 * 1024;

/** Text of a stack's state as it is now; nobody is changing it. */
export interface StateText {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads Pulumi's state directly: it takes the CLI seconds to say the same.
 *
 * @throws {CommandError} where there is none, or what is declared changes right now
 */
export function readState(root: string, stack: string): StateText {
  try {
    refuseDuringRestore(root, stack);
  } catch (error) {
    throw failure((error as Error).message);
  }
  const { project, folder } = pulumiFolder(root);
  refuseWhileLocked(path.join(folder, "locks", "organization", project, stack), stack);
  const file = path.join(folder, "stacks", project, `${stack}.json`);
  try {
    return { file, text: fs.readFileSync(file, "utf8") };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw failure(`${file} cannot be read: ${(error as Error).message}`);
    throw failure(`stack ${stack} was never brought up here (${path.relative(root, file)} is missing): npm start -- --stack ${stack}`);
  }
}

function pulumiFolder(root: string): { readonly project: string; readonly folder: string } {
  const file = path.join(root, "Pulumi.yaml");
  const project = /^name:\s*(\S+)\s*$/m.exec(fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "")?.[1];
  if (project === undefined) throw failure(`${file} names no project`);
  return { project, folder: path.join(root, CLONE_FOLDER, "state", ".pulumi") };
}

const lockSchema = z.object({ pid: z.int(), username: z.string(), hostname: z.string(), timestamp: z.string() });

/** Pulumi locks a stack while it changes it. A lock whose process is gone was left behind, and changes nothing. */
function refuseWhileLocked(folder: string, stack: string): void {
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    const lock = lockSchema.safeParse(jsonIn(path.join(folder, name))).data;
    if (lock !== undefined && lock.hostname === os.hostname() && !isAlive(lock.pid)) continue;
    const who = lock === undefined ? path.join(folder, name) : `process ${lock.pid} of ${lock.username}@${lock.hostname} since ${time(Date.parse(lock.timestamp))}`;
    throw failure(`Pulumi is changing stack ${stack} (${who}): ask again when it is done; if it is not running any more: npm run pulumi -- cancel --stack ${stack}`);
  }
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** What a state says was deployed. @throws {CommandError} where it is none */
export function deployedIn({ file, text }: StateText): Deployed {
  const parsed = stateSchema.safeParse(json(file, text));
  if (!parsed.success) throw failure(`${file} is not a state this program knows: ${parsed.error.issues[0]?.path.join(".")}: ${parsed.error.issues[0]?.message}`);
  const { latest } = parsed.data.checkpoint;
  const resources = (latest?.resources ?? []).filter((resource) => resource.delete !== true);
  const containers = objects<ContainerInputs>(resources, CONTAINER!);
  const filled = filledVolumes(resources, containers);
  const uploads = uploadsOf(containers);
  return {
    at: latest ? latest.manifest.time : null,
    containers,
    volumes: objects<VolumeInputs>(resources, VOLUME!),
    networks: objects<NetworkInputs>(resources, NETWORK!),
    images: imagesOf(resources),
    files: [...filled.files, ...uploads.files],
    unknown: [...filled.unknown, ...uploads.unknown],
    unfinished: (latest?.pending_operations ?? []).map(({ type, resource }) => ({ resource: nameOfUrn(resource.urn), operation: type })),
  };
}

function json(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw failure(`${file} is not JSON: bring it back from the backup`);
  }
}

function objects<Inputs>(resources: readonly Resource[], type: string): DeployedObject<Inputs>[] {
  return resources.flatMap((resource) => {
    if (resource.type !== type) return [];
    const { id = "", inputs, outputs } = resource;
    return [{ id, name: String(inputs["name"] ?? outputs["name"] ?? id), inputs: inputs as Inputs }];
  });
}

function nameOfUrn(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

/** Whether a resource is of a type and right inside a component. */
function isPartOf(component: string, type: string, { urn, type: own }: Resource): boolean {
  return own === type && urn.includes(`${component}$${type}::`);
}

function imagesOf(resources: readonly Resource[]): Deployed["images"] {
  return resources.flatMap((resource) => {
    const id = String(resource.outputs["stdout"] ?? "").trim();
    return isPartOf(IMAGE_COMPONENT, COMMAND!, resource) && /^sha256:[0-9a-f]{64}$/.test(id) ? [{ name: nameOfUrn(resource.urn).replace(/^image-/, ""), id }] : [];
  });
}

interface KnownFiles {
  readonly files: readonly DeployedFile[];
  readonly unknown: readonly string[];
}

/** What volumes were filled with: a line a file, its name, a tab, its content in base64. */
function filledVolumes(resources: readonly Resource[], containers: readonly DeployedObject<ContainerInputs>[]): KnownFiles {
  const secret: string[] = [];
  const unread: string[] = [];
  const files = resources.flatMap((resource): DeployedFile[] => {
    if (!isPartOf(FILLED_COMPONENT, COMMAND!, resource)) return [];
    const volume = objects<VolumeInputs>(resources.filter((other) => other.parent === resource.parent), VOLUME!)[0]?.name;
    if (volume === undefined) return [];
    const { stdin } = resource.inputs;
    if (typeof stdin !== "string") {
      secret.push(volume);
      return [];
    }
    const place = placeOf(volume, containers);
    const found = stdin.split("\n").flatMap((line): DeployedFile[] => {
      const [file, content] = line.split("\t");
      if (!file || content === undefined || place === undefined) return [];
      const bytes = Buffer.from(content, "base64");
      return [{ kind: "volume", name: volume, file, container: place.container, path: `${place.path}/${file}`, ...measured(bytes) }];
    });
    if (place === undefined) unread.push(`volume ${volume}: its content, for no container has it`);
    return found.filter((file) => isSmall(file, unread));
  });
  return { files, unknown: [...(secret.length === 0 ? [] : [`content of ${secret.length} volumes with secrets, which is encrypted in Pulumi's state`]), ...unread] };
}

function placeOf(volume: string, containers: readonly DeployedObject<ContainerInputs>[]): { readonly container: string; readonly path: string } | undefined {
  for (const { name, inputs } of containers) {
    if (isEncrypted(inputs.volumes)) continue;
    const path = inputs.volumes?.find(({ volumeName }) => volumeName === volume)?.containerPath;
    if (path !== undefined) return { container: name, path };
  }
  return undefined;
}

function uploadsOf(containers: readonly DeployedObject<ContainerInputs>[]): KnownFiles {
  const unread: string[] = [];
  const files = containers.flatMap(({ name, inputs: { uploads } }) =>
    (uploads ?? []).flatMap((upload): DeployedFile[] => {
      const { file, content, contentBase64 } = upload;
      const bytes = isEncrypted(upload) ? undefined : content !== undefined ? Buffer.from(content) : contentBase64 !== undefined ? Buffer.from(contentBase64, "base64") : undefined;
      if (bytes === undefined) {
        unread.push(`container ${name}: file ${file}, whose content is not in Pulumi's state, or encrypted there`);
        return [];
      }
      return [{ kind: "container", name, file, container: name, path: file, ...measured(bytes) }];
    }),
  );
  return { files: files.filter((file) => isSmall(file, unread)), unknown: unread };
}

function measured(bytes: Buffer): Pick<DeployedFile, "sha256" | "bytes"> {
  return { sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
}

function isSmall({ kind, name, file, bytes }: DeployedFile, unread: string[]): boolean {
  if (bytes <= LARGEST_FILE) return true;
  unread.push(`${kind} ${name}: file ${file}, which is larger than ${LARGEST_FILE / 1024 / 1024} MiB`);
  return false;
}
