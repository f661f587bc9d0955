import type { z } from "zod";

/** Settings of a strategy by name, as its schema gives them. */
export type Settings = Readonly<Record<string, unknown>>;

/** Evenly spaced values of one setting, both ends included. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** The values that each setting of a grid takes, in the order in which they are tried. */
export type Axes = ReadonlyMap<string, readonly unknown[]>;

/** Combinations that one grid may have: each is a run over all candles. */
export const mostCombinations = 100_000;

/** The sets of settings of a grid. */
export interface Grid {
  /** Valid sets, complete with what the grid does not name, in the grid's order: its last setting changes first. */
  readonly sets: readonly Settings[];
  /** All combinations, those left out included. */
  readonly combinations: number;
  /** Combinations that the strategy's schema refuses, by its words. */
  readonly leftOut: readonly { readonly reason: string; readonly combinations: number }[];
}

/** How many values a range has, without making them. */
export function rangeLength({ from, to, step }: Range): number {
  // A quotient that rounding put just below a whole number is that number.
  return Math.max(0, Math.floor((to - from) / step + 1e-9) + 1);
}

/** The values of a range, as the decimals one would write: 0.3 and not 0.30000000000000004. */
export function rangeValues(range: Range): number[] {
  return Array.from({ length: rangeLength(range) }, (_, index) => Number((range.from + index * range.step).toPrecision(12)));
}

/** How many combinations axes have, without making them. */
export function combinationsOf(axes: Axes): number {
  return [...axes.values()].reduce((product, values) => product * values.length, 1);
}

/**
 * Every combination of the axes' values over the settings that they leave as they are.
 * @param base settings that the grid does not name; the schema's defaults fill what is missing
 * @param schema of the strategy's settings
 * @throws RangeError when there are more than {@link mostCombinations}
 */
export function expandGrid(axes: Axes, base: Settings, schema: z.ZodType): Grid {
  const combinations = combinationsOf(axes);
  if (combinations > mostCombinations) throw new RangeError(`the grid has ${combinations} combinations; allowed: at most ${mostCombinations}`);
  const names = [...axes.keys()].reverse();
  const sets: Settings[] = [];
  const refused = new Map<string, number>();
  for (let number = 0; number < combinations; number++) {
    const chosen: Record<string, unknown> = { ...base };
    let rest = number;
    for (const name of names) {
      const values = axes.get(name)!;
      chosen[name] = values[rest % values.length];
      rest = Math.floor(rest / values.length);
    }
    const parsed = schema.safeParse(chosen);
    if (parsed.success) sets.push(parsed.data as Settings);
    else refused.set(parsed.error.issues[0]!.message, (refused.get(parsed.error.issues[0]!.message) ?? 0) + 1);
  }
  return { sets, combinations, leftOut: [...refused].map(([reason, count]) => ({ reason, combinations: count })) };
}
