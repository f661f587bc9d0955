import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** The right to change anything in the backups, over all containers of the stack; free as soon as its holder is dead. */
export interface Mutex {
  /** Aborted when the lock was lost while it was held: what it protected must end. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** Exit code of flock that says that somebody else has the lock. */
const held = 75;
/** How often the name of a holder is looked for, and how long between two looks. */
const nameAttempts = 10;
const nameMilliseconds = 20;

/**
 * Takes the lock, or tells who has it. The kernel keeps it for a child that lives as long as its standard input is open,
 * which ends with this process however that ends: there are no stale locks.
 * @param holder words for whoever finds it held, for example "point"
 * @throws when the lock file cannot be opened
 */
export async function takeMutex(path: string, holder: string, now: () => number = Date.now): Promise<Mutex | { readonly heldBy: string }> {
  const child = spawn("flock", ["--nonblock", "--conflict-exit-code", String(held), path, "cat"], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.on("error", () => undefined);
  const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  ended.catch(() => undefined);
  // What is written comes back from cat, which runs only when the lock was had.
  child.stdin.write("held\n");
  const code = await Promise.race([once(child.stdout, "data").then(() => "held" as const), ended]);
  if (code === held) return { heldBy: await holderOf(path) };
  if (code !== "held") throw new Error(`the lock ${path} cannot be taken: ${said.trim() || `flock ended with ${code}`}`);

  const lost = new AbortController();
  let released = false;
  void ended.then(() => {
    if (!released) lost.abort(new Error(`the lock ${path} was lost: the program that held it has ended`));
  });
  // Only for people: a holder that could not write its name holds the lock all the same.
  await writeFile(path, `${holder} since ${new Date(now()).toISOString()}\n`).catch(() => undefined);
  return {
    lost: lost.signal,
    release: async () => {
      released = true;
      await writeFile(path, "").catch(() => undefined);
      child.stdin.end();
      await ended;
    },
  };
}

/** Whoever got the lock this moment has not written its name yet. */
async function holderOf(path: string): Promise<string> {
  for (let attempt = 0; attempt < nameAttempts; attempt++) {
    const text = (await readFile(path, "utf8").catch(() => "")).trim();
    if (text !== "") return text;
    await delay(nameMilliseconds);
  }
  return "another job";
}
