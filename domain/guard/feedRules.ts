import { dateTime } from "../feedQuality/text";
import type { FeedFacts, GuardFacts, GuardThresholds } from "./facts";
import type { Verdict } from "./verdict";

const kill = { kind: "halt", level: "kill" } as const;

/** A market whose feed is DOWN is not traded, at once. One that starts, was stopped or is over is another matter. */
export function feedDown(facts: GuardFacts): Verdict[] {
  return facts.feeds.flatMap((feed): Verdict[] => {
    const { symbol, state, phase, since, reason } = feed;
    if (state !== "DOWN" || phase !== "running") return [];
    return botsOf(facts, symbol).map((bot) => ({
      ...{ rule: "feed-down", cause: `${symbol} DOWN since ${iso(since)}`, bot, act: kill },
      ...{ reason: `the feed of ${symbol} is DOWN since ${dateTime(since)}: ${reason}`, numbers: { symbol, state, since: iso(since) } },
    }));
  });
}

/** Whether nothing vouches for a feed: its lease is not renewed then, or soon not any more. */
export function isUnwell({ state, phase }: Pick<FeedFacts, "state" | "phase">): boolean {
  return phase !== "ended" && (state !== "HEALTHY" || phase !== "running");
}

/** A feed that is not well, or says nothing, for too long; the broker lets no entry out meanwhile. */
export function feedDegraded(facts: GuardFacts, { feedDegradedSeconds }: Pick<GuardThresholds, "feedDegradedSeconds">): Verdict[] {
  return facts.feeds.flatMap((feed): Verdict[] => {
    const { symbol, state, phase, since, updatedAt, unwellFor, reason } = feed;
    const seconds = Math.round(unwellFor / 1000);
    if (phase === "ended" || unwellFor <= feedDegradedSeconds * 1000) return [];
    // DOWN while it runs has a rule of its own, which acted before.
    if (state === "DOWN" && phase === "running") return [];
    const from = state === "HEALTHY" ? updatedAt : since;
    const is = phase !== "running" ? `is ${phase}` : state === "HEALTHY" ? "does not renew its lease" : `is ${state} (${reason})`;
    return botsOf(facts, symbol).map((bot) => ({
      ...{ rule: "feed-degraded", cause: `${symbol} since ${iso(from)}`, bot, act: kill },
      ...{ reason: `the feed of ${symbol} ${is} for ${seconds} s; allowed: ${feedDegradedSeconds} s`, numbers: { symbol, state, phase, seconds, limit: feedDegradedSeconds } },
    }));
  });
}

/** The bots that trade a symbol: one word for all of them where no bot trades another. */
function botsOf({ bots }: GuardFacts, symbol: string): (string | null)[] {
  const own = bots.filter((bot) => bot.symbol === symbol).map(({ name }) => name);
  return own.length === bots.length ? [null] : own;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
