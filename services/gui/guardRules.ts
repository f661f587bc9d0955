import { RUNBOOKS, type GuardRule } from "../../domain/guard/verdict";
import type { RuleView } from "./api";
import type { GuardStatus } from "./guardStatus";
import { percentText } from "./page/format";

/** What the guard does by itself, rule by rule: when, and what. */
function actsOf(of: GuardStatus["thresholds"]): Record<Exclude<GuardRule, "guard-blind">, string> {
  const share = (value: number) => percentText(value, 1);
  return {
    "daily-loss": `more than ${share(of.dailyLossShare)} lost since midnight: kill`,
    drawdown: `more than ${share(of.drawdownShare)} below the highest equity: kill`,
    exposure: `positions above ${share(of.exposureShare)} of the stack's limit: reduce`,
    "order-rate": "more orders in an hour than the limit: pause",
    "feed-down": "the feed is DOWN: kill",
    "feed-degraded": `the feed is not HEALTHY for more than ${of.feedDegradedSeconds} s: kill`,
    "no-decision": `no decision ${of.decisionMinutes} min after a bar closed: restart once, then pause`,
    "tracking-error": `above ${share(of.trackingErrorWarnShare)} a year: alert; ${share(of.trackingErrorFreezeShare)}: deploys frozen; ${share(of.trackingErrorReduceShare)}: reduce`,
    "decision-mismatch": "decisions differ from those of a replay: deploys frozen",
    clock: `clocks more than ${of.clockSeconds} s apart: no lease`,
    reconciliation: "decisions, orders and fills do not fit together: alert",
    "bot-runs-halted": "a bot runs under a kill: stopped, at every look",
    "halt-drill": `the newest halt drill is older than ${of.haltDrillDays} days: alert`,
    drift: `what runs is not what was deployed, or was not compared with it for ${of.driftDays} days: alert`,
  };
}

/** Every rule with what it sees now; those that see something first. */
export function rulesOf({ thresholds, verdicts }: GuardStatus): RuleView[] {
  const rules = Object.entries(actsOf(thresholds)).map(([rule, acts]) => ({
    ...{ rule, acts, runbook: RUNBOOKS[rule as GuardRule] },
    found: verdicts.filter((verdict) => verdict.rule === rule).map(({ bot, reason, numbers }) => ({ bot, reason, numbers })),
  }));
  return [...rules.filter(({ found }) => found.length > 0), ...rules.filter(({ found }) => found.length === 0)];
}
