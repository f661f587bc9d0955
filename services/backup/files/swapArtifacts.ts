import * as fs from "node:fs/promises";
import * as path from "node:path";
import { z } from "zod";
import { pointId } from "../../../domain/backup/recoveryPoint";
import { standardPaths, type Paths } from "../context";
import { writeDurably } from "../durableFile";
import type { ToolContext } from "../progress";
import { isUnfinished } from "./artifacts";

/** Id of one restore: what is put aside carries it. */
export const restoreId = z.union([pointId, z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/)], { error: "allowed: letters, digits and dashes" });
export const swapRequest = z.strictObject({ id: restoreId });
export type SwapRequest = z.infer<typeof swapRequest>;

/**
 * Where a swap is: `out` the old ones move aside, `in` the restored ones move in, `done`; `back-out` the restored ones
 * move aside again, `back-in` the old ones move in again, `undone`. Each move can be repeated, so any of them can be cut off.
 */
const phase = z.enum(["out", "in", "done", "back-out", "back-in", "undone"]);
type Phase = z.infer<typeof phase>;

interface Places {
  readonly root: string;
  readonly restored: string;
  readonly before: string;
  readonly marker: string;
}

function placesOf(paths: Paths, id: string): Places {
  const at = (name: string) => path.join(paths.artifacts, name);
  return { root: paths.artifacts, restored: at(`.restored-${id}`), before: at(`.before-${id}`), marker: at(`.swap-${id}`) };
}

/** Tool `swap-artifacts`: the restored artifacts take the place of the old ones, which are kept. Again and again the same. */
export async function swapArtifacts({ id }: SwapRequest, { progress }: ToolContext, paths: Paths = standardPaths): Promise<{ swapped: true }> {
  const places = placesOf(paths, id);
  let now = await readPhase(places);
  if (now === "back-out" || now === "back-in") throw new Error(`the artifacts of restore ${id} are being taken back: let unswap-artifacts end first`);
  if (now === "done") return { swapped: true };
  if (now === null || now === "undone") {
    if (!(await exists(places.restored))) throw new Error(`there are no restored artifacts of restore ${id}`);
    await setPhase(places, (now = "out"));
  }
  progress({ step: "swap", text: "the restored artifacts take the place of the old ones" });
  if (now === "out") {
    await moveAll(places.root, places.before);
    await setPhase(places, (now = "in"));
  }
  await moveAll(places.restored, places.root);
  await setPhase(places, "done");
  return { swapped: true };
}

/** Tool `unswap-artifacts`: the old artifacts are in their place again, however far the swap was. */
export async function unswapArtifacts({ id }: SwapRequest, { progress }: ToolContext, paths: Paths = standardPaths): Promise<{ swapped: false }> {
  const places = placesOf(paths, id);
  let now = await readPhase(places);
  if (now === null || now === "undone") return { swapped: false };
  progress({ step: "unswap", text: "the old artifacts are put back" });
  // Before the restored ones began to move, nothing of them is in the old ones' place.
  if (now === "out") await setPhase(places, (now = "back-in"));
  if (now === "in" || now === "done") await setPhase(places, (now = "back-out"));
  if (now === "back-out") {
    await moveAll(places.root, places.restored);
    await setPhase(places, (now = "back-in"));
  }
  await moveAll(places.before, places.root);
  await setPhase(places, "undone");
  return { swapped: false };
}

/** Tool `discard-artifacts`: removes what is no longer in its place, the old ones after a swap, the restored ones without one. */
export async function discardArtifacts({ id }: SwapRequest, { progress }: ToolContext, paths: Paths = standardPaths): Promise<{ discarded: true }> {
  const places = placesOf(paths, id);
  const now = await readPhase(places);
  if (now !== null && now !== "done" && now !== "undone") throw new Error(`the swap of restore ${id} was cut off: let swap-artifacts or unswap-artifacts end first`);
  if (now === null && (await exists(places.before))) throw new Error(`${places.before} is there and nothing says what it is: look at it, and remove it by hand`);
  progress({ step: "discard", text: "what is no longer needed is removed" });
  await fs.rm(places.restored, { recursive: true, force: true });
  await fs.rm(places.before, { recursive: true, force: true });
  await fs.rm(places.marker, { force: true });
  await syncFolder(places.root);
  return { discarded: true };
}

/** @throws while a swap of this restore is on its way, or has been made: its places must not be written to */
export async function demandNoSwap(paths: Paths, id: string): Promise<string> {
  const places = placesOf(paths, id);
  const now = await readPhase(places);
  if (now !== null && now !== "undone") throw new Error(`the artifacts of restore ${id} are already being swapped (${now}): end that first, or take it back`);
  return places.restored;
}

/** Entries that a cut-off move has moved already are no longer where they came from. */
async function moveAll(from: string, to: string): Promise<void> {
  const isRoot = (folder: string) => !isUnfinished(path.basename(folder));
  await fs.mkdir(to, { recursive: true, mode: 0o700 });
  const names = await fs.readdir(from).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  for (const name of names) {
    if (isRoot(from) && isUnfinished(name)) continue;
    await fs.rename(path.join(from, name), path.join(to, name));
  }
  await syncFolder(to);
  if (names.length > 0) await syncFolder(from);
}

async function readPhase({ marker }: Places): Promise<Phase | null> {
  try {
    return phase.parse((await fs.readFile(marker, "utf8")).trim());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function setPhase({ marker }: Places, to: Phase): Promise<void> {
  await writeDurably(marker, to);
}

function exists(file: string): Promise<boolean> {
  return fs.lstat(file).then(
    () => true,
    () => false,
  );
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r");
  await handle.sync().finally(() => handle.close());
}
