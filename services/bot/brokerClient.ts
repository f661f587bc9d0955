import pRetry, { AbortError } from "p-retry";
import { z } from "zod";
import { deadline } from "../../domain/deadline";
import { executionSettings, type ExecutionParameters } from "../../domain/execution";
import type { Intent } from "../../domain/orders";
import type { Logger } from "../shared/log";

export interface Registration {
  /** First bar to decide on, epoch ms. */
  readonly startBar: number;
  /** First candle for the indicators, epoch ms. */
  readonly warmupFrom: number;
  readonly execution: ExecutionParameters;
  readonly configurationHash: string;
  /** Milliseconds after its close in which a bar may be decided on; null in a replay. */
  readonly decisionWindowMilliseconds: number | null;
}

/** How the broker answered; "unanswered" means that it may or may not have taken the intent: hand it in again. */
export type Answer =
  | { readonly kind: "taken"; readonly status: string }
  | { readonly kind: "rejected"; readonly reason: string }
  | { readonly kind: "unanswered"; readonly reason: string };

const registrationBody = z.object({
  startBar: z.int(),
  warmupFrom: z.int(),
  execution: executionSettings,
  configurationHash: z.string(),
  decisionWindowMilliseconds: z.number().positive().nullable(),
});

const requestMilliseconds = 5000;
const lastWordMilliseconds = 2000;

/** The broker's HTTP API as one bot uses it. */
export class BrokerClient {
  constructor(
    private readonly url: string,
    private readonly token: string,
    private readonly log: Logger,
  ) {}

  /**
   * Registers, and goes on trying until the broker takes it: after 0.25 s at first, every 3 s at most.
   * @param onFailure told why the last attempt failed
   * @throws the signal's reason when it is aborted
   */
  register(warmupBars: number, options: { signal: AbortSignal; onFailure: (reason: string) => void }): Promise<Registration> {
    const { signal, onFailure } = options;
    const attempt = async (): Promise<Registration> => {
      const response = await this.post("/v1/register", { warmupBars }, signal);
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status} ${problemOf(text)}`);
      return registrationBody.parse(JSON.parse(text));
    };
    return pRetry(
      () =>
        attempt().catch((error: unknown) => {
          if (signal.aborted) throw new AbortError("stopped");
          throw new Error(messageOf(error));
        }),
      {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 250,
        maxTimeout: 3000,
        signal,
        onFailedAttempt: ({ error, attemptNumber }) => {
          onFailure(error.message);
          this.log.warn({ attempt: attemptNumber, reason: error.message }, "not registered at the broker");
        },
      },
    );
  }

  /**
   * Hands an intent in, once. Doing so again with the same id is harmless.
   * @param signal aborted when the bot stops: the answer is waited for a little longer, as an orderly stop loses nothing
   */
  async submit(clientOrderId: string, bar: number, intent: Intent, signal: AbortSignal): Promise<Answer> {
    const stop = new AbortController();
    const soon = (): void => void setTimeout(() => stop.abort(new Error("the bot stops")), lastWordMilliseconds).unref();
    if (signal.aborted) soon();
    else signal.addEventListener("abort", soon, { once: true });
    try {
      const response = await this.post("/v1/intents", { clientOrderId, bar, ...intent }, stop.signal);
      const text = await response.text();
      if (response.ok) return { kind: "taken", status: (JSON.parse(text) as { status: string }).status };
      const reason = problemOf(text);
      // Only what the broker said of the intent itself is final; too many requests (429) says nothing of it.
      return response.status === 409 || response.status === 422
        ? { kind: "rejected", reason }
        : { kind: "unanswered", reason: `${response.status} ${reason}` };
    } catch (error) {
      return { kind: "unanswered", reason: messageOf(error) };
    } finally {
      signal.removeEventListener("abort", soon);
    }
  }

  private post(path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    return fetch(new URL(path, this.url), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.token}` },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, deadline(requestMilliseconds)]),
    });
  }
}

function problemOf(text: string): string {
  try {
    const { reason, error } = JSON.parse(text) as { reason?: string; error?: string };
    return reason ?? error ?? text;
  } catch {
    return text.slice(0, 200);
  }
}

/** fetch says only "fetch failed"; its cause says why. */
function messageOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string; code?: string } };
  return cause === undefined ? (message ?? String(error)) : `${message}: ${cause.code ?? cause.message ?? "unknown"}`;
}
