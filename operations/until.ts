import { z } from "zod";
import { usage } from "./errors";

const MILLISECONDS: Readonly<Record<string, number>> = { min: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
const DURATION = /^(\d{1,6})(min|h|d|w)$/;
const time = z.iso.datetime({ offset: true });
/** What is to last for longer has no end of its own. */
const LONGEST = 366 * MILLISECONDS["d"]!;
const ALLOWED = "allowed: a duration such as 90min, 2h, 3d or 1w, or a time with its zone such as 2026-12-01T08:00:00Z, at most 366 days from now";

/**
 * Reads `--until`: a duration from now on, or a time to come.
 *
 * @param now epoch milliseconds
 * @returns UTC
 * @throws {CommandError} naming what is allowed
 */
export function parseUntil(text: string, now: number): string {
  const [, count, unit] = DURATION.exec(text) ?? [];
  const end = unit !== undefined ? now + Number(count) * MILLISECONDS[unit]! : time.safeParse(text).success ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(end) || end - now > LONGEST) throw usage(`--until is "${text}"; ${ALLOWED}`);
  if (end <= now) throw usage(`--until is "${text}", which is over; ${ALLOWED}`);
  return new Date(end).toISOString();
}
