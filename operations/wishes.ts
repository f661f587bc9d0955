import * as fs from "node:fs";
import * as path from "node:path";
import { desiredStateFile, readDesiredState, wishFor, writeDesiredState, type DesiredState, type Wish } from "../config/desiredState";
import { failure } from "./errors";
import { controlHere } from "./haltsHere";
import { underLock } from "./lock";

/** The wishes of a stack; a file that cannot be read is told in one line. */
export function readWishes(root: string, stack: string): DesiredState {
  try {
    return readDesiredState(root, stack);
  } catch (error) {
    throw failure((error as Error).message);
  }
}

export function readWish(root: string, stack: string, bot: string): Wish {
  return wishFor(readWishes(root, stack), bot);
}

/**
 * Changes the wish of one bot and leaves those of the others, also when several commands do so at once.
 *
 * @returns what it was before
 */
export async function changeWish(root: string, stack: string, bot: string, wish: Wish): Promise<Wish> {
  const file = desiredStateFile(root, stack);
  controlHere(root, stack);
  return await underLock(`${file}.lock`, () => {
    removeHalfWritten(file);
    const state = readWishes(root, stack);
    const before = wishFor(state, bot);
    if (state.bots[bot] !== wish) writeDesiredState(root, stack, { ...state, bots: { ...state.bots, [bot]: wish } });
    return before;
  });
}

/** What a killed command left beside the file; nobody else writes while the lock is held. */
function removeHalfWritten(file: string): void {
  const folder = path.dirname(file);
  const own = new RegExp(`^${path.basename(file).replace(".", "\\.")}\\.\\d+\\.tmp$`);
  for (const name of fs.readdirSync(folder)) {
    if (own.test(name)) fs.rmSync(path.join(folder, name), { force: true });
  }
}
