import type { BotView, FeedView, SourceView, TrustLevel, TrustView } from "./api";

export interface TrustInput {
  now: number;
  stale: boolean;
  readAt: number | null;
  sources: readonly SourceView[];
  feeds: readonly FeedView[];
  bots: readonly BotView[];
}

/** A running bot that owes a decision for longer than this makes no progress. */
export const progressMilliseconds = 60_000;

interface Finding {
  level: Exclude<TrustLevel, "yes">;
  text: string;
}

const titles: Record<TrustLevel, string> = {
  yes: "Yes: feed, broker and bots work",
  care: "With care",
  no: "No",
};

/** Collects everything that stands against trusting the stack now; without any the answer is yes. */
export function trust(input: TrustInput): TrustView {
  const found = [...input.sources.flatMap((source) => sourceFindings(source, input.readAt))];
  // What the database said before it was lost is no finding about now.
  if (!input.stale) {
    found.push(...input.feeds.flatMap(feedFindings));
    found.push(...input.bots.flatMap((bot) => botFindings(bot, input.now)));
  }
  const level: TrustLevel = found.some((finding) => finding.level === "no") ? "no" : found.length > 0 ? "care" : "yes";
  const reasons = [...found.filter((finding) => finding.level === "no"), ...found.filter((finding) => finding.level === "care")];
  return { level, title: titles[level], reasons: reasons.map((finding) => finding.text) };
}

const consequences: Record<SourceView["name"], string> = {
  database: "the values below are the last ones read",
  broker: "orders and protective stops are not worked",
  livefeed: "no new candles arrive, and entries are blocked when its lease ends",
};

function sourceFindings(source: SourceView, readAt: number | null): Finding[] {
  if (source.state === "up") return [];
  if (source.state === "notReady") return [{ level: "care", text: `The ${source.name} is not ready: ${source.reason}` }];
  const consequence = source.name === "database" && readAt === null ? "nothing could be read yet" : consequences[source.name];
  return [{ level: "no", text: `The ${source.name} does not answer (${source.reason}): ${consequence}` }];
}

function feedFindings(feed: FeedView): Finding[] {
  const market = `${feed.symbol} ${feed.interval}`;
  if (feed.state === "DOWN") return [{ level: "no", text: `The feed ${market} is DOWN: ${feed.reason}` }];
  if (feed.state === "UNKNOWN") return [{ level: "care", text: `The feed ${market} is unknown: ${feed.reason}` }];
  if (feed.state === "DEGRADED") return [{ level: "care", text: `The feed ${market} is DEGRADED: ${feed.reason}` }];
  return feed.leaseLeft > 0 ? [] : [{ level: "care", text: `The feed ${market} has no valid lease: entries are blocked` }];
}

function botFindings(bot: BotView, now: number): Finding[] {
  if (!bot.running) {
    const stop = bot.position?.stopPrice;
    if (bot.position === null) return [{ level: "care", text: `Bot ${bot.name} is not running` }];
    return [{ level: "care", text: `Bot ${bot.name} is not running; its open position is left to the broker's stop${stop === null || stop === undefined ? "" : ` at ${stop}`}` }];
  }
  if (!bot.registered) return [{ level: "care", text: `Bot ${bot.name} runs but has no account yet` }];
  const decision = bot.lastDecision;
  if (decision === null) return [{ level: "care", text: `Bot ${bot.name} has not decided yet` }];
  const findings: Finding[] = [];
  if (bot.behind > 0 && now - decision.decidedAt > progressMilliseconds) {
    findings.push({ level: "no", text: `Bot ${bot.name} runs but makes no progress: ${bot.behind} ${bot.behind === 1 ? "candle waits" : "candles wait"} for a decision` });
  }
  if (decision.late) findings.push({ level: "care", text: `Bot ${bot.name} decided too late: the broker had passed the bar` });
  return findings;
}
