import type { GuardActionView, GuardView, RuleView, StatusView } from "../api";
import { measureTexts, type Fact } from "./feed";
import { ageText, durationText } from "./format";

/** What there is to say about the guard, at a time of the server's clock. */
export function guardFacts({ guard, stale }: Pick<StatusView, "guard" | "stale">, now: number): Fact[] {
  if (guard === null) return [{ label: "State", value: "this stack has no guard (trading:guard.enabled is false): no rule stops a bot by itself, and entries need the feed's lease alone", tone: "warning" }];
  return [stateFact(guard, now), ...guard.cannot.map((value): Fact => ({ label: "Cannot", value, tone: "bad" })), { label: "Lease", ...leaseWord(guard, stale, now) }];
}

function stateFact({ problem, readAt }: GuardView, now: number): Fact {
  if (problem === null) return { label: "State", value: "answers and watches its rules", tone: "good" };
  const since = readAt === null ? "" : `; it last answered ${ageText(readAt, now)}`;
  return { label: "State", value: `does not answer (${problem})${since}: no rule is watched, and no entry passes once its lease has run out`, tone: "bad" };
}

function leaseWord({ lease }: GuardView, stale: boolean, now: number): Omit<Fact, "label"> {
  if (stale) return { value: "not known: the database does not answer", tone: "warning" };
  if (lease === null) return { value: "none yet: the broker refuses entries", tone: "warning" };
  if (lease.state === "WITHHELD") return { value: `withheld: the broker refuses entries: ${lease.reason}`, tone: "bad" };
  const left = Math.max(0, (lease.until ?? 0) - now);
  return left > 0 ? { value: `granted, ${durationText(left)} left: ${lease.reason}`, tone: "good" } : { value: "run out: the broker refuses entries", tone: "bad" };
}

/** `drawdown 0.131, limit 0.12`. */
export function numbersText(numbers: GuardActionView["numbers"]): string {
  return measureTexts(numbers).join(", ");
}

/** What a rule sees now, one line for each bot; `kept` where it sees nothing. */
export function foundTexts({ found }: RuleView): string[] {
  if (found.length === 0) return ["kept"];
  return found.map(({ bot, reason, numbers }) => `${bot ?? "all bots"}: ${[reason, numbersText(numbers)].filter(Boolean).join(": ")}`);
}

/** `halt at level kill (INC-…)`. */
export function actionText({ action, level, incident }: GuardActionView): string {
  return `${action}${level === null ? "" : ` at level ${level}`}${incident === null ? "" : ` (${incident})`}`;
}
