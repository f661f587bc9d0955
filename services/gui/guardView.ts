import type { GuardActionView, GuardView } from "./api";
import { rulesOf } from "./guardRules";
import type { GuardRows } from "./guardRows";
import type { GuardStatus } from "./guardStatus";
import type { SnapshotState } from "./snapshot";

/**
 * How the guard stands, by what it says itself and by what it wrote into the database.
 *
 * @param said null where the stack has no guard
 * @param rows undefined before the database was ever read
 */
export function guardView(said: SnapshotState<GuardStatus> | null, rows: GuardRows | undefined, now: number): GuardView | null {
  if (said === null) return null;
  const { last, problem } = said;
  const status = rows?.status;
  const until = status?.leaseUntil?.getTime() ?? null;
  return {
    ...{ problem: problem ?? null, readAt: last?.at ?? null },
    ...{ cannot: last?.value.problems ?? [], rules: last === undefined ? [] : rulesOf(last.value), containers: last?.value.bots ?? [] },
    lease: status === undefined ? null : { state: status.state, reason: status.reason, until, left: status.state === "GRANTED" ? Math.max(0, (until ?? 0) - now) : 0 },
    actions: (rows?.actions ?? []).map(actionView),
  };
}

function actionView({ id: _id, at, ...action }: GuardRows["actions"][number]): GuardActionView {
  return { at: at.getTime(), ...action };
}
