import { createHash } from "node:crypto";
import Docker from "dockerode";
import { extract } from "tar-stream";
import { LABELS } from "../../config/names";
import { explainEngineError } from "../engine";
import { fileKey, type Ability, type Deployed, type DeployedFile, type RunningStack } from "./facts";

/** An Engine that has said nothing for so long hangs. */
const ANSWER_MILLISECONDS = 15_000;

/**
 * Everything that Docker has of a stack: what was declared, by name and by id, and what carries the stack's label.
 *
 * @throws {CommandError} in plain words when Docker does not answer
 */
export async function lookAtDocker(stack: string, deployed: Deployed): Promise<RunningStack> {
  try {
    return await look(new Docker({ timeout: ANSWER_MILLISECONDS }), stack, deployed);
  } catch (error) {
    throw explainEngineError(error);
  }
}

async function look(docker: Docker, stack: string, deployed: Deployed): Promise<RunningStack> {
  const isOurs = (labels: Readonly<Record<string, string>> | null | undefined) => labels?.[LABELS.stack] === stack;
  const [containers, volumes, networks, info, declaredImages, files] = await Promise.all([
    containersOf(docker, deployed, isOurs),
    docker.listVolumes().then(({ Volumes }) => (Volumes ?? []).filter(({ Name, Labels }) => isOurs(Labels) || deployed.volumes.some(({ name }) => name === Name))),
    networksOf(docker, deployed, isOurs),
    docker.info() as Promise<EngineInfo>,
    imagesOf(docker, [...deployed.images.map(({ id }) => id), ...deployed.containers.flatMap(({ inputs: { image } }) => image ?? [])]),
    Promise.all(deployed.files.map(async (file) => [fileKey(file), await fileHash(docker, file)] as const)),
  ]);
  const others = await imagesOf(docker, containers.map(({ Image }) => Image).filter((id) => !declaredImages.has(id)));
  return { containers, volumes, networks, images: new Map([...declaredImages, ...others]), files: new Map(files), cannot: lacking(info) };
}

/** Null where there is no such object, or no more. */
async function orNull<Value>(question: Promise<Value>): Promise<Value | null> {
  try {
    return await question;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return null;
    throw error;
  }
}

type IsOurs = (labels: Readonly<Record<string, string>> | null | undefined) => boolean;

async function containersOf(docker: Docker, deployed: Deployed, isOurs: IsOurs): Promise<Docker.ContainerInspectInfo[]> {
  const names = new Set(deployed.containers.map(({ name }) => `/${name}`));
  const ids = new Set(deployed.containers.map(({ id }) => id));
  const found = (await docker.listContainers({ all: true })).filter(({ Id, Names, Labels }) => isOurs(Labels) || ids.has(Id) || Names.some((name) => names.has(name)));
  const inspected = await Promise.all(found.map(({ Id }) => orNull(docker.getContainer(Id).inspect())));
  return inspected.filter((container) => container !== null);
}

async function networksOf(docker: Docker, deployed: Deployed, isOurs: IsOurs): Promise<Docker.NetworkInspectInfo[]> {
  const found = (await docker.listNetworks()).filter(({ Name, Labels }) => isOurs(Labels) || deployed.networks.some(({ name }) => name === Name));
  // The list does not say what is connected.
  const inspected = await Promise.all(found.map(({ Id }) => orNull(docker.getNetwork(Id).inspect() as Promise<Docker.NetworkInspectInfo>)));
  return inspected.filter((network) => network !== null);
}

async function imagesOf(docker: Docker, references: readonly string[]): Promise<Map<string, Docker.ImageInspectInfo | null>> {
  return new Map(await Promise.all([...new Set(references)].map(async (reference) => [reference, await orNull(docker.getImage(reference).inspect())] as const)));
}

interface EngineInfo {
  readonly MemoryLimit?: boolean;
  readonly SwapLimit?: boolean;
  readonly CPUShares?: boolean;
  readonly PidsLimit?: boolean;
}

function lacking({ MemoryLimit, SwapLimit, CPUShares, PidsLimit }: EngineInfo): Set<Ability> {
  const abilities: readonly (readonly [Ability, boolean | undefined])[] = [
    ["memory", MemoryLimit],
    ["swap", SwapLimit],
    ["cpu shares", CPUShares],
    ["process limit", PidsLimit],
  ];
  return new Set(abilities.flatMap(([ability, there]) => (there === false ? [ability] : [])));
}

/** Reads a file as `docker cp` does: from one that is stopped as well, and from its volumes. */
async function fileHash(docker: Docker, { container, path }: DeployedFile): Promise<string | null | { readonly problem: string }> {
  try {
    const archive = await orNull(docker.getContainer(container).getArchive({ path }));
    return archive === null ? null : await hashInside(archive);
  } catch (error) {
    return { problem: `cannot be read: ${(error as { json?: { message?: string } }).json?.message ?? (error as Error).message}` };
  }
}

function hashInside(archive: NodeJS.ReadableStream): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const entries = extract();
    let hash: string | null = null;
    entries.on("entry", (header, content, next) => {
      const sum = createHash("sha256");
      content.on("data", (chunk) => sum.update(chunk as Buffer));
      content.on("end", () => {
        if (header.type === "file") hash = sum.digest("hex");
        next();
      });
    });
    entries.on("finish", () => resolve(hash)).on("error", reject);
    archive.on("error", reject).pipe(entries);
  });
}
