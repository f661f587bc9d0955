import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { CLONE_FOLDER } from "../config/clone";

const runId = z.uuid();

const run = z.object({
  start: z.object({
    id: runId,
    experiment: z.string(),
    name: z.string(),
    startTime: z.number(),
    tags: z.record(z.string(), z.string()),
    params: z.record(z.string(), z.string()),
  }),
  end: z.object({
    status: z.enum(["FINISHED", "FAILED", "KILLED"]),
    endTime: z.number(),
    metrics: z.array(z.object({ key: z.string(), value: z.number(), timestamp: z.number(), step: z.number() })),
    /** Name -> content. */
    artifacts: z.record(z.string(), z.string()),
  }),
});

/** A run that MLflow has not heard of yet, as its file holds it: with all that hangs on it, so that neither is without the other. */
const keptRun = run.extend({
  /** Runs below it, such as the best of a sweep. */
  children: z.array(run).optional(),
  /** The configuration that it evaluated, to be a version of a registered model. */
  version: z
    .object({ model: z.string(), key: z.record(z.string(), z.string()), tags: z.record(z.string(), z.string()), description: z.string() })
    .optional(),
});

export type KeptRun = z.infer<typeof keptRun>;

/** What a killed command can have left half written is older than this. */
const LEFT_BEHIND_MILLISECONDS = 3_600_000;

/** The folder of runs that wait for MLflow, one file a run. */
export function runsFolder(root: string, stack: string): string {
  return path.join(root, CLONE_FOLDER, "stacks", stack, "runs");
}

export function newRunId(): string {
  return randomUUID();
}

/** Writes a run down for good: afterwards the file is there, whole, whatever happens to this command. */
export function keepRun(folder: string, run: KeptRun): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = fileOf(folder, run.start.id);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = fs.openSync(temporary, "w", 0o600);
    try {
      fs.writeFileSync(handle, JSON.stringify(run));
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/** Ids of the runs that wait, in the order in which they were written. */
export function keptRuns(folder: string): string[] {
  const found = entries(folder).flatMap((name) => {
    const id = /^(.+)\.json$/.exec(name)?.[1];
    const written = id !== undefined && runId.safeParse(id).success ? modified(path.join(folder, name)) : undefined;
    return id === undefined || written === undefined ? [] : [{ id, written }];
  });
  return found.sort((left, right) => left.written - right.written || (left.id < right.id ? -1 : 1)).map(({ id }) => id);
}

/**
 * @returns undefined when it was sent and removed meanwhile
 * @throws naming the file when it is not what was written
 */
export function readRun(folder: string, id: string): KeptRun | undefined {
  const file = fileOf(folder, id);
  try {
    return keptRun.parse(JSON.parse(fs.readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file} is damaged: remove it, the run in it is lost`);
  }
}

export function removeRun(folder: string, id: string): void {
  fs.rmSync(fileOf(folder, id), { force: true });
}

/** Takes away what killed commands left half written. */
export function removeHalfWritten(folder: string, now: number): void {
  for (const name of entries(folder)) {
    const file = path.join(folder, name);
    if (/\.json\.\d+\.tmp$/.test(name) && now - (modified(file) ?? now) > LEFT_BEHIND_MILLISECONDS) fs.rmSync(file, { force: true });
  }
}

function fileOf(folder: string, id: string): string {
  return path.join(folder, `${id}.json`);
}

function entries(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Epoch ms; undefined when another command removed it just now. */
function modified(file: string): number | undefined {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}
