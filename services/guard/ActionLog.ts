import type pg from "pg";
import type { GuardRule, Numbers } from "../../domain/guard/verdict";
import { RUNBOOKS } from "../../domain/guard/verdict";
import type { Logger } from "../shared/log";

/** Something that the guard did by itself. */
export interface GuardAction {
  readonly rule: GuardRule;
  /** Null is every bot. */
  readonly bot: string | null;
  readonly action: "halt" | "freeze" | "restart" | "stop" | "withhold" | "grant";
  readonly level: string | null;
  readonly incident: string | null;
  readonly reason: string;
  readonly numbers: Numbers;
}

/** Actions that wait for a database that is away. */
const mostWaiting = 1000;

/** Writes what the guard did into the database, when it can: what is done never waits for that. */
export class ActionLog {
  private waiting: (GuardAction & { readonly at: Date })[] = [];

  constructor(
    private readonly pool: Pick<pg.Pool, "query">,
    private readonly log: Logger,
    private readonly now: () => number = Date.now,
  ) {}

  note(action: GuardAction): void {
    this.log.warn({ ...action, runbook: RUNBOOKS[action.rule] }, "the guard acts");
    this.waiting.push({ ...action, at: new Date(this.now()) });
    if (this.waiting.length > mostWaiting) this.waiting.shift();
  }

  /** @throws when the database does not answer; what was not written waits on */
  async flush(): Promise<void> {
    while (this.waiting.length > 0) {
      const entry = this.waiting[0]!;
      const { at, rule, bot, action, level, incident, reason, numbers } = entry;
      await this.pool.query("INSERT INTO guard_actions (at, rule, bot, action, level, incident, reason, numbers, runbook) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", [
        ...[at, rule, bot, action, level, incident, reason.slice(0, 2000), JSON.stringify(numbers), RUNBOOKS[rule]],
      ]);
      this.waiting = this.waiting.filter((other) => other !== entry);
    }
  }
}
