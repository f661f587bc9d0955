import type { Window } from "./trials";

/** How candles are divided into what a set is chosen on and what it is measured on. */
export interface SplitOptions {
  /** Times that settings are chosen and measured. */
  readonly folds: number;
  /** Part of the candles that the first fold chooses on. */
  readonly inSampleFraction: number;
  /** Candles between what is chosen on and what is measured on, which neither sees. */
  readonly embargoBars: number;
  /** Whether every fold chooses on all candles from the beginning; else on the newest, as many as the first fold has. */
  readonly anchored: boolean;
}

/** Positions of candles: choose on the one, measure on the other. */
export interface Fold {
  readonly inSample: Window;
  readonly outOfSample: Window;
}

/** Candles that a fold is measured on at least: fewer have no return to speak of. */
export const fewestOutOfSampleBars = 24;

/** One in a hundred of the candles, as López de Prado, "Advances in financial machine learning" (2018), 7.4.2, has it. */
export function defaultEmbargo({ from, to }: Window): number {
  return Math.ceil((to - from) / 100);
}

/**
 * Walk-forward folds: each chooses on candles, leaves an embargo out and measures on the candles after it. What is
 * measured on follows on each other without a gap, up to the last candle; what does not divide evenly goes to the first
 * fold's candles to choose on. Pardo, "The evaluation and optimization of trading strategies" (2008).
 * @throws RangeError saying what is left to measure on when it is too little
 */
export function walkForward({ from, to }: Window, { folds, inSampleFraction, embargoBars, anchored }: SplitOptions): Fold[] {
  const bars = to - from;
  const outOfSampleBars = Math.floor((bars - Math.floor(bars * inSampleFraction) - embargoBars) / folds);
  if (outOfSampleBars < fewestOutOfSampleBars) {
    throw new RangeError(`${bars} candles leave ${Math.max(0, outOfSampleBars)} a fold to measure on; allowed: at least ${fewestOutOfSampleBars}, by more candles, fewer folds, a smaller part in sample or a shorter embargo`);
  }
  const inSampleBars = bars - embargoBars - folds * outOfSampleBars;
  return Array.from({ length: folds }, (_, fold) => {
    const end = from + inSampleBars + fold * outOfSampleBars;
    const start = end + embargoBars;
    return { inSample: { from: anchored ? from : end - inSampleBars, to: end }, outOfSample: { from: start, to: start + outOfSampleBars } };
  });
}
