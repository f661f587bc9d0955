import { z } from "zod";
import type { ToolContext } from "../progress";
import { restic, type Repository } from "./restic";

const statusSchema = z.object({ message_type: z.literal("status"), total_bytes: z.int().optional(), bytes_restored: z.int().optional() });
// Numbers that are 0 are left out.
const summarySchema = z.object({ message_type: z.literal("summary"), total_bytes: z.int().default(0), bytes_skipped: z.int().default(0) });

export interface RestoreOptions {
  /** Folder of the snapshot, absolute. */
  readonly folder: string;
  readonly target: string;
  /** For the person who waits. */
  readonly step: string;
  readonly text: string;
}

/**
 * Brings a folder of a snapshot back, with owners and rights, and reads it again to compare. What an earlier try brought
 * back is kept where it is right; what does not belong there goes.
 * @returns bytes that are there now
 */
export async function restoreFolder(repository: Repository, snapshot: string, options: RestoreOptions, { progress, signal }: ToolContext): Promise<number> {
  const { folder, target, step, text } = options;
  progress({ step, text });
  const { stdout } = await restic(repository, ["restore", "--no-lock", `${snapshot}:${folder}`, "--target", target, "--delete", "--verify", "--json"], {
    signal,
    onLine: (line) => {
      const status = statusSchema.safeParse(parse(line)).data;
      if (status?.total_bytes) progress({ step, text, done: status.bytes_restored ?? 0, total: status.total_bytes });
    },
  });
  const summary = summarySchema.safeParse(parse(stdout.trim().split("\n").at(-1) ?? ""));
  if (!summary.success) throw new Error(`${repository.name}: restic restore ended without saying what it brought back`);
  return summary.data.total_bytes + summary.data.bytes_skipped;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
