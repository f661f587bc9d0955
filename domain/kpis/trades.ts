import type { Fill, Trade } from "../orders";

/** Figures of closed round trips; amounts in the quote currency. */
export interface TradeFigures {
  readonly trades: number;
  readonly wins: number;
  readonly losses: number;
  /** Part of the trades that made money; undefined without one. */
  readonly hitRate: number | undefined;
  /** Money won divided by money lost; undefined while nothing was lost. */
  readonly profitFactor: number | undefined;
  /** After fees; undefined without a trade. */
  readonly averageProfit: number | undefined;
  /** Of both sides. */
  readonly fees: number;
}

/** @param trades whose exit lies in the period */
export function tradeFigures(trades: readonly Pick<Trade, "profit" | "fees">[]): TradeFigures {
  let [won, lost, wins, losses, fees] = [0, 0, 0, 0, 0];
  for (const trade of trades) {
    fees += trade.fees;
    if (trade.profit > 0) {
      wins++;
      won += trade.profit;
    } else if (trade.profit < 0) {
      losses++;
      lost -= trade.profit;
    }
  }
  const count = trades.length;
  return {
    ...{ trades: count, wins, losses, fees },
    hitRate: count > 0 ? wins / count : undefined,
    profitFactor: lost > 0 ? won / lost : undefined,
    averageProfit: count > 0 ? (won - lost) / count : undefined,
  };
}

/** Milliseconds of the period that numbers of trades are told for. */
export const tradePeriod = 30 * 86_400_000;

/** @param milliseconds that the trades came in @returns undefined without any time */
export function tradesPer30Days(trades: number, milliseconds: number): number | undefined {
  return milliseconds > 0 ? trades / (milliseconds / tradePeriod) : undefined;
}

/** How many trades there were against how many there should have been. */
export interface TradeFrequency {
  readonly trades: number;
  /** λ, what a backtest would have in the same time. */
  readonly expected: number;
  /** P(X ≤ trades) and P(X ≥ trades) of the Poisson distribution with that λ. */
  readonly atMost: number;
  readonly atLeast: number;
  /** "too few" or "too many" where less than 5 % of such periods have so few or so many: a dead bot, or one that churns. */
  readonly verdict: "as expected" | "too few" | "too many";
}

const rare = 0.05;

/**
 * Compares the number of trades in a period with what a backtest expects, as if they came independently of each other.
 * @param expected trades in a period of this length, from 0 on
 */
export function tradeFrequency(trades: number, expected: number): TradeFrequency {
  const atMost = poissonAtMost(trades, expected);
  const atLeast = 1 - poissonAtMost(trades - 1, expected);
  const verdict = atMost < rare ? "too few" : atLeast < rare ? "too many" : "as expected";
  return { trades, expected, atMost, atLeast, verdict };
}

/** P(X ≤ k) of a Poisson distribution, by logarithms: λ may be large. */
function poissonAtMost(k: number, lambda: number): number {
  if (k < 0) return 0;
  if (lambda === 0) return 1;
  let logarithm = -lambda;
  let sum = Math.exp(logarithm);
  for (let index = 1; index <= k; index++) {
    logarithm += Math.log(lambda / index);
    sum += Math.exp(logarithm);
  }
  return Math.min(1, sum);
}

/** What slippage cost, in hundredths of a per cent of what was paid. */
export interface SlippageFigures {
  readonly median: number;
  /** 95th percentile, by nearest rank. */
  readonly percentile95: number;
}

/** @returns undefined without a fill */
export function slippageFigures(fills: readonly Pick<Fill, "price" | "quantity" | "slippage">[]): SlippageFigures | undefined {
  if (fills.length === 0) return undefined;
  const basisPoints = fills.map(({ price, quantity, slippage }) => (slippage / (price * quantity)) * 10_000).sort((one, other) => one - other);
  const middle = Math.floor(basisPoints.length / 2);
  return {
    median: basisPoints.length % 2 === 1 ? basisPoints[middle]! : (basisPoints[middle - 1]! + basisPoints[middle]!) / 2,
    percentile95: basisPoints[Math.ceil(0.95 * basisPoints.length) - 1]!,
  };
}
