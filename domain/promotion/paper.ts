import { conditions, type EvidenceItem } from "./item";
import type { PromotionLimits } from "./limits";

/** What a bot did on paper. Null is what is not known. */
export interface PaperFacts {
  readonly days: number;
  readonly sharpe: number | null;
  readonly standardError: number | null;
  /** Returns that would prove, at 95 %, a ratio above 0. */
  readonly minimumReturns: number | null;
  readonly maxDrawdown: number | null;
  readonly trades: number | null;
  readonly source: string;
}

/** @param limitRefusals entries that were refused for a limit; null where that is not known */
export function paperItems(facts: PaperFacts | null, limitRefusals: number | null, limits: PromotionLimits["paper"]): EvidenceItem[] {
  const { days, trades, maxDrawdown, standardErrors } = limits;
  const place = { window: facts === null ? "none" : `${facts.days.toFixed(1)} days`, source: facts?.source ?? "no figures yet" };
  // A ratio in units of its own error: of 30 days more cannot be asked.
  const inErrors = facts?.sharpe != null && facts.standardError !== null && facts.standardError > 0 ? facts.sharpe / facts.standardError : null;
  return conditions(place, [
    { id: "paper.days", text: "Days of paper trading", value: facts?.days ?? null, bound: "at least", limit: days, unit: "days" },
    { id: "paper.trades", text: "Closed trades on paper", value: facts?.trades ?? null, bound: "at least", limit: trades, unit: "count" },
    { id: "paper.maxDrawdown", text: "Largest drawdown on paper", value: facts?.maxDrawdown ?? null, bound: "at most", limit: maxDrawdown, unit: "fraction" },
    { id: "paper.sharpe", text: "Sharpe ratio on paper, in standard errors", value: inErrors, bound: "at least", limit: standardErrors, unit: "ratio", standardError: inErrors === null ? null : 1 },
    { id: "paper.limits", text: "Entries refused for a limit", value: limitRefusals, bound: "at most", limit: 0, unit: "count" },
  ]);
}
