import { slippageFigures, type SlippageFigures } from "../kpis/trades";
import { track, type Tracking } from "../kpis/tracking";
import type { Fill, Trade } from "../orders";
import type { Decision } from "../strategies";
import { causeOf, type Cause } from "./cause";

/** A decision; late where the bar was over before the bot saw it, which then holds. */
export type RecordedDecision = Decision & { readonly late?: boolean };

/** What a bot decided and what came of it, bar by bar, oldest first. */
export interface BotRecord {
  readonly decisions: readonly RecordedDecision[];
  readonly fills: readonly Fill[];
  readonly trades: readonly Trade[];
  /** Mark-to-market at the close of each bar. */
  readonly equity: readonly { readonly bar: number; readonly equity: number }[];
}

/** How many of two series are the same. */
export interface Match {
  /** Places at which either of them has something. */
  readonly compared: number;
  readonly matched: number;
  /** undefined where there was nothing to compare. */
  readonly share: number | undefined;
}

/** Where two records part, with what each has there; null is nothing. */
export type FirstDifference =
  | { readonly kind: "decision"; readonly bar: number; readonly own: RecordedDecision | null; readonly reference: Decision | null }
  | { readonly kind: "fill"; readonly bar: number; readonly own: Fill | null; readonly reference: Fill | null };

/** A bot's record against that of a replay of the same candles. */
export interface Parity {
  /** Open times (epoch ms) of the first and the last bar that was compared; undefined without one. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Bars with the same action, quantity and stop. */
  readonly decisions: Match;
  /** Round trips with the same bars of entry and exit. */
  readonly trades: Match;
  /** undefined where there are fewer than three bars. */
  readonly tracking: Tracking | undefined;
  readonly slippage: { readonly own: SlippageFigures | undefined; readonly reference: SlippageFigures | undefined };
  readonly first: FirstDifference | null;
  readonly cause: Cause;
}

/**
 * Compares a bot's record with a reference: that of the same bars, by the same strategy. Records are cut to the bars that
 * both can have, from the later beginning to the earlier end.
 * @param revised bars that are known to be recorded otherwise than they were when the bot saw them
 */
export function compareRecords(ownAll: BotRecord, referenceAll: BotRecord, revised: readonly number[] = []): Parity {
  const [from, to] = commonBars(ownAll, referenceAll);
  const [own, reference] = [within(ownAll, from, to), within(referenceAll, from, to)];
  const decisions = pairs(own.decisions, reference.decisions, (decision) => decision.bar);
  const fills = pairs(own.fills, reference.fills, fillKey);
  const trades = pairs(own.trades, reference.trades, (trade) => `${trade.entryBar} ${trade.exitBar}`);
  const first = firstDifference(decisions, fills);
  return {
    ...(from <= to ? { from, to } : { from: undefined, to: undefined }),
    decisions: matchOf(decisions, sameDecision),
    trades: matchOf(trades, () => true),
    tracking: trackingOf(own, reference),
    slippage: { own: slippageFigures(own.fills), reference: slippageFigures(reference.fills) },
    first,
    cause: causeOf(first, own, reference, revised),
  };
}

/** What is at the same place in both; one of them may have nothing there. */
interface Pair<Item> {
  readonly own: Item | null;
  readonly reference: Item | null;
}

function pairs<Item>(own: readonly Item[], reference: readonly Item[], keyOf: (item: Item) => string | number): Pair<Item>[] {
  const left = new Map(own.map((item) => [keyOf(item), item]));
  const found: Pair<Item>[] = reference.map((item) => ({ own: left.get(keyOf(item)) ?? null, reference: item }));
  const known = new Set(reference.map(keyOf));
  return [...found, ...own.filter((item) => !known.has(keyOf(item))).map((item) => ({ own: item, reference: null }))];
}

function matchOf<Item>(all: readonly Pair<Item>[], same: (own: Item, reference: Item) => boolean): Match {
  const matched = all.filter(({ own, reference }) => own !== null && reference !== null && same(own, reference)).length;
  return { compared: all.length, matched, share: all.length > 0 ? matched / all.length : undefined };
}

function fillKey({ bar, side, reason }: Fill): string {
  return `${bar} ${side} ${reason}`;
}

/** Action, quantity and stop; not the words of the reason. */
function sameDecision(one: Decision, other: Decision): boolean {
  if (one.action !== other.action) return false;
  const [left, right] = [one.intent, other.intent];
  if (left === null || right === null) return left === right;
  const number = (intent: typeof left, key: "quantity" | "stopPrice") => (key in intent ? (intent as unknown as Record<string, number>)[key] : undefined);
  return number(left, "quantity") === number(right, "quantity") && number(left, "stopPrice") === number(right, "stopPrice");
}

/** Whether both saw the same: indicators may differ long before a decision does. */
function sameView(one: Decision, other: Decision): boolean {
  const keys = new Set([...Object.keys(one.indicators), ...Object.keys(other.indicators)]);
  return [...keys].every((key) => one.indicators[key] === other.indicators[key]);
}

function sameFill(one: Fill, other: Fill): boolean {
  return one.price === other.price && one.quantity === other.quantity && one.fee === other.fee;
}

/** Within a bar it is filled first and decided at its close. */
function firstDifference(decisions: readonly Pair<Decision>[], fills: readonly Pair<Fill>[]): FirstDifference | null {
  const barOf = <Item extends { readonly bar: number }>({ own, reference }: Pair<Item>) => (own ?? reference)!.bar;
  const different = [
    ...fills.filter(({ own, reference }) => own === null || reference === null || !sameFill(own, reference)).map((pair) => ({ kind: "fill" as const, bar: barOf(pair), ...pair })),
    ...decisions
      .filter(({ own, reference }) => own === null || reference === null || !sameDecision(own, reference) || !sameView(own, reference))
      .map((pair) => ({ kind: "decision" as const, bar: barOf(pair), ...pair })),
  ];
  return different.reduce<FirstDifference | null>((first, each) => (first === null || each.bar < first.bar ? each : first), null);
}

function trackingOf(own: BotRecord, reference: BotRecord): Tracking | undefined {
  const both = pairs(own.equity, reference.equity, ({ bar }) => bar).filter(({ own: left, reference: right }) => left !== null && right !== null);
  return track({ own: both.map(({ own: mark }) => mark!.equity), reference: both.map(({ reference: mark }) => mark!.equity) });
}

function commonBars(own: BotRecord, reference: BotRecord): readonly [from: number, to: number] {
  const [one, other] = [own.decisions, reference.decisions];
  if (one.length === 0 || other.length === 0) return [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return [Math.max(one[0]!.bar, other[0]!.bar), Math.min(one.at(-1)!.bar, other.at(-1)!.bar)];
}

function within({ decisions, fills, trades, equity }: BotRecord, from: number, to: number): BotRecord {
  const inside = ({ bar }: { readonly bar: number }) => bar >= from && bar <= to;
  return { decisions: decisions.filter(inside), fills: fills.filter(inside), trades: trades.filter(({ entryBar, exitBar }) => entryBar >= from && exitBar <= to), equity: equity.filter(inside) };
}
