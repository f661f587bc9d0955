import type { Proof, RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { failure, usage } from "../errors";
import { chooseTarget, type Restorable, type Target, type To } from "../backup/restoreTarget";
import type { Copy } from "../backup/toolContainer";

export const SOURCES = ["first", "second", "alternate"] as const;
export const KINDS = ["latest", "random", "time"] as const;
export const POINTS = [...KINDS, "alternate"] as const;

/** Which kind of point is brought back: the newest moment, an older recovery point, or any second between. */
export type Kind = (typeof KINDS)[number];

/**
 * The copy whose turn it is. What failed is not over: only a test that passed hands the turn on.
 *
 * @param proofs in the order in which they were proved
 */
export function nextSource(wish: (typeof SOURCES)[number], proofs: readonly Proof[], secondCopy: boolean): { readonly from: Copy; readonly note: string | null } {
  if (wish === "second" && !secondCopy) throw usage("--from is second, but trading:backup.secondCopy is none; allowed: first");
  if (wish !== "alternate") return { from: wish, note: null };
  if (!secondCopy) return { from: "first", note: "no second copy is configured: only the first was tried" };
  return { from: lastPassed(proofs)?.from === "second" ? "first" : "second", note: null };
}

/** The kind of point whose turn it is. */
export function nextKind(wish: (typeof POINTS)[number], proofs: readonly Proof[]): Kind {
  if (wish !== "alternate") return wish;
  const last = lastPassed(proofs);
  return last === undefined ? "latest" : KINDS[(KINDS.indexOf(kindOf(last.to)) + 1) % KINDS.length]!;
}

/** How a proof says what was brought back. */
export function proofTarget(kind: Kind, to: To): string {
  return to.kind === "latest" ? "latest" : `${kind} ${to.kind === "point" ? to.id : to.time}`;
}

function kindOf(proofTo: string): Kind {
  return KINDS.find((kind) => proofTo.split(" ")[0] === kind) ?? "latest";
}

function lastPassed(proofs: readonly Proof[]): Proof | undefined {
  return proofs.filter(({ passed }) => passed).at(-1);
}

/**
 * What is brought back.
 *
 * @param random numbers in [0, 1)
 * @throws {CommandError} when the copy holds nothing that could be brought back
 */
export function choose(kind: Kind, stock: Restorable, copy: Copy, random: () => number): Target {
  const physical = stock.points.filter((point) => point.physical !== null).sort((one, other) => Date.parse(one.snapshotAt) - Date.parse(other.snapshotAt));
  if (physical.length === 0) {
    throw failure(`the ${copy} copy holds no recovery point: npx trading backup makes one${copy === "second" ? ", and --job copy copies it" : ""}`);
  }
  return chooseTarget(kind === "latest" ? { kind } : kind === "random" ? olderPoint(physical, random) : anySecond(physical, stock, copy, random), stock);
}

/** Older than the newest, where there is one: the newest has its own turn. */
function olderPoint(physical: readonly RecoveryPoint[], random: () => number): To {
  const older = physical.length > 1 ? physical.slice(0, -1) : physical;
  return { kind: "point", id: older[Math.floor(random() * older.length)]!.id };
}

/** A second after the oldest recovery point that the archive of the log reaches. */
function anySecond(physical: readonly RecoveryPoint[], { log }: Restorable, copy: Copy, random: () => number): To {
  if (log === null) throw failure(`the ${copy} copy holds no archive of the database's log: no point in time can be restored from it`);
  const from = Math.ceil(Math.max(Date.parse(log.from), Date.parse(physical[0]!.snapshotAt)) / 1000);
  const to = Math.floor(Date.parse(log.to) / 1000);
  if (to < from) throw failure(`the archive of the database's log reaches from ${log.from} to ${log.to}: there is no whole second in it to choose`);
  return { kind: "time", time: new Date((from + Math.floor(random() * (to - from + 1))) * 1000).toISOString() };
}

