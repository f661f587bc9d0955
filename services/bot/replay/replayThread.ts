import { on } from "node:events";
import { Worker } from "node:worker_threads";
import type { ReplayWork, WorkerMessage } from "./messages";

/** The replay could not begin: the database does not answer, or there is nothing to replay. */
export class ReplayRefused extends Error {
  override readonly name = "ReplayRefused";

  constructor(
    readonly kind: "database" | "candles",
    message: string,
  ) {
    super(message);
  }
}

/** Heap of the thread: it ends, and not the bot, when a replay needs more. */
const megabytes = 64;

/**
 * Replays in a thread of its own.
 * @param file the thread's program
 * @param signal ends the thread
 * @returns chunks of lines, once the replay has begun
 * @throws {ReplayRefused} when it cannot begin
 */
export async function replayInThread(file: string, work: ReplayWork, signal: AbortSignal): Promise<AsyncGenerator<string>> {
  const worker = new Worker(file, { workerData: work, resourceLimits: { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: 4 } });
  // A thread that ends before it is done has said what went wrong as an error.
  const messages = on(worker, "message", { signal, close: ["exit"] }) as AsyncIterableIterator<[WorkerMessage]>;
  const first = await messages.next().catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  const said = first.done === true ? undefined : first.value[0];
  if (said === undefined || !("begun" in said)) {
    await worker.terminate();
    const refused = said !== undefined && "failed" in said ? said : { failed: "candles" as const, reason: "the replay ended without a word" };
    throw new ReplayRefused(refused.failed, refused.reason);
  }
  return chunks(worker, messages);
}

async function* chunks(worker: Worker, messages: AsyncIterableIterator<[WorkerMessage]>): AsyncGenerator<string> {
  try {
    for await (const [message] of messages) {
      if ("done" in message) return;
      if ("lines" in message && message.lines.length > 0) yield `${message.lines.join("\n")}\n`;
    }
    throw new Error("the replay ended before it was done");
  } finally {
    await worker.terminate();
  }
}
