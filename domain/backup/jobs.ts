import { z } from "zod";

/** The scheduled jobs, in the order in which those that are due at the same time run. */
export const JOBS = ["point", "dump", "copy", "prune", "check"] as const;
export type Job = (typeof JOBS)[number];

/** What became of one run of a job; one line of the log, and the newest few are kept. */
export const jobRun = z.strictObject({
  /** What tells it from every other run, whatever the clock did; earlier releases noted none. */
  id: z.string().optional(),
  job: z.enum(JOBS),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  outcome: z.enum(["good", "failed"]),
  /** Why it failed, or what it did, in words for the owner. */
  reason: z.string(),
  /** Bytes of what was protected, where that has a meaning. */
  bytes: z.int().min(0).nullable(),
  /** Bytes it added to what is stored. */
  storedBytes: z.int().min(0).nullable(),
  /** Recovery point it made. */
  point: z.string().nullable(),
});
export type JobRun = z.infer<typeof jobRun>;
