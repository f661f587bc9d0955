import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Checks that images are there before any container is touched: a replacement removes the old container first.
 *
 * @param ids name of the image -> its id
 * @throws naming each image that is gone, and what to do
 */
export async function verifyImages(ids: Readonly<Record<string, string>>): Promise<void> {
  // One question for all of them; which one is missing is asked only where one is.
  if ((await reasonAgainst(Object.values(ids))) === undefined) return;
  const missing: string[] = [];
  for (const [name, id] of Object.entries(ids)) {
    const reason = await reasonAgainst([id]);
    if (reason === undefined) continue;
    if (!/no such image/i.test(reason)) throw new Error(reason);
    missing.push(`${name} (${id})`);
  }
  if (missing.length === 0) return;
  throw new Error(
    `the image of ${missing.join(", of ")} is gone from this Docker Engine; no container was touched. ` +
      'Bring it back with `docker load`, or build it anew: npm run pulumi -- up --replace "**image-<name>" with the name above',
  );
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
