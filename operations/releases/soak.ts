import type { Release } from "../../config/releases";
import { duration, time } from "../format";

/** What one part of the stack says of what was critical. Times are epoch milliseconds. */
export interface CriticalFacts {
  readonly part: string;
  /** Why it does not say; null where it does. */
  readonly problem: string | null;
  /** Keys of what is critical now. */
  readonly active: readonly string[];
  /** Before this it knows nothing. */
  readonly knownSince: number;
  readonly lastAt: number | null;
  readonly lastKey: string | null;
}

export interface SoakFacts {
  /** The newest release: the one that runs. */
  readonly release: Pick<Release, "at">;
  readonly hours: number;
  readonly parts: readonly CriticalFacts[];
  /** Halts in force, by whomever; null where that cannot be read. */
  readonly halts: readonly string[] | null;
  /** When the guard last placed a halt or one of its halts was lifted; null where it never did. */
  readonly guardHaltAt: number | null;
  readonly now: number;
}

/** How far a release is. */
export type Soak =
  | { readonly state: "over"; readonly quietSince: number }
  /** Nothing is wrong: it is a matter of time. */
  | { readonly state: "soaking"; readonly until: number; readonly reason: string }
  /** Something has to change, or to be known, first. */
  | { readonly state: "waiting"; readonly reason: string };

/**
 * Whether the release that runs has run for long enough with nothing critical and no halt by the guard. What interrupts
 * the quiet begins it anew, so that one bad hour does not keep a release from ever being stable.
 */
export function soakOf({ release, hours, parts, halts, guardHaltAt, now }: SoakFacts): Soak {
  const waiting = (reason: string): Soak => ({ state: "waiting", reason });
  if (halts === null) return waiting("whether it is halted cannot be read");
  if (halts.length > 0) return waiting(`it is halted (${halts.join(", ")})`);
  const silent = parts.filter(({ problem }) => problem !== null);
  if (silent.length > 0) return waiting(`whether an alert was raised is not known: ${silent.map(({ part, problem }) => `${part}: ${problem}`).join("; ")}`);
  const active = parts.flatMap(({ part, active: keys }) => keys.map((key) => `${key} (${part})`));
  if (active.length > 0) return waiting(`something critical is wrong: ${active.join(", ")}`);

  const breaks: { readonly at: number; readonly reason: string }[] = [
    { at: Date.parse(release.at), reason: `since ${time(Date.parse(release.at))}` },
    ...parts.flatMap(({ part, lastAt, lastKey }) => (lastAt === null ? [] : [{ at: lastAt, reason: `since ${lastKey ?? "something critical"} (${part}) was over, ${time(lastAt)}` }])),
    ...parts.map(({ part, knownSince }) => ({ at: knownSince, reason: `since ${time(knownSince)}: before, nothing is known of alerts of the ${part}` })),
    ...(guardHaltAt === null ? [] : [{ at: guardHaltAt, reason: `since a halt by the guard, ${time(guardHaltAt)}` }]),
  ];
  const last = breaks.reduce((latest, each) => (each.at > latest.at ? each : latest));
  const until = last.at + hours * 3_600_000;
  if (now >= until) return { state: "over", quietSince: last.at };
  return { state: "soaking", until, reason: `quiet for ${duration((now - last.at) / 1000)} of ${duration(hours * 3600)}, ${last.reason}` };
}
