import type { Fill, Trade } from "../orders";
import { drawdown, type Drawdown } from "./drawdown";
import { estimateSharpe, type SharpeEstimate } from "./sharpe";
import { slippageFigures, tradeFigures, tradeFrequency, tradePeriod, tradesPer30Days, type SlippageFigures, type TradeFigures, type TradeFrequency } from "./trades";

/** A bot's account at the close of a bar. */
export interface EquityMark {
  /** Open time of the bar, epoch ms. */
  readonly bar: number;
  /** Mark-to-market, in the quote currency. */
  readonly equity: number;
  /** Whether a position was open. */
  readonly held: boolean;
}

/** What key figures are computed from. */
export interface WindowFacts {
  /** Bars that the window is long; null for all there is. */
  readonly windowBars: number | null;
  readonly barMilliseconds: number;
  /** The mark from before the window, where there is one, and those of the window; oldest first. */
  readonly marks: readonly EquityMark[];
  /** Whose exit lies in the window. */
  readonly trades: readonly Pick<Trade, "profit" | "fees">[];
  readonly fills: readonly Pick<Fill, "price" | "quantity" | "slippage" | "fee">[];
  /** Highest equity from before the marks; null where they are from the beginning. */
  readonly peakBefore: number | null;
  /** Trades in 30 days that a backtest of the same configuration has; null where there is none. */
  readonly expectedTradesPer30Days: number | null;
}

/** Key figures of a bot in a window of time. Fractions are plain numbers (0.1 = 10 %); what cannot be computed is undefined. */
export interface Kpis {
  /** Open of the first bar and close of the last, epoch ms; undefined without a bar. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly bars: number;
  readonly equity: number | undefined;
  /** E_last / E_first − 1 */
  readonly totalReturn: number | undefined;
  /** Rolling: undefined with fewer returns than half of the window's bars. */
  readonly sharpe: SharpeEstimate | undefined;
  /** Of the window alone. */
  readonly drawdown: Drawdown | undefined;
  /** How far equity lies below its highest value ever. */
  readonly drawdownFromPeak: number | undefined;
  /** Part of the bars that closed with an open position. */
  readonly exposure: number | undefined;
  readonly trades: TradeFigures;
  readonly tradesPer30Days: number | undefined;
  /** Against what a backtest expects; undefined where nothing is expected. */
  readonly frequency: TradeFrequency | undefined;
  /** Of all fills in the window, those of a position that is still open included. */
  readonly fees: number;
  readonly slippage: SlippageFigures | undefined;
}

const year = 365 * 86_400_000;

/** The key figures of a window. */
export function kpisOf({ windowBars, barMilliseconds, marks, trades, fills, peakBefore, expectedTradesPer30Days }: WindowFacts): Kpis {
  // The mark before the window is where its first return begins, and no bar of its own.
  const within = windowBars !== null && marks.length > windowBars ? marks.slice(-windowBars) : marks;
  const equity = marks.map((mark) => mark.equity);
  const [first, last] = [within[0], within.at(-1)];
  const milliseconds = within.length * barMilliseconds;
  const fewest = windowBars === null ? 2 : Math.max(2, Math.ceil(windowBars / 2));
  return {
    from: first?.bar,
    to: last && last.bar + barMilliseconds,
    bars: within.length,
    equity: last?.equity,
    totalReturn: last && last.equity / equity[0]! - 1,
    sharpe: estimateSharpe(equity, { periodsPerYear: year / barMilliseconds, fewest }),
    drawdown: drawdown(equity),
    drawdownFromPeak: drawdown(equity, peakBefore ?? undefined)?.current,
    exposure: within.length > 0 ? within.filter(({ held }) => held).length / within.length : undefined,
    trades: tradeFigures(trades),
    tradesPer30Days: tradesPer30Days(trades.length, milliseconds),
    frequency: expectedTradesPer30Days === null || within.length === 0 ? undefined : tradeFrequency(trades.length, expectedTradesPer30Days * (milliseconds / tradePeriod)),
    fees: fills.reduce((sum, { fee }) => sum + fee, 0),
    slippage: slippageFigures(fills),
  };
}
