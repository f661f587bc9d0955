import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { restoreJournalFile } from "../../config/restoreInProgress";
import { failure } from "../errors";

/** What a restore brings back: everything, one database, or MLflow's database with its artifacts. */
export const RESTORE_KINDS = ["all", "db", "mlflow"] as const;
export type RestoreKind = (typeof RESTORE_KINDS)[number];

/**
 * How far a restore is. `restoring`: beside what runs, nothing is touched yet. `swapping`: services are stopped, old and
 * new change places. `checking`: the new data is looked at through its own server. `upgrading`: its schema and roles become those of this stack. `starting`: the rest is started.
 * `finishing`: it works, and a new recovery point is due. `discarding`: the old data goes, and there is no way back.
 * `goingBack`: everything becomes as it was.
 */
export const PHASES = ["restoring", "swapping", "checking", "upgrading", "starting", "finishing", "discarding", "goingBack"] as const;
export type Phase = (typeof PHASES)[number];

const counts = z.record(z.string(), z.int().min(0));
const to = z.discriminatedUnion("kind", [z.strictObject({ kind: z.literal("latest") }), z.strictObject({ kind: z.literal("point"), id: z.string() }), z.strictObject({ kind: z.literal("time"), time: z.string() })]);

const restoreJournal = z.strictObject({
  format: z.literal(1),
  /** What the old data is kept under. */
  id: z.string(),
  stack: z.string(),
  startedAt: z.iso.datetime(),
  /** Process that works on it, or did. */
  process: z.int(),
  kind: z.enum(RESTORE_KINDS),
  from: z.enum(["first", "second"]),
  /** Stack whose backup it is. */
  fromStack: z.string(),
  to,
  /** The target in words. */
  description: z.string(),
  artifacts: z.strictObject({ point: z.string(), snapshot: z.string() }).nullable(),
  /** The recovery point that was taken before; null when the database did not answer. */
  safetyPoint: z.string().nullable(),
  /** Bytes that what is restored needs, beside the second copy's repository where that is fetched. */
  neededBytes: z.int().min(0).default(0),
  phase: z.enum(PHASES),
  /** Artifacts that MLflow's database refers to and that were found nowhere, in words. */
  lost: z.array(z.string()).default([]),
  /** Rows by database and table that the restored data has to hold; null until it is there. */
  expected: z.record(z.string(), counts).nullable(),
  /** When services were stopped. */
  stoppedAt: z.iso.datetime().nullable(),
});
export type RestoreJournal = z.infer<typeof restoreJournal>;

/** The file that says, to whoever comes after an interruption, what was going on. */
export class RestoreJournalFile {
  readonly path: string;

  constructor(root: string, stack: string) {
    this.path = restoreJournalFile(root, stack);
  }

  /** @throws {CommandError} when it cannot be understood */
  read(): RestoreJournal | undefined {
    let text: string;
    try {
      text = fs.readFileSync(this.path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw failure(`${this.path} cannot be read: ${(error as Error).message}`);
    }
    try {
      return restoreJournal.parse(JSON.parse(text));
    } catch (error) {
      throw failure(`${this.path} is not understood (${(error as Error).message.replace(/\s+/g, " ")}): it was written by another version of this program; finish that restore with it`);
    }
  }

  /** Whole or not at all, and on the disk before this returns. */
  write(journal: RestoreJournal): void {
    fs.mkdirSync(path.dirname(this.path), { recursive: true });
    const temporary = `${this.path}.${process.pid}.tmp`;
    const file = fs.openSync(temporary, "w", 0o600);
    try {
      fs.writeSync(file, `${JSON.stringify(restoreJournal.parse(journal), null, 2)}\n`);
      fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
    fs.renameSync(temporary, this.path);
  }

  remove(): void {
    fs.rmSync(this.path, { force: true });
  }
}
