import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { writeWhole } from "./collect";

/** What the last `tend` of a stack did, kept for `schedule show`: a scheduler itself knows no more than an exit code. */
const tendRecord = z.object({ at: z.iso.datetime(), exitCode: z.int(), text: z.string() });
export type TendRecord = z.infer<typeof tendRecord>;

function fileOf(root: string, stack: string): string {
  return path.join(root, ".tools", "run", `tend-${stack}.json`);
}

export function writeTendRecord(root: string, stack: string, record: TendRecord): void {
  writeWhole(fileOf(root, stack), `${JSON.stringify(record)}\n`);
}

/** @returns undefined where none ran, or its record is damaged */
export function readTendRecord(root: string, stack: string): TendRecord | undefined {
  try {
    return tendRecord.safeParse(JSON.parse(fs.readFileSync(fileOf(root, stack), "utf8"))).data;
  } catch {
    return undefined;
  }
}
