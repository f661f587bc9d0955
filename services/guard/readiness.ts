import type { Readiness } from "../shared/server";
import type { GuardState } from "./Guard";

/** Looks come more than once a second; none for so long means that they stand still. */
const patienceMilliseconds = 10_000;

/** Ready while it looks, and can stop a bot. What it found is no fault of its own: an `up` is not held up by a halt. */
export function judge({ lookedAt, lookProblem, problems, looks }: Pick<GuardState, "lookedAt" | "lookProblem" | "problems" | "looks">, now: number): Readiness {
  if (lookedAt === null || now - lookedAt > patienceMilliseconds) return { ready: false, reason: lookProblem ?? "the guard stands still" };
  const [problem] = Object.values(problems);
  return problem === undefined ? { ready: true, reason: `${looks} looks` } : { ready: false, reason: problem };
}
