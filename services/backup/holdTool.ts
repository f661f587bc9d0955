import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { standardPaths, type Paths } from "./context";
import { takeMutex } from "./mutex";
import type { ToolRun } from "./toolRunner";

export const holdRequest = z.strictObject({
  /** Words for whoever finds the lock held, for example "restore". */
  holder: z.string().min(1).max(100),
  /** How long to wait for a job that runs. */
  waitSeconds: z.int().min(0).max(86_400).default(0),
});
export type HoldRequest = z.infer<typeof holdRequest>;

/**
 * Tool `hold`: keeps the mutex of all jobs until its standard input ends, so that whoever started it, and is killed, lets
 * it go. Says `{"kind":"held"}` as soon as it has it.
 * @throws when somebody else has it for longer than is waited, naming who, or when it was lost
 */
export async function hold(request: HoldRequest, run: ToolRun, paths: Pick<Paths, "lock"> = standardPaths, input: NodeJS.ReadableStream = process.stdin): Promise<{ held: string }> {
  const gone = new AbortController();
  for (const event of ["end", "close", "error"]) input.once(event, () => gone.abort(new Error("nobody waits for the lock any more")));
  input.resume();
  const signal = AbortSignal.any([run.signal, gone.signal]);
  return withMutex(
    request,
    { ...run, signal },
    async (lost) => {
      run.say({ kind: "held" });
      if (!lost.aborted) await new Promise((resolve) => lost.addEventListener("abort", resolve, { once: true }));
      // That the input ended is the only good end.
      if (!gone.signal.aborted) throw lost.reason;
      return { held: request.holder };
    },
    paths,
  );
}

/**
 * Does something under the mutex of all jobs, which it waits for.
 * @param work gets a signal that is aborted when the tool is to end or the mutex was lost
 * @throws when somebody else has it for longer than is waited, naming who
 */
export async function withMutex<T>(
  { holder, waitSeconds }: HoldRequest,
  { progress, signal }: Pick<ToolRun, "progress" | "signal">,
  work: (signal: AbortSignal) => Promise<T>,
  paths: Pick<Paths, "lock"> = standardPaths,
): Promise<T> {
  const until = performance.now() + waitSeconds * 1000;
  let told = "";
  for (;;) {
    signal.throwIfAborted();
    const taken = await takeMutex(paths.lock, holder);
    if (!("heldBy" in taken)) {
      try {
        return await work(AbortSignal.any([signal, taken.lost]));
      } finally {
        await taken.release();
      }
    }
    if (performance.now() >= until) throw new Error(`the backups are in use: ${taken.heldBy}`);
    if (told !== taken.heldBy) progress({ step: "wait", text: `waits for ${(told = taken.heldBy)}` });
    await delay(500, undefined, { signal }).catch(() => undefined);
  }
}
