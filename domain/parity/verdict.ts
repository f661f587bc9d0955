import type { Cause } from "./cause";
import type { Parity } from "./compare";

/** Tracking errors a year above which one is warned, and above which nothing may be deployed: more than costs explain. */
export const warnTrackingError = 0.02;
export const freezeTrackingError = 0.05;

export interface Verdict {
  /**
   * equal: every decision and trade, and all they were made from; costs: every decision, but fills at another price or
   * fee; differs: anything else; nothing to compare: no bar is in both records.
   */
  readonly kind: "equal" | "costs" | "differs" | "nothing to compare";
  /** Whether promotions and changes of live have to wait. */
  readonly frozen: boolean;
  /** One line for people. */
  readonly reason: string;
}

/** What a difference is called when it is told. */
const causes: Readonly<Record<Cause, string>> = {
  none: "no difference",
  "one bar late": "the bot acts one bar late",
  "indicator seed": "the bot's indicators were seeded or warmed up otherwise",
  "revised candle": "a candle is recorded otherwise than the bot saw it",
  fee: "a fill cost another fee",
  "fill price": "a fill has another price or quantity",
  "missed bar": "the bot was away or decided nothing on a bar",
  decision: "the bot decided otherwise on what it saw alike",
  execution: "a fill has no counterpart",
};

/** Judges a comparison by the thresholds of promotion and freeze. */
export function verdictOf({ decisions, trades, tracking, first, cause }: Pick<Parity, "decisions" | "trades" | "tracking" | "first" | "cause">): Verdict {
  if (decisions.share === undefined) return { kind: "nothing to compare", frozen: false, reason: "no bar is in both records yet" };
  const decided = decisions.share === 1 && (trades.share ?? 1) === 1;
  const error = tracking?.trackingError ?? 0;
  const against = [
    ...(decisions.share < 1 ? [`${decisions.compared - decisions.matched} of ${decisions.compared} decisions differ`] : []),
    ...(trades.share !== undefined && trades.share < 1 ? [`${trades.compared - trades.matched} of ${trades.compared} trades differ`] : []),
    ...(error > freezeTrackingError ? [`the tracking error of ${percent(error)} a year is above ${percent(freezeTrackingError)}`] : []),
  ];
  const warned = error > warnTrackingError && error <= freezeTrackingError ? [`the tracking error of ${percent(error)} a year is above ${percent(warnTrackingError)}`] : [];
  if (first === null && against.length === 0) return { kind: "equal", frozen: false, reason: [`all ${decisions.compared} decisions and ${trades.compared} trades are the same`, ...warned].join("; ") };
  const named = first === null ? [] : [`${causes[cause]}, first on ${new Date(first.bar).toISOString().slice(0, 16).replace("T", " ")} UTC`];
  const kind = decided && first?.kind === "fill" ? "costs" : "differs";
  const same = decided ? ["every decision and trade is the same all the same"] : [];
  return { kind, frozen: against.length > 0, reason: [...named, ...against, ...warned, ...same].join("; ") };
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}
