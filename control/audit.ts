import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { readText } from "./folder";
import { ACTORS } from "./records";

/** One act: who, when, what and why. */
const entry = z.strictObject({
  /** UTC. */
  at: z.iso.datetime(),
  act: z.enum(["halt", "rearm", "freeze", "thaw", "restart bot", "stop bot", "acknowledge"]),
  by: z.enum(ACTORS),
  who: z.string().max(200),
  /** Incident or alert that it is about; null where there is none. */
  incident: z.string().max(200).nullable(),
  bot: z.string().max(40).nullable(),
  level: z.string().max(20).nullable(),
  reason: z.string().max(2000),
  rule: z.string().max(60).nullable(),
  numbers: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
  /** What was open then, one line for each bot. */
  open: z.array(z.string()),
});
export type AuditEntry = z.infer<typeof entry>;

const file = (control: string) => path.join(control, "audit.jsonl");

/** Appends one line, in one write that others who append at the same time cannot cut through, and on the disk when this returns. */
export function appendAudit(control: string, act: AuditEntry): void {
  const handle = fs.openSync(file(control), "a+", 0o666);
  try {
    // A line that a power cut broke off ends here, and takes nothing with it.
    fs.writeSync(handle, `${endsWhole(handle) ? "" : "\n"}${JSON.stringify(entry.parse(act))}\n`);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** Only its last byte is read: the file is kept for ever. */
function endsWhole(handle: number): boolean {
  const { size } = fs.fstatSync(handle);
  const last = Buffer.alloc(1);
  return size === 0 || (fs.readSync(handle, last, 0, 1, size - 1) === 1 && last.toString() === "\n");
}

/** Oldest first; a line that was cut off by a power cut is left out. */
export function readAudit(control: string): AuditEntry[] {
  return (readText(file(control)) ?? "").split("\n").flatMap((line) => {
    try {
      return [entry.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}
