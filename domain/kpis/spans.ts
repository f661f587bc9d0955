import type { Fill, Trade } from "../orders";
import { kpisOf, type EquityMark, type Kpis } from "./window";

/** The windows that figures are kept for. */
export const SPANS = ["7d", "30d", "90d", "365d", "all"] as const;
export type Span = (typeof SPANS)[number];

const day = 86_400_000;

/** Bars of a window; null for all there is. */
export function barsOf(span: Span, barMilliseconds: number): number | null {
  return span === "all" ? null : Math.round((Number.parseInt(span, 10) * day) / barMilliseconds);
}

/** Everything a bot did, oldest first. */
export interface Ledger {
  readonly marks: readonly EquityMark[];
  readonly trades: readonly Pick<Trade, "exitBar" | "profit" | "fees">[];
  readonly fills: readonly Pick<Fill, "bar" | "price" | "quantity" | "slippage" | "fee">[];
}

/** First bar of the window that ends with the ledger's last mark; undefined without a mark. */
export function spanStart(marks: readonly EquityMark[], span: Span, barMilliseconds: number): number | undefined {
  const bars = barsOf(span, barMilliseconds);
  return (bars === null ? marks[0] : marks[Math.max(0, marks.length - bars)])?.bar;
}

/**
 * The figures of the window that ends with the ledger's last mark.
 * @param expectedTradesPer30Days what a backtest of the same configuration has in this window; null where there is none
 */
export function kpisOfSpan({ marks, trades, fills }: Ledger, span: Span, barMilliseconds: number, expectedTradesPer30Days: number | null): Kpis {
  const windowBars = barsOf(span, barMilliseconds);
  // One mark more than the window has bars: its first return begins there.
  const first = windowBars === null ? 0 : Math.max(0, marks.length - windowBars - 1);
  const start = spanStart(marks, span, barMilliseconds) ?? Number.POSITIVE_INFINITY;
  let peakBefore: number | null = null;
  for (let index = 0; index < first; index++) peakBefore = Math.max(peakBefore ?? Number.NEGATIVE_INFINITY, marks[index]!.equity);
  return kpisOf({
    ...{ windowBars, barMilliseconds, peakBefore, expectedTradesPer30Days },
    marks: first === 0 ? marks : marks.slice(first),
    trades: trades.filter(({ exitBar }) => exitBar >= start),
    fills: fills.filter(({ bar }) => bar >= start),
  });
}
