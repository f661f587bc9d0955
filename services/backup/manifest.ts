import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Catalog } from "./catalog";
import type { BackupContext, Paths } from "./context";
import { requireDatabase, requireMounts } from "./required";
import { run } from "./run";

const deployed = z.record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/));

/**
 * Service -> id of the image that is deployed, as the last `up` wrote it down.
 * @throws when the file is missing or cannot be understood: a point must say what it was made with
 */
export async function deployedImages(paths: Pick<Paths, "secrets">): Promise<Record<string, string>> {
  const file = join(paths.secrets, "deployed-images.json");
  const parsed = deployed.safeParse(JSON.parse(await readFile(file, "utf8")));
  if (!parsed.success) throw new Error(`${file} is no list of services and image ids: ${parsed.error.message}`);
  return parsed.data;
}

/** For example 0.18.0. */
export async function resticVersion(signal: AbortSignal): Promise<string> {
  const { stdout } = await run("restic", ["version"], { timeoutSeconds: 30, signal });
  const version = /^restic (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`restic version says "${stdout.trim().slice(0, 100)}"`);
  return version;
}

/** What a point or a dump is begun with, once all that it is made of is there. */
export interface Begun {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly images: Record<string, string>;
  /** Version of restic. */
  readonly restic: string;
}

/** @throws naming what is not there; nothing was begun then */
export async function begin(context: BackupContext, catalog: Pick<Catalog, "freshId">, now: () => number): Promise<Begun> {
  context.step("looking at what is needed");
  await requireMounts(context);
  await requireDatabase(context);
  const [images, restic] = [await deployedImages(context.paths), await resticVersion(context.signal)];
  const startedAt = now();
  return { id: await catalog.freshId(startedAt), startedAt, images, restic };
}
