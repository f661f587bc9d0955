import { thawCommandOf } from "../../control/freezes";
import type { Freeze, Halt } from "../../control/records";
import { RUNBOOKS, type GuardRule, type Verdict } from "../../domain/guard/verdict";
import type { Alarm } from "../shared/alerts/AlertChannel";

/** All that a person is to be told of. */
export interface AlarmParts {
  readonly stack: string;
  readonly halts: readonly Halt[];
  readonly freezes: readonly Freeze[];
  /** Verdicts that hold now. */
  readonly verdicts: readonly Verdict[];
  /** What the guard cannot do now, and why; key -> words. */
  readonly problems: Readonly<Record<string, string>>;
  /** Bots that had to be stopped though they were stopped before, and why. */
  readonly stopped: Readonly<Record<string, string>>;
}

/** What is wrong now, as the alert channel takes it. A halt lasts until it is lifted. */
export function alarmsOf({ stack, halts, freezes, verdicts, problems, stopped }: AlarmParts): Alarm[] {
  const own = <Entry extends Halt | Freeze>(entries: readonly Entry[]) => entries.filter(({ by }) => by === "guard");
  return [
    ...own(halts).map(({ id, bot, level, reason, runbook, rule }) =>
      critical(`guard.halt.${id}`, `${reason}. ${bot ?? `Every bot of ${stack}`} is halted at level ${level}; \`npx trading rearm --stack ${stack} --incident ${id}\` lifts it`, runbook ?? RUNBOOKS[rule as GuardRule]),
    ),
    ...own(freezes).map(({ id, reason, runbook, rule }) => critical(`guard.freeze.${id}`, `${reason}. Deploys and promotions are frozen; \`${thawCommandOf(stack, id)}\` lifts it`, runbook ?? RUNBOOKS[rule as GuardRule])),
    ...verdicts.flatMap(({ rule, bot, act, reason }): Alarm[] => {
      const key = `guard.${rule}${bot === null ? "" : `.${bot}`}`;
      if (act.kind === "alert") return [{ key, severity: act.severity, text: reason, runbook: RUNBOOKS[rule] }];
      if (act.kind === "withhold") return [critical(key, reason, RUNBOOKS[rule])];
      return act.kind === "restart" ? [{ key, severity: "warning", text: reason, runbook: RUNBOOKS[rule] }] : [];
    }),
    ...Object.entries(problems).map(([key, text]) => critical(`guard.blind.${key}`, text, RUNBOOKS["guard-blind"])),
    ...Object.entries(stopped).map(([bot, text]) => critical(`guard.bot-runs-halted.${bot}`, text, RUNBOOKS["bot-runs-halted"])),
  ];
}

function critical(key: string, text: string, runbook: string): Alarm {
  return { key, severity: "critical", text, runbook };
}
