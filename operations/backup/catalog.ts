import { z } from "zod";
import { proof, recoveryPoint, type Proof, type RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { failure } from "../errors";
import type { Copy, ToolSite } from "./toolContainer";
import type { Tools } from "./tools";

const catalog = z.object({
  points: z.array(recoveryPoint),
  proofs: z.array(proof),
  log: z.object({ from: z.iso.datetime(), to: z.iso.datetime() }).nullable(),
});

export interface Catalog {
  readonly points: readonly RecoveryPoint[];
  readonly proofs: readonly Proof[];
  /** Any second in between can be restored. */
  readonly log: { readonly from: string; readonly to: string } | null;
}

/** What a copy of the backups holds. */
export async function readCatalog(tools: Tools, site: ToolSite, from: Copy): Promise<Catalog> {
  const parsed = catalog.safeParse(await tools.run(site, "points", { from }, { second: from === "second" }));
  if (!parsed.success) throw failure(`the backups of stack ${site.backupsOf} are not understood: they were written by another version of this program (${parsed.error.issues[0]?.path.join(".") ?? ""})`);
  return parsed.data;
}
