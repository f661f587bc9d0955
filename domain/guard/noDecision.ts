import { dateTime } from "../feedQuality/text";
import type { GuardFacts, GuardThresholds } from "./facts";
import type { Verdict } from "./verdict";

/** A bot that runs and decides nothing, whatever it says of its health: restarted once, then it enters nothing more. */
export function noDecision({ bots }: GuardFacts, { decisionMinutes }: Pick<GuardThresholds, "decisionMinutes">): Verdict[] {
  return bots.flatMap(({ name, undecided }): Verdict[] => {
    if (undecided === null || undecided.waitedFor <= decisionMinutes * 60_000) return [];
    const { decidedBar, waitedFor, restarted } = undecided;
    const minutes = Math.round(waitedFor / 6000) / 10;
    const last = decidedBar === null ? "it never decided anything" : `its last decision is on ${dateTime(decidedBar)}`;
    const reason = `${name} made no decision for ${minutes} min after a bar closed (${last}); allowed: ${decisionMinutes} min. ${restarted ? "A restart did not help" : "It is restarted"}`;
    return [
      {
        ...{ rule: "no-decision", cause: decidedBar === null ? "nothing decided" : `nothing decided after ${new Date(decidedBar).toISOString()}`, bot: name },
        ...{ act: restarted ? { kind: "halt", level: "pause" } : { kind: "restart" }, reason, numbers: { minutes, limit: decisionMinutes } },
      },
    ];
  });
}
