import type { OutOfSample } from "./outOfSample";

/** What is known of an evaluation beside its figures. */
export interface EvaluationFacts {
  readonly measured: OutOfSample;
  /** Sets that each fold chose among; 1 where the settings were given. */
  readonly sets: number;
  /** How many different ones the folds chose. */
  readonly chosen: number;
  /** Mean Sharpe ratio of the chosen sets on what they were chosen on; undefined without one. */
  readonly inSampleSharpe: number | undefined;
  readonly missingCandles: number;
  /** Days between the last candle and now. */
  readonly ageDays: number;
  readonly feeRate: number;
  readonly slippageRate: number;
}

/** Fewer trades than this say nothing of hit rate and profit factor; what a promotion asks for. */
export const fewestTrades = 30;
/** Candles older than this tell of another market. */
const oldDays = 90;

/** What the data cannot prove, each in one sentence. */
export function unproven({ measured, sets, chosen, inSampleSharpe, missingCandles, ageDays, feeRate, slippageRate }: EvaluationFacts): string[] {
  const { trades } = measured.trades;
  return [
    ratioText(measured),
    ...(trades < fewestTrades ? [`${trades} closed trades are too few to speak of hit rate or profit factor; ${fewestTrades} are the least.`] : []),
    sets === 1
      ? "Whether these settings were picked with these candles in sight, no computation can tell: only what comes after them, such as paper trading, is out of sample for certain."
      : inSampleSharpe === undefined
        ? `Each fold chose among ${sets} sets of which none had a Sharpe ratio: it chose nothing.`
        : `Each fold chose the best of ${sets} sets, whose Sharpe ratio was ${inSampleSharpe.toFixed(2)} on the candles it was chosen on: that number proves nothing.`,
    ...(chosen > 1 ? [`The folds chose ${chosen} different sets: what was measured is the choosing, not any one of them.`] : []),
    `Fills are simulated at a fee of ${percent(feeRate)} and a slippage of ${percent(slippageRate)}: no order book, no outage, no other trader.`,
    ...(missingCandles > 0 ? [`${missingCandles} candles are missing: what happened then is in no figure.`] : []),
    ...(ageDays > oldDays ? [`The candles end ${Math.floor(ageDays)} days ago: of the market since then they say nothing.`] : []),
  ];
}

function ratioText({ sharpe, minimumTrackRecordDays, days }: OutOfSample): string {
  if (sharpe === undefined) return "The curve does not move: nothing was measured.";
  const ratio = sharpe.sharpe.toFixed(2);
  if (minimumTrackRecordDays === undefined) return `A Sharpe ratio above 0 is not proven and no longer record like this one proves it: it is ${ratio}.`;
  const needed = Math.ceil(minimumTrackRecordDays);
  if (days < minimumTrackRecordDays) return `That the Sharpe ratio is above 0 is not proven: with ${ratio} it takes ${needed} days at 95 %, and these are ${Math.floor(days)}.`;
  const [low, high] = [sharpe.sharpe - 2 * sharpe.standardError, sharpe.sharpe + 2 * sharpe.standardError];
  return `That the Sharpe ratio is above 0 is proven at 95 % for candles like these (it took ${needed} of ${Math.floor(days)} days); that it is ${ratio} is not: it may be ${low.toFixed(2)} or ${high.toFixed(2)}.`;
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(3))} %`;
}
