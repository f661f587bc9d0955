import { isDue } from "../../domain/backup/schedule";

export interface ParityStanding {
  /** When the bot was last compared, epoch ms of the wall clock; null when it never was. */
  readonly last: number | null;
  /** Bars it has decided on. */
  readonly decisions: number;
}

/** Bars that a bot has to have before it is compared for the first time without being asked for. */
const fewestDecisions = 24;

/**
 * Whether a bot has to be compared now: at its first full day of bars, and once for all the times of the schedule that
 * have passed since the last comparison, whoever asked for that.
 * @param schedule cron pattern of five fields, in UTC
 */
export function parityDue(schedule: string, { last, decisions }: ParityStanding, now: number): boolean {
  return decisions >= fewestDecisions && isDue(schedule, last, now);
}
