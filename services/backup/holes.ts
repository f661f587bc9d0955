import type { WalGap } from "../../domain/backup/walArchive";
import type { ArchiveState } from "./database/archive";

/** So long a hole is told of that the next point has ended. */
const toldMilliseconds = 86_400_000;

/** Remembers which holes in the archive are new: old ones matter to who restores, and new ones to the owner. */
export class Holes {
  private found: Map<string, number> | undefined;

  /** Holes since the newest backup began, and those found within the last day. @param now epoch milliseconds */
  thatMatter({ missing, missingSinceNewest }: Pick<ArchiveState, "missing" | "missingSinceNewest">, now: number): WalGap[] {
    // When this program began, what was there already may be of any age.
    const first = this.found === undefined;
    const before = this.found ?? new Map<string, number>();
    this.found = new Map(missing.map((gap) => [keyOf(gap), before.get(keyOf(gap)) ?? (first ? Number.NEGATIVE_INFINITY : now)]));
    const last = missing.at(-1);
    return missing.filter((gap) => (gap === last && missingSinceNewest) || now - this.found!.get(keyOf(gap))! < toldMilliseconds);
  }
}

/** Where a hole begins; its end moves while it lasts. */
function keyOf({ after }: WalGap): string {
  return after ?? "the beginning";
}
