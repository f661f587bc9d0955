import { z } from "zod";
import type { Proof, RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { Catalog, type Contents } from "./catalog";
import { standardPaths, type Paths } from "./context";
import { restorableLog } from "./database/repositoryHistory";
import { secondCatalog } from "./files/fetch";
import type { ToolRun } from "./toolRunner";

export const pointsRequest = z.strictObject({ from: z.enum(["first", "second"]) });
export type PointsRequest = z.infer<typeof pointsRequest>;

export interface Points {
  /** Oldest first. */
  readonly points: RecoveryPoint[];
  readonly proofs: Proof[];
  /** Files that should be manifests or proofs and cannot be understood. */
  readonly broken: string[];
  /** Any second in between can be restored; of the second copy those between its points, since its log is not looked at. */
  readonly log: { readonly from: string; readonly to: string } | null;
}

/** Tool `points`: the recovery points of a copy, what was proved of them, and which seconds can be restored. */
export async function points({ from }: PointsRequest, run: ToolRun, paths: Paths = standardPaths): Promise<Points> {
  if (from === "second") return pointsOfSecond(run, paths);
  const contents = told(await new Catalog(paths).read());
  const log = contents.points.length === 0 ? null : await restorableLog({ paths, signal: run.signal }, paths.pgbackrest);
  return { ...contents, log };
}

async function pointsOfSecond(run: ToolRun, paths: Paths): Promise<Points> {
  run.progress({ step: "open", text: "the second copy is opened" });
  const contents = told(await secondCatalog(run, paths));
  const physical = contents.points.filter((point) => point.physical !== null);
  const [oldest, newest] = [physical[0], physical.at(-1)];
  return { ...contents, log: oldest === undefined || newest === undefined ? null : { from: oldest.snapshotAt, to: newest.snapshotAt } };
}

function told({ points, proofs, broken }: Contents): Omit<Points, "log"> {
  return { points, proofs, broken: broken.map(({ file, reason }) => `${file}: ${reason}`) };
}
