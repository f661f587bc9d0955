import { z } from "zod";

export const SEVERITIES = ["warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Something that is wrong now. */
export interface Alarm {
  /** The same for as long as it is the same trouble, for example `job-failed-point`. */
  readonly key: string;
  readonly severity: Severity;
  /** Words for the owner. They may change while it lasts: numbers grow. */
  readonly text: string;
  /** Where it says what to do, for example `runbooks/Backup_And_Restore.md#...`. */
  readonly runbook: string;
}

/** No further than a date can go. */
const milliseconds = z.int().min(0).max(8.64e15);

/** A notice that was not delivered yet. There is one at most for each incident: a newer one takes the older one's place. */
const waiting = z.strictObject({
  state: z.enum(["raised", "repeated", "resolved"]),
  /** 1 for the first notice of the incident, one more for each further one: what makes its id. */
  number: z.int().min(1),
  /** When it was made, epoch ms. */
  at: milliseconds,
});

/** One alarm from its beginning to its end. Times are epoch milliseconds of the wall clock. */
const incident = z.strictObject({
  id: z.string().min(1),
  key: z.string(),
  severity: z.enum(SEVERITIES),
  text: z.string(),
  runbook: z.string(),
  since: milliseconds,
  /** Null while it lasts. */
  resolvedAt: milliseconds.nullable(),
  /** When a notice of it last got through, and the worst severity the receiver heard of; null before the first one. */
  told: z.strictObject({ at: milliseconds, severity: z.enum(SEVERITIES) }).nullable(),
  /** How many notices were made of it. */
  count: z.int().min(1),
  waiting: waiting.nullable(),
});
export type Incident = z.infer<typeof incident>;

/** Everything the channel has to remember across a restart, as it stands in its file. */
export const book = z.strictObject({
  format: z.literal(1),
  /** Older ones first. One that is over stays until that was delivered. */
  incidents: z.array(incident),
  /** Ended incidents that were given up undelivered because too many waited, ever. */
  dropped: z.int().min(0),
  lastDeliveredAt: milliseconds.nullable(),
  lastHeartbeatAt: milliseconds.nullable(),
});
export type Book = z.infer<typeof book>;

export const emptyBook: Book = { format: 1, incidents: [], dropped: 0, lastDeliveredAt: null, lastHeartbeatAt: null };
