/** One condition of a promotion. */
export interface EvidenceItem {
  /** For example `paper.days`. */
  readonly id: string;
  readonly text: string;
  readonly value: number | null;
  readonly bound: "at least" | "at most";
  readonly limit: number;
  /** How far the value is on the right side of the limit, below 0 on the wrong one, in the value's unit. */
  readonly distance: number | null;
  readonly unit: "fraction" | "ratio" | "days" | "hours" | "count" | "milliseconds";
  /** Stretch that was looked at. */
  readonly window: string;
  readonly standardError: number | null;
  readonly source: string;
  /** What is not known does not hold. */
  readonly holds: boolean;
}

type Condition = Omit<EvidenceItem, "distance" | "holds" | "standardError" | "window" | "source"> & Partial<Pick<EvidenceItem, "standardError">>;

/** Holds each value against its limit. @param place what was looked at, and where it is known from */
export function conditions(place: Pick<EvidenceItem, "window" | "source">, all: readonly Condition[]): EvidenceItem[] {
  return all.map((condition) => {
    const { bound, limit } = condition;
    const value = known(condition.value);
    // 0 and not its negative twin where the two are equal.
    const distance = value === null ? null : (bound === "at least" ? value - limit : limit - value) + 0;
    return { ...condition, ...place, value, standardError: known(condition.standardError ?? null), distance, holds: distance !== null && distance >= 0 };
  });
}

/** What was computed to no number is not known. */
function known(value: number | null): number | null {
  return Number.isFinite(value) ? value : null;
}
