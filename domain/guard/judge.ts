import { drift } from "./drift";
import { exposure } from "./exposure";
import type { GuardFacts, GuardThresholds } from "./facts";
import { feedDegraded, feedDown } from "./feedRules";
import { haltDrill } from "./haltDrill";
import { dailyLoss, drawdown } from "./lossRules";
import { noDecision } from "./noDecision";
import { orderRate } from "./orderRate";
import { decisionMismatch, trackingError } from "./parityRules";
import { reconciliation } from "./reconciliation";
import type { Verdict } from "./verdict";

/** The rules whose facts are in the database, the ones that stop most first. */
const RULES: readonly ((facts: GuardFacts, thresholds: GuardThresholds) => Verdict[])[] = [
  feedDown,
  dailyLoss,
  drawdown,
  feedDegraded,
  exposure,
  orderRate,
  noDecision,
  trackingError,
  decisionMismatch,
  reconciliation,
  haltDrill,
  drift,
];

/** What every rule makes of the facts, the same facts giving the same verdicts in the same order. */
export function judge(facts: GuardFacts, thresholds: GuardThresholds): Verdict[] {
  return RULES.flatMap((rule) => rule(facts, thresholds));
}
