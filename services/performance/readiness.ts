import type { Readiness } from "../shared/server";

export interface Standing {
  /** Where each account and its newest figures stand; open times of bars, epoch ms. */
  readonly bots: readonly { readonly bot: string; readonly processedBar: number; readonly kpiBar: number | null }[];
  /** When figures were stored last, or looked for and found complete; milliseconds of a monotonic clock. */
  readonly lastRound: number;
  /** Bots whose comparison with a replay is overdue. */
  readonly overdue: readonly string[];
}

/** Figures are stored every second at most; none for so long means that they stand still. */
const patienceMilliseconds = 30_000;

/** Ready while the figures follow the accounts, and each night's comparison was made. */
export function judge({ bots, lastRound, overdue }: Standing, now: number): Readiness {
  const behind = bots.filter(({ processedBar, kpiBar }) => kpiBar === null || kpiBar < processedBar);
  const idle = now - lastRound;
  if (idle > patienceMilliseconds) {
    const of = behind.length > 0 ? ` although ${behind.map(({ bot }) => bot).join(", ")} went on` : "";
    return { ready: false, reason: `no figures were computed for ${Math.round(idle / 1000)} s${of}` };
  }
  if (overdue.length > 0) return { ready: false, reason: `the comparison with a replay is overdue: ${overdue.join(", ")}` };
  if (bots.length === 0) return { ready: true, reason: "no account has a bar yet" };
  return { ready: true, reason: behind.length === 0 ? "the figures are those of the newest bar" : `figures follow: ${behind.map(({ bot }) => bot).join(", ")}` };
}
