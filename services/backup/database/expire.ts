import { pgbackrest } from "./pgbackrest";
import type { DatabaseContext } from "./types";

/**
 * Removes full backups beyond the newest so many, what builds on them, and the log from before the oldest that is left.
 * @param fulls at least 1
 */
export async function expire(context: DatabaseContext, fulls: number): Promise<void> {
  if (!Number.isInteger(fulls) || fulls < 1) throw new RangeError(`fulls: ${fulls} - allowed: 1 or more`);
  await pgbackrest(context.paths, ["expire", `--repo1-retention-full=${fulls}`, "--repo1-retention-full-type=count"], { timeoutSeconds: 1800, signal: context.signal });
}
