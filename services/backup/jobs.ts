import type { Job } from "../../domain/backup/jobs";
import type { Catalog } from "./catalog";
import { checkJob } from "./checkJob";
import type { BackupContext } from "./context";
import { copyJob } from "./copyJob";
import { dumpJob } from "./dumpJob";
import type { Journal } from "./journal";
import { pointJob } from "./pointJob";
import { pruneJob } from "./pruneJob";
import type { JobResult } from "./scheduler";
import type { BackupSettings } from "./settings";

/** What jobs work with beside the context. */
export interface JobParts {
  readonly settings: BackupSettings;
  readonly catalog: Catalog;
  readonly journal: Pick<Journal, "current" | "unwatched" | "forgetJump">;
  readonly now: () => number;
}

export type JobWork = (context: BackupContext, parts: JobParts) => Promise<JobResult>;

/** What each job does; one that throws has failed, for the reason that the error says. */
export const jobWork: Readonly<Record<Job, JobWork>> = { point: pointJob, dump: dumpJob, copy: copyJob, prune: pruneJob, check: checkJob };
