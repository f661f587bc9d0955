import type { Insertable } from "kysely";
import type { Span } from "../../domain/kpis/spans";
import type { Kpis } from "../../domain/kpis/window";
import { toDate } from "../shared/database";
import type { KpisTable } from "../shared/schema";

/** What the newest comparison with a replay says of a bot; null before there is one, or what it could not compute. */
export interface KnownParity {
  readonly trackingError: number | null;
  readonly meanDifference: number | null;
  readonly equityGap: number | null;
  readonly decisionMatch: number | null;
}

/** Where figures belong: the bar at whose close the window ends. */
export interface KpiPlace {
  readonly bot: string;
  readonly span: Span;
  readonly bar: number;
}

/** The figures as a row; what is undefined is NULL. */
export function kpiRow({ bot, span, bar }: KpiPlace, kpis: Kpis, parity: KnownParity | null): Insertable<KpisTable> {
  const { sharpe, drawdown, trades, frequency, slippage } = kpis;
  return {
    ...{ bot, span, bar: toDate(bar), computedAt: new Date() },
    fromBar: kpis.from === undefined ? null : toDate(kpis.from),
    bars: kpis.bars,
    equity: orNull(kpis.equity),
    totalReturn: orNull(kpis.totalReturn),
    sharpe: orNull(sharpe?.sharpe),
    sharpeError: orNull(sharpe?.standardError),
    sharpeProbability: orNull(sharpe?.probability),
    sharpeMinimumReturns: orNull(sharpe?.minimumReturns),
    sharpeReturns: orNull(sharpe?.returns),
    drawdownMax: orNull(drawdown?.max),
    drawdownCurrent: orNull(drawdown?.current),
    drawdownFromPeak: orNull(kpis.drawdownFromPeak),
    exposure: orNull(kpis.exposure),
    ...{ trades: trades.trades, wins: trades.wins, losses: trades.losses },
    hitRate: orNull(trades.hitRate),
    profitFactor: orNull(trades.profitFactor),
    averageProfit: orNull(trades.averageProfit),
    tradeRate: orNull(kpis.tradesPer30Days),
    tradesExpected: orNull(frequency?.expected),
    tradesAtMost: orNull(frequency?.atMost),
    tradesAtLeast: orNull(frequency?.atLeast),
    tradesVerdict: frequency?.verdict ?? null,
    fees: kpis.fees,
    slippageMedian: orNull(slippage?.median),
    slippageP95: orNull(slippage?.percentile95),
    trackingError: parity?.trackingError ?? null,
    meanDifference: parity?.meanDifference ?? null,
    equityGap: parity?.equityGap ?? null,
    decisionMatch: parity?.decisionMatch ?? null,
  };
}

/** A quotient may have overflowed: what is not finite is not known either. */
function orNull(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}
