import type { StatusRows } from "./rows";

/** Longest line that a halt takes. */
const longest = 300;

/**
 * What is open, for the record of a halt, for example `refstrat01: position 0.05 bought at 100000, protective stop 99000`.
 *
 * @param rows as they were last read; undefined before that
 * @param bot null is all of them
 */
export function openLines(rows: StatusRows | undefined, bots: readonly string[], bot: string | null): string[] {
  if (rows === undefined) return ["not known: the database was not read yet"];
  return bots.filter((name) => bot === null || name === bot).map((name) => `${name}: ${positionText(rows.bots.find((candidate) => candidate.name === name))}`.slice(0, longest));
}

function positionText(rows: StatusRows["bots"][number] | undefined): string {
  const account = rows?.account;
  if (account === undefined) return "no account yet";
  if (account.quantity === 0) return "no position";
  return `position ${account.quantity} bought at ${account.entryPrice}, ${account.stopPrice === null ? "no protective stop" : `protective stop ${account.stopPrice}`}`;
}
