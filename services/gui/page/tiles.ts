import type { BotView, FeedView, StatusView } from "../api";
import { ageText, durationText, minuteText, numberText, percentText, signedText } from "./format";

export type Tone = "" | "good" | "warning" | "bad";

/** One value with what explains it. */
export interface Tile {
  label: string;
  value: string;
  tone: Tone;
  details: string[];
  /** Known without the database: does not grow old with the other values. */
  current?: boolean;
}

/** The values at the top of the page for one bot. */
export function tilesOf(view: StatusView, bot: BotView, now: number): Tile[] {
  const feed = view.feeds.find((candidate) => candidate.symbol === bot.symbol && candidate.interval === bot.interval);
  return [botTile(bot), feedTile(feed, now), positionTile(bot), equityTile(bot), decisionTile(bot, now), servicesTile(view, now)];
}

function botTile(bot: BotView): Tile {
  const [value, tone]: [string, Tone] = bot.running === null ? ["unknown", "warning"] : bot.running ? ["running", "good"] : ["not running", "warning"];
  const behind = bot.behind > 0 ? [`${numberText(bot.behind, 0)} ${bot.behind === 1 ? "candle" : "candles"} behind the feed`] : [];
  return { label: `Bot ${bot.name}`, value, tone, details: [`${bot.strategy} on ${bot.symbol} ${bot.interval}`, ...behind] };
}

const feedTones: Record<FeedView["state"], Tone> = { HEALTHY: "good", DEGRADED: "warning", DOWN: "bad", UNKNOWN: "warning" };

function feedTile(feed: FeedView | undefined, now: number): Tile {
  if (feed === undefined) return { label: "Feed", value: "UNKNOWN", tone: "warning", details: [] };
  const left = Math.max(0, (feed.leaseUntil ?? 0) - now);
  const lease = left > 0 ? `entries allowed for ${durationText(left)} more` : "no lease: entries are blocked";
  return {
    label: "Feed",
    value: feed.state,
    tone: feedTones[feed.state],
    details: [feed.reason, `last candle ${minuteText(feed.lastCandle)}`, lease],
  };
}

function positionTile(bot: BotView): Tile {
  const pending = bot.pendingOrders.map((order) =>
    order.action === "moveStop"
      ? `next bar: stop at ${numberText(order.stopPrice)}`
      : `next open: ${order.action === "enter" ? `buy ${numberText(order.quantity, 5)}` : "sell all"}`,
  );
  const position = bot.position;
  if (position === null) return { label: "Position", value: bot.registered ? "flat" : "–", tone: "", details: pending };
  return {
    label: "Position",
    value: `long ${numberText(position.quantity, 5)}`,
    tone: "",
    details: [
      `entry ${numberText(position.entryPrice)}`,
      `${signedText(position.unrealisedProfit)} unrealised`,
      position.stopPrice === null ? "no stop" : `stop ${numberText(position.stopPrice)}, ${numberText(position.riskToStop)} less if hit`,
      ...pending,
    ],
  };
}

function equityTile(bot: BotView): Tile {
  const result = bot.equity === null || bot.startingCash === null ? null : bot.equity / bot.startingCash - 1;
  const trades = `${numberText(bot.trades, 0)} ${bot.trades === 1 ? "trade" : "trades"}, ${numberText(bot.wins, 0)} won, ${signedText(bot.realisedProfit)} realised`;
  return {
    label: "Equity",
    value: numberText(bot.equity),
    tone: "",
    details: [
      `${result !== null && result > 0 ? "+" : ""}${percentText(result)} since start`,
      `drawdown ${percentText(bot.drawdown)} now, ${percentText(bot.maxDrawdown)} at worst`,
      trades,
    ],
  };
}

function decisionTile(bot: BotView, now: number): Tile {
  const decision = bot.lastDecision;
  if (decision === null) return { label: "Last decision", value: "none yet", tone: "", details: [] };
  return {
    label: "Last decision",
    value: ageText(decision.decidedAt, now),
    tone: "",
    details: [`${decision.action}: ${decision.reason}`, `on candle ${minuteText(decision.bar)}`],
  };
}

function servicesTile(view: StatusView, now: number): Tile {
  const broken = view.sources.filter((source) => source.state !== "up");
  if (broken.length === 0) return { label: "Services", current: true, value: "all answer", tone: "good", details: [view.sources.map((source) => source.name).join(", ")] };
  return {
    label: "Services",
    current: true,
    value: broken.some((source) => source.state === "down") ? `${broken.map((source) => source.name).join(", ")} down` : `${broken.map((source) => source.name).join(", ")} not ready`,
    tone: broken.some((source) => source.state === "down") ? "bad" : "warning",
    details: broken.map((source) => `${source.name}: ${source.reason}; was up ${ageText(source.lastUp, now)}`),
  };
}
