import type { GuardRule, Verdict } from "./verdict";

/** What the guard needs of a halt or a freeze that stands, or stood. */
export interface Latched {
  readonly id: string;
  readonly bot: string | null;
  readonly rule: string | null;
  readonly cause: string | null;
  readonly level?: string;
}

export interface Lifted extends Latched {
  readonly liftedAt: string;
}

/**
 * Whether a verdict still has to be carried out. While a halt of the same rule stands there is nothing to add; and what a
 * person lifted once is not placed again for the same cause.
 *
 * @param inForce halts for a halt, freezes for a freeze
 */
export function isDue(verdict: Pick<Verdict, "rule" | "cause" | "bot">, inForce: readonly Latched[], lifted: readonly Lifted[]): boolean {
  const same = ({ rule, bot }: Latched) => rule === verdict.rule && (bot === verdict.bot || bot === null);
  return !inForce.some(same) && !lifted.some((halt) => same(halt) && halt.cause === verdict.cause);
}

/** The newest halt of a rule that was lifted for a bot: what the rule counts from. */
export function newestLifted(rule: GuardRule, bot: string, lifted: readonly Lifted[]): Lifted | undefined {
  return lifted.filter((halt) => halt.rule === rule && (halt.bot === bot || halt.bot === null)).reduce<Lifted | undefined>((newest, halt) => (newest === undefined || halt.liftedAt > newest.liftedAt ? halt : newest), undefined);
}
