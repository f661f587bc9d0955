import type { Metric } from "./client";

/** Points of a curve that are sent of one run: with three metrics each, one batch. */
export const mostPoints = 300;

/**
 * Positions to keep of a long series, evenly spread, the last one always among them.
 * @param length of the series
 * @param most positions to keep
 */
export function thinned(length: number, most = mostPoints): number[] {
  const every = Math.max(1, Math.ceil(length / most));
  const kept: number[] = [];
  for (let index = (length - 1) % every; index < length && index >= 0; index += every) kept.push(index);
  return kept;
}

/** Metrics of one moment; what is no number is left out. */
export function metricsAt(values: Readonly<Record<string, number | undefined>>, timestamp: number, step: number): Metric[] {
  return Object.entries(values).flatMap(([key, value]) => (value !== undefined && Number.isFinite(value) ? [{ key, value, timestamp, step }] : []));
}
