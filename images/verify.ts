import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Images that a stack's file pins. */
export interface PinnedOf {
  readonly stack: string;
  readonly names: readonly string[];
}

/**
 * Checks that images are there before any container is touched: a replacement removes the old container first.
 *
 * @param ids name of the image -> its id
 * @param pinned those that are taken as they are: no build makes them again
 * @throws naming each image that is gone, and what to do
 */
export async function verifyImages(ids: Readonly<Record<string, string>>, pinned: PinnedOf): Promise<void> {
  // One question for all of them; which one is missing is asked only where one is.
  if ((await reasonAgainst(Object.values(ids))) === undefined) return;
  const missing: string[] = [];
  for (const [name, id] of Object.entries(ids)) {
    const reason = await reasonAgainst([id]);
    if (reason === undefined) continue;
    if (!/no such image/i.test(reason)) throw new Error(reason);
    missing.push(name);
  }
  if (missing.length > 0) throw new Error(missingText(ids, missing, pinned));
}

/** What to say of images that are not there. */
export function missingText(ids: Readonly<Record<string, string>>, missing: readonly string[], { stack, names }: PinnedOf): string {
  const built = missing.filter((name) => !names.includes(name));
  const remedies = [
    ...(missing.some((name) => names.includes(name)) ? [`what Pulumi.${stack}.yaml pins (trading:release.images) comes back from the backup with npx trading load-images --stack ${stack}`] : []),
    ...(built.length === 0 ? [] : [`bring it back with \`docker load\`, or build it anew: npm run pulumi -- up --refresh --stack ${stack} --replace "**image-${built.length === 1 ? built[0] : "*"}"`]),
  ];
  return `the image of ${missing.map((name) => `${name} (${ids[name]})`).join(", of ")} is gone from this Docker Engine; no container was touched: ${remedies.join("; ")}`;
}

/** Why these images cannot be looked at, or undefined where they can. */
async function reasonAgainst(ids: readonly string[]): Promise<string | undefined> {
  try {
    await run("docker", ["image", "inspect", "--format", "{{.Id}}", ...ids]);
    return undefined;
  } catch (error) {
    return String((error as { stderr?: string }).stderr || error).trim();
  }
}
