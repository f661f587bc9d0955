import { sql } from "kysely";
import type { Database } from "../shared/database";
import type { Readiness } from "../shared/server";
import type { LoopStatus } from "./BarLoop";
import type { HaltsSeen } from "./Halts";

/** A bot's cursor beside the newest candle of its market. */
export interface Progress {
  readonly bot: string;
  readonly behind: boolean;
}

/** A loop is woken every 5 s; one that took no turn for this long hangs. Milliseconds. */
const patience = 15_000;

/** Reads how far each registered bot is; fails when the database cannot be reached. */
export async function readProgress(database: Database): Promise<Progress[]> {
  const { rows } = await sql<Progress>`
    SELECT a.bot, coalesce(c.open_time > coalesce(a.processed_bar, a.start_bar - interval '1 microsecond'), false) AS behind
    FROM accounts AS a LEFT JOIN LATERAL (
      SELECT open_time FROM candles WHERE symbol = a.symbol AND interval = a.interval ORDER BY open_time DESC LIMIT 1
    ) AS c ON true ORDER BY a.bot`.execute(database.db);
  return rows;
}

/**
 * Ready when the broker's lock is held, every bot's loop turns and none is behind the market for another reason than waiting for a bot that is
 * there, the books of all fit together, and the control folder can be read. A halt is no fault; it is told.
 * @param waitingFor why the lock is not held, or null
 * @param loops the loops of the configured bots, by bot
 * @param problems bots whose intended, sent and filled do not fit together
 * @param halts as they were read last
 */
export function judge(
  waitingFor: string | null,
  progress: readonly Progress[],
  loops: ReadonlyMap<string, LoopStatus>,
  problems: readonly { readonly bot: string; readonly mismatch: string }[],
  halts: HaltsSeen,
  now: number,
): Readiness {
  if (halts.problem !== null) return { ready: false, reason: `whether trading is halted cannot be read, so that only exits are let out: ${halts.problem}` };
  if (waitingFor !== null) return { ready: false, reason: waitingFor };
  for (const [bot, loop] of loops) {
    if (loop.error !== null) return { ready: false, reason: `the bars of ${bot} are not worked: ${loop.error}` };
    const idle = now - Math.max(loop.lastTurn, loop.lastBar);
    if (idle > patience) return { ready: false, reason: `the loop of ${bot} took no turn for ${Math.round(idle / 1000)} s` };
  }
  for (const { bot, behind } of progress) {
    const loop = loops.get(bot);
    const stuck = loop !== undefined && behind && loop.waitingFor === null && now - loop.lastBar > patience;
    if (stuck) return { ready: false, reason: `${bot} is behind the newest candle and not waiting for its bot` };
  }
  const [problem] = problems;
  if (problem !== undefined) return { ready: false, reason: `the books of ${problem.bot} do not fit together: ${problem.mismatch}` };
  const waiting = [...loops].filter(([, loop]) => loop.waitingFor !== null).map(([bot, loop]) => `the ${loop.waitingFor} of ${bot}`);
  const registered = progress.filter(({ bot }) => loops.has(bot)).length;
  const counted = `${registered} of ${loops.size} bots registered, fills are simulated`;
  const held = [...halts.standings].flatMap(([bot, { level, incidents }]) => (level === null ? [] : [`${bot} at level ${level} (${incidents.join(", ")})`]));
  const told = [counted, ...(waiting.length === 0 ? [] : [`waiting for ${waiting.join(", ")}`]), ...(held.length === 0 ? [] : [`halted: ${held.join(", ")}`])];
  return { ready: true, reason: told.join("; ") };
}
