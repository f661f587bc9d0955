import Table from "cli-table3";

/** One measured number beside what it is compared with. */
export interface BenchResult {
  readonly name: string;
  /** Per cent are of one core. */
  readonly unit: "s" | "ms" | "MB" | "%" | "decisions";
  readonly value: number;
  /** What a user would pick instead, or the bound, measured in the same run. */
  readonly comparedWith?: { readonly name: string; readonly value: number };
  /** What the number has to keep to, and whether it does. */
  readonly target: string;
  readonly met: boolean;
}

const digits = { s: 2, ms: 2, MB: 0, "%": 2, decisions: 0 } as const;

/** The results as a table for a person: value, comparison, ratio, target. */
export function renderResults(results: readonly BenchResult[]): string {
  const table = new Table({ head: ["measured", "value", "compared with", "ratio", "target", "met"], style: { head: [], border: [] } });
  for (const { name, unit, value, comparedWith, target, met } of results) {
    const show = (number: number) => `${number.toFixed(digits[unit])} ${unit}`;
    table.push([name, show(value), comparedWith ? `${comparedWith.name}: ${show(comparedWith.value)}` : "", comparedWith ? (value / comparedWith.value).toFixed(2) : "", target, met ? "yes" : "NO"]);
  }
  return table.toString();
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
