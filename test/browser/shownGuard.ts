import type pg from "pg";
import type { GuardStatus } from "../../services/gui/guardStatus";

/** What a guard says that sees nothing wrong, with the thresholds that a stack has unless told otherwise. */
export function shownGuard(bot: string): GuardStatus {
  return {
    ...{ problems: [], verdicts: [], bots: [{ name: bot, running: true }] },
    thresholds: {
      ...{ dailyLossShare: 0.02, drawdownShare: 0.12, exposureShare: 1.25, feedDegradedSeconds: 120, decisionMinutes: 10 },
      ...{ trackingErrorWarnShare: 0.02, trackingErrorFreezeShare: 0.05, trackingErrorReduceShare: 0.1, clockSeconds: 2, haltDrillDays: 35, driftDays: 7 },
    },
  };
}

/** The guard has granted a lease for the next minute, and once restarted a bot. */
export async function writeGuard(client: pg.Client): Promise<void> {
  await client.query("INSERT INTO guard_status (state, reason, lease_until, renewals) VALUES ('GRANTED', 'all is looked after', now() + interval '60 seconds', 720)");
  await client.query(
    `INSERT INTO guard_actions (at, rule, bot, action, reason, numbers, runbook)
     VALUES (now() - interval '26 hours', 'no-decision', 'refstrat01', 'restart', 'no decision on the bar of 09:00 after 10 min', '{"minutes": 10.2, "limit": 10}', 'runbooks/Incident_Handling.md, 4.5 Ingen beslutning')`,
  );
}
