import { copyToSecond } from "./files/secondCopy";
import type { JobWork } from "./jobs";
import { requireMounts } from "./required";

/** Brings the second copy up to date. Where none is configured this job is not scheduled, and an alarm says so. */
export const copyJob: JobWork = async (context) => {
  context.step("looking at what is needed");
  await requireMounts(context);
  context.step("copying");
  const { bytes, storedBytes, copied, newestPoint, kept } = await copyToSecond(context);
  const refused = kept === 0 ? "" : `; ${kept} that retention no longer wants are still there, since it lets nothing be removed`;
  return { reason: `${copied} snapshots copied, and the database's repository${refused}`, bytes, storedBytes, point: newestPoint };
};
