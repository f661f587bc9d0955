import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { deadline } from "../../domain/deadline";
import type { BotRecord } from "../../domain/parity/compare";
import type { ReplayRequest } from "../../domain/parity/replay";
import { ReplayReader } from "../../domain/parity/replayLines";

/** What a bot's image replays, or why it does not. */
export type ImageReplay = { readonly record: BotRecord } | { readonly note: string };

/** Where a bot is asked for a replay, and what it lets in by. */
export interface ReplayAddress {
  readonly address: string;
  readonly token: string;
}

/** A replay of many years takes seconds; this long without its end means that there is none. */
const patienceMilliseconds = 90_000;
/** Another replay of the bot may be under way. */
const tries = 3;
const pauseMilliseconds = 2000;

/** Asks a bot for a replay through its own image. Never rejects: a bot that is stopped, or cannot replay, is a note. */
export async function replayInImage({ address, token }: ReplayAddress, request: ReplayRequest, signal: AbortSignal): Promise<ImageReplay> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask({ address, token }, request, signal);
    if (answer !== "busy") return answer;
    if (attempt === tries || signal.aborted) return { note: "the bot takes no replay now" };
    await delay(pauseMilliseconds, undefined, { signal }).catch(() => undefined);
  }
}

async function ask({ address, token }: ReplayAddress, request: ReplayRequest, signal: AbortSignal): Promise<ImageReplay | "busy"> {
  try {
    const response = await fetch(new URL("/v1/replay", address), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(request),
      redirect: "error",
      signal: AbortSignal.any([signal, deadline(patienceMilliseconds)]),
    });
    if (response.status === 404 || response.status === 405) return await discard(response, { note: "the bot's image has no replay" });
    if (response.status === 409 || response.status === 429 || response.status === 503) return await discard(response, "busy");
    if (!response.ok || response.body === null) return { note: `the bot's image did not replay: ${response.status} ${(await response.text()).slice(0, 200)}` };
    const reader = new ReplayReader();
    for await (const line of createInterface({ input: Readable.fromWeb(response.body as never) })) reader.take(line);
    return { record: reader.result() };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string } };
    return { note: `the bot's image did not replay: ${cause?.code ?? message}` };
  }
}

async function discard<T>(response: Response, answer: T): Promise<T> {
  await response.body?.cancel();
  return answer;
}
