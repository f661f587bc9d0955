/** What a promotion asks for. Fractions are plain numbers; what each is held against stands in docs/promotion.md. */
export interface PromotionLimits {
  readonly outOfSample: { readonly sharpe: number; readonly maxDrawdown: number; readonly trades: number; readonly probability: number };
  readonly paper: { readonly days: number; readonly trades: number; readonly maxDrawdown: number; readonly standardErrors: number };
  readonly parity: { readonly days: number; readonly decisionMatch: number; readonly tradeMatch: number; readonly trackingError: number };
  readonly feed: { readonly healthyShare: number; readonly knownHours: number; readonly down: number; readonly openGaps: number; readonly skewMilliseconds: number };
  readonly operations: { readonly backupHours: number; readonly secondCopyHours: number; readonly restoreTestDays: number; readonly haltDrillDays: number; readonly freeDiskShare: number };
  readonly release: { readonly hours: number };
  /** The first days after a promotion: how many, and which part of the limits there is then. */
  readonly canary: { readonly days: number; readonly fraction: number };
}

/** Asked for unless the stack's file says otherwise. */
export const LIMITS: PromotionLimits = {
  outOfSample: { sharpe: 0.8, maxDrawdown: 0.15, trades: 30, probability: 0.9 },
  paper: { days: 30, trades: 5, maxDrawdown: 0.1, standardErrors: -1 },
  // A day less than the record: a comparison is made once a night.
  parity: { days: 29, decisionMatch: 1, tradeMatch: 1, trackingError: 0.02 },
  // Of the last 168; a share of what is not known says nothing.
  feed: { healthyShare: 0.995, knownHours: 160, down: 0, openGaps: 0, skewMilliseconds: 500 },
  operations: { backupHours: 24, secondCopyHours: 24, restoreTestDays: 35, haltDrillDays: 35, freeDiskShare: 0.15 },
  // One person reviews by letting a day pass.
  release: { hours: 24 },
  canary: { days: 7, fraction: 0.1 },
};

/** Limits that ask for less when they are larger; of all others less is less. */
const LESS_WHEN_LARGER: ReadonlySet<string> = new Set([
  ...["outOfSample.maxDrawdown", "paper.maxDrawdown", "parity.trackingError", "feed.down", "feed.openGaps", "feed.skewMilliseconds"],
  ...["operations.backupHours", "operations.secondCopyHours", "operations.restoreTestDays", "operations.haltDrillDays", "canary.fraction"],
]);

/** A limit that asks for less than is asked for unless the stack's file says otherwise. */
export interface Loosened {
  /** For example `paper.days`. */
  readonly limit: string;
  readonly value: number;
  readonly standard: number;
}

export function loosened(limits: PromotionLimits): Loosened[] {
  return Object.entries(LIMITS).flatMap(([group, standards]) =>
    Object.entries(standards as Record<string, number>).flatMap(([name, standard]): Loosened[] => {
      const limit = `${group}.${name}`;
      const value = (limits[group as keyof PromotionLimits] as unknown as Record<string, number>)[name]!;
      const less = LESS_WHEN_LARGER.has(limit) ? value > standard : value < standard;
      return less ? [{ limit, value, standard }] : [];
    }),
  );
}
