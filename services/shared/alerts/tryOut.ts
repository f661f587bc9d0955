import { randomUUID } from "node:crypto";
import type { Notice, Render } from "./notice";
import { readAddress, send, type OutgoingRequest } from "./request";

/** What became of one request. */
export interface Tried {
  readonly what: "warning raised" | "critical raised" | "resolved" | "heartbeat";
  /** Whether it was sent at all: it is not where this part has no address. */
  readonly configured: boolean;
  readonly arrived: boolean;
  /** Such as `HTTP 200`, or why it did not arrive. Never the address. */
  readonly answer: string;
  readonly milliseconds: number;
}

export interface TryOutOptions {
  readonly stack: string;
  readonly sender: string;
  readonly addressFile: string | null;
  readonly render: Render;
  /** Makes the address of the heartbeat; null where there is none. */
  readonly heartbeatAddress: (() => URL) | null;
  /** Longest wait for each answer. */
  readonly milliseconds: number;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/** Sends one notice of each kind and a heartbeat, once each and in this order, and says what came of them. Never rejects. */
export async function tryOut(options: TryOutOptions): Promise<Tried[]> {
  const { addressFile, render, heartbeatAddress, milliseconds, signal } = options;
  const once = async (what: Tried["what"], address: (() => URL) | null, request: OutgoingRequest): Promise<Tried> => {
    if (address === null) return { what, configured: false, arrived: false, answer: "this part has no address for it", milliseconds: 0 };
    const begun = performance.now();
    const [arrived, answer] = await Promise.resolve()
      .then(() => send(address(), request, milliseconds, signal))
      .then(
        (status) => [true, `HTTP ${status}`] as const,
        (error: unknown) => [false, (error as Error).message] as const,
      );
    return { what, configured: true, arrived, answer, milliseconds: Math.round(performance.now() - begun) };
  };
  const address = addressFile === null ? null : () => readAddress(addressFile);
  // Beside the notices, so that all of it is done while whoever asked still waits.
  const beat = once("heartbeat", heartbeatAddress, { method: "GET", headers: {} });
  const tried: Tried[] = [];
  for (const [what, notice] of testNotices(options)) tried.push(await once(what, address, render(notice)));
  return [...tried, await beat];
}

/** All of one incident, so that a receiver that keeps account has none open afterwards. */
function testNotices({ stack, sender, now }: Pick<TryOutOptions, "stack" | "sender" | "now">): [Tried["what"], Notice][] {
  const incident = randomUUID();
  const at = new Date(now).toISOString();
  const notice = (count: number, more: Pick<Notice, "state" | "severity" | "resolvedAt">): Notice => ({
    ...{ format: 1, id: `${incident}-${count}`, incident, stack, sender, key: "alerts.test", text: "This is a test: nothing is wrong, and nothing has to be done.", runbook: "docs/alerts.md" },
    ...{ since: at, at, count, announced: count > 1, ...more },
  });
  return [
    ["warning raised", notice(1, { state: "raised", severity: "warning", resolvedAt: null })],
    ["critical raised", notice(2, { state: "raised", severity: "critical", resolvedAt: null })],
    ["resolved", notice(3, { state: "resolved", severity: "critical", resolvedAt: at })],
  ];
}
