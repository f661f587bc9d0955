import { z } from "zod";
import { databaseContent, type DatabaseContent } from "../../domain/backup/recoveryPoint";
import { progressWriter } from "../backup/progressText";
import { partsOf, type Part } from "../backup/restoreParts";
import { neededBytes, size } from "../backup/restorePlan";
import type { Target } from "../backup/restoreTarget";
import type { Copy, ToolName, ToolSite } from "../backup/toolContainer";
import type { Tools } from "../backup/tools";
import { failure } from "../errors";
import type { Check, Durations } from "./report";
import type { TemporaryStack } from "./temporaryStack";

const verification = z.object({ passed: z.boolean(), checks: z.array(z.object({ name: z.string(), passed: z.boolean(), detail: z.string() })) });
const restoredCluster = z.object({
  restored: z.object({ lastTransaction: z.string().nullable(), newest: z.record(z.string(), z.string()) }),
  verification,
  seconds: z.object({ fetch: z.number(), recover: z.number(), verify: z.number() }),
  content: z.object({ trading: databaseContent, mlflow: databaseContent }),
  versions: z.record(z.string(), z.unknown()),
});
const restoredArtifacts = z.object({ files: z.number(), bytes: z.number(), references: z.number(), hashes: z.number(), lost: z.array(z.string()) });

/** What the tools brought into the volumes of a temporary stack. */
export interface RestoredData {
  readonly seconds: Pick<Durations, "fetch" | "restore" | "recover" | "verify" | "artifacts">;
  readonly checks: readonly Check[];
  /** Newest times that came back: of each table's rows, and of the last transaction that was read from the log. ISO. */
  readonly newest: readonly string[];
  readonly versions: Readonly<Record<string, unknown>>;
  readonly content: { readonly trading: DatabaseContent; readonly mlflow: DatabaseContent };
  /** Artifacts that the restored MLflow refers to and that were not stored yet at that moment, in words. */
  readonly lost: readonly string[];
}

export interface RestoringWorld {
  readonly tools: Tools;
  readonly site: ToolSite;
  readonly say: (text: string) => void;
  readonly writeProgress: (text: string) => void;
  /** Free bytes where the temporary stack's volumes are: the disk of the stack that trades. */
  readonly freeBytes: () => Promise<number>;
  /** Clock of this process, epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Fills the temporary stack's volumes, before any of its containers is there.
 *
 * @throws {CommandError} also when the disk has not the room, before anything is written to it
 */
export async function restoreInto(world: RestoringWorld, temporary: TemporaryStack, from: Copy, target: Target): Promise<RestoredData> {
  const { say } = world;
  const needed = neededBytes("all", target);
  const free = await world.freeBytes();
  if (free < needed) throw failure(`not enough room for a restore test: ${size(needed)} are needed beside what runs${from === "second" ? ", and the repository that is fetched on top" : ""}, and ${size(free)} are free`);
  let fetched: number | null = null;
  if (from === "second") {
    say("fetching the backup from the second copy");
    const began = world.now();
    await call(world, "fetch", { point: target.exact ? target.base.id : null, besideBytes: needed }, true);
    fetched = (world.now() - began) / 1000;
  }
  // The same tools in the same order as a restore of the stack itself.
  const [database, files] = partsOf({ kind: "all", id: temporary.name, from, to: target.to, artifacts: target.artifacts });
  say("restoring the database");
  const cluster = understood(restoredCluster, "restore-cluster", await part(world, database!));
  const checks = cluster.verification.checks.map((check): Check => ({ part: "database", ...check }));
  if (!cluster.verification.passed && checks.every(({ passed }) => passed)) checks.push({ part: "database", name: "it is what the manifest says", passed: false, detail: "the verification did not pass" });
  let artifacts: number | null = null;
  let lost: readonly string[] = [];
  if (files !== undefined) {
    say("restoring MLflow's artifacts");
    const began = world.now();
    const result = understood(restoredArtifacts, "restore-artifacts", await part(world, files));
    artifacts = (world.now() - began) / 1000;
    // A file or a reference that is not what it has to be would have ended the tool.
    const { files: number, bytes, references, hashes } = result;
    ({ lost } = result);
    checks.push({ part: "artifacts", name: "the snapshot came back whole, with all that the database refers to", passed: true, detail: `${number} files, ${bytes} bytes; ${references} references, ${hashes} of them by their SHA-256; of recovery point ${target.artifacts?.point}` });
  }
  return {
    seconds: { fetch: fetched, restore: cluster.seconds.fetch, recover: cluster.seconds.recover, verify: cluster.seconds.verify, artifacts },
    checks,
    newest: [...Object.values(cluster.restored.newest), ...(cluster.restored.lastTransaction === null ? [] : [cluster.restored.lastTransaction])],
    versions: cluster.versions,
    content: cluster.content,
    lost,
  };
}

/** Restores a part, and puts it where the services look for it. */
async function part(world: RestoringWorld, { bring, swap }: Part): ReturnType<Tools["run"]> {
  const result = await call(world, bring.tool, bring.request, bring.second);
  await call(world, swap.tool, swap.request, swap.second);
  return result;
}

function call({ tools, site, writeProgress }: RestoringWorld, tool: ToolName, request: object, second: boolean): ReturnType<Tools["run"]> {
  return tools.run(site, tool, request, { second, onProgress: progressWriter(writeProgress) });
}

function understood<Value>(schema: z.ZodType<Value>, tool: ToolName, value: unknown): Value {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw failure(`what ${tool} says is not understood: ${z.prettifyError(parsed.error).replace(/\s*\n\s*/g, " ")}`);
  return parsed.data;
}
