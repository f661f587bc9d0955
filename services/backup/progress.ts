/** Where a tool is, for the person who waits: one JSON line each on standard output. */
export interface Progress {
  /** Short name of the step, the same through the step, for example `recover`. */
  readonly step: string;
  readonly text: string;
  /** How much of the step is done, in units of the step's own; both or neither. */
  readonly done?: number;
  readonly total?: number;
}

export type ReportProgress = (progress: Progress) => void;

/** What every tool is given beside its request. */
export interface ToolContext {
  readonly progress: ReportProgress;
  /** Gives the work up; it is left so that it can be begun anew. */
  readonly signal: AbortSignal;
}
