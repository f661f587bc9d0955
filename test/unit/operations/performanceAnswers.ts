import type { KpisAnswer, ParityAnswer } from "../../../operations/performance/performanceService";

/** When the newest figures of the tests are of. */
export const at = "2024-02-29T23:00:00.000Z";

/** Figures as the service sends them; times are texts. */
export function kpis(more: Partial<Record<keyof KpisAnswer, unknown>> = {}): object {
  return {
    ...{ span: "30d", bar: at, fromBar: "2024-01-31T00:00:00.000Z", computedAt: at, bars: 720, equity: 10_123.456, totalReturn: 0.0123, sharpe: 1.5, sharpeError: 3.49 },
    ...{ sharpeProbability: 0.66, sharpeMinimumReturns: 10_500, sharpeReturns: 720, drawdownMax: 0.021, drawdownCurrent: 0.01, drawdownFromPeak: 0.01, exposure: 0.4 },
    ...{ trades: 6, wins: 2, losses: 4, hitRate: 1 / 3, profitFactor: 1.4, averageProfit: 20, tradeRate: 6, tradesExpected: 6, tradesVerdict: "as expected", fees: 12.5 },
    ...{ slippageMedian: 5, slippageP95: 5.1, trackingError: 0, meanDifference: 0, equityGap: 0, decisionMatch: 1 },
    ...more,
  };
}

/** A comparison as the service sends it. */
export function parity(more: Partial<Record<keyof ParityAnswer, unknown>> = {}): object {
  return {
    ...{ bot: "refstrat01", at, fromBar: "2024-01-31T00:00:00.000Z", toBar: at, image: "sha256:1", configurationHash: "abc", reference: "image", note: null },
    ...{ decisionsCompared: 720, decisionsMatched: 720, tradesCompared: 6, tradesMatched: 6, refused: 1, late: 0, trackingError: 0, meanDifference: 0, equityGap: 0 },
    ...{ slippageMedian: 5, slippageP95: 5, referenceSlippageMedian: 5, referenceSlippageP95: 5, firstDifference: null },
    ...{ cause: "none", verdict: "equal", frozen: false, reason: "all 720 decisions and 6 trades are the same", seconds: 0.4 },
    ...more,
  };
}

/** What the service says of all bots. */
export const newest = (bots: object[]) => ({ bots, feeds: [{ symbol: "BTCUSDT", down: 0 }], nextParity: at });
