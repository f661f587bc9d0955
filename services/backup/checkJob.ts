import type { RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { repositoryInfo } from "./database/pgbackrest";
import { verifyRepository } from "./database/verifyRepository";
import { checkFiles } from "./files/check";
import { firstRepository } from "./files/repositories";
import { checkSecond } from "./files/secondCopy";
import { listSnapshots } from "./files/snapshots";
import type { JobWork } from "./jobs";
import { requireMounts } from "./required";

/** The second copy may be far away: each week another part of it is read. */
const partsOfSecond = 8;
const week = 7 * 86_400_000;

/** Reads everything that is stored again, and looks whether each manifest has all that it names. */
export const checkJob: JobWork = async (context, { catalog, journal, now }) => {
  const { step, signal, paths } = context;
  step("looking at what is needed");
  await requireMounts(context);
  const { points, broken } = await catalog.read();
  const problems: string[] = broken.map(({ file, reason }) => `${file} cannot be understood: ${reason}`);
  const attempt = async (what: string, work: () => Promise<unknown>) => {
    signal.throwIfAborted();
    step(what);
    // One damage must not hide another.
    await work().catch((error: Error) => problems.push(error.message));
  };
  await attempt("reading the repository of the database's backup", () => verifyRepository(context));
  await attempt("reading the files of the first copy", () => checkFiles(context));
  await attempt("comparing the manifests with what is stored", async () => {
    const labels = new Set((await repositoryInfo(context)).backups.map(({ label }) => label));
    // One that was copied, as from a second copy to a machine that lost the first, has another id than its manifest names.
    const snapshots = new Set((await listSnapshots(firstRepository(paths), { signal })).flatMap(({ id, origin }) => [id, origin]));
    problems.push(...points.flatMap((point) => missingOf(point, labels, snapshots)));
  });
  // One that was never made, or is not configured, is for other alarms to tell.
  if (context.secondCopy !== "none" && journal.current.jobs.copy.lastGood !== null) {
    const number = (Math.floor(now() / week) % partsOfSecond) + 1;
    await attempt(`reading part ${number} of ${partsOfSecond} of the second copy`, () => checkSecond(context, { number, of: partsOfSecond }));
  }
  signal.throwIfAborted();
  step("all that can be read was read");
  if (problems.length > 0) throw new Error(`${problems.length} problems: ${problems.slice(0, 10).join("; ")}${problems.length > 10 ? "; and more" : ""}`);
  return { reason: `all that is stored was read; ${points.length} manifests have what they name`, bytes: null, storedBytes: null, point: null };
};

/** What a manifest names and is not there, in words for the owner. */
export function missingOf({ id, physical, dump, artifacts, clone }: RecoveryPoint, labels: ReadonlySet<string>, snapshots: ReadonlySet<string>): string[] {
  const lost: string[] = [];
  if (physical !== null && !labels.has(physical.label)) lost.push(`the database's backup ${physical.label}`);
  for (const [name, part] of Object.entries({ dump, artifacts, clone })) {
    if (part !== null && !snapshots.has(part.snapshot)) lost.push(`its snapshot of ${name}, ${part.snapshot.slice(0, 8)}`);
  }
  return lost.map((what) => `recovery point ${id} lacks ${what}`);
}
