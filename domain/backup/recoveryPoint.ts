import { z } from "zod";

const time = z.iso.datetime();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** How a recovery point is called: the moment it was begun, in UTC, for example `20261121T021000Z`. */
export const pointId = z.string().regex(/^\d{8}T\d{6}Z$/, "allowed: a time such as 20261121T021000Z");

/** @param epochMilliseconds when it begins */
export function pointIdAt(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "");
}

/** @returns epoch milliseconds */
export function timeOfPoint(id: string): number {
  return Date.parse(id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

/** What a table held at the moment of the snapshot. */
const tableContent = z.strictObject({
  schema: z.string(),
  name: z.string(),
  rows: z.int().min(0),
  /** Newest value of the table's time column; null where it has none, or no row. */
  newest: time.nullable(),
  /**
   * Order-independent hash over rows: all of them in a small table, in a large one those with the time column at or
   * after `since`. Null where the table is too large and has no time column.
   */
  hash: z.strictObject({ since: time.nullable(), rows: z.int().min(0), value: z.string() }).nullable(),
});

/** What a database held at the moment of the snapshot. */
export const databaseContent = z.strictObject({
  tables: z.array(tableContent),
  /** Hypertable as `schema.name` -> number of its chunks. */
  hypertables: z.record(z.string(), z.int().min(0)),
  /** Number of indexes, and of those that are not valid. */
  indexes: z.int().min(0),
  invalidIndexes: z.int().min(0),
});

const versions = z.strictObject({
  postgres: z.string(),
  timescaledb: z.string(),
  /** Alembic revision of MLflow's database; null before MLflow used it. */
  mlflowSchema: z.string().nullable(),
  /** Name of the newest migration of the trading database, for example `0003_quality_and_limits`. */
  tradingSchema: z.string(),
  pgbackrest: z.string(),
  restic: z.string(),
});

/** Files of a restic snapshot. */
const files = z.strictObject({ snapshot: sha256, files: z.int().min(0), bytes: z.int().min(0) });

export const recoveryPoint = z.strictObject({
  format: z.literal(1),
  id: pointId,
  stack: z.string(),
  mode: z.enum(["paper", "live"]),
  /** `point`: physical, to the second; `dump`: logical, for another version and for hands. */
  kind: z.enum(["point", "dump"]),
  startedAt: time,
  finishedAt: time,
  /** The moment of the snapshot, by the database's clock. */
  snapshotAt: time,
  versions,
  /** Service -> id of the image that was deployed. */
  images: z.record(z.string(), z.string()),
  databases: z.strictObject({ trading: databaseContent, mlflow: databaseContent }),
  /** Size of both databases on disk. */
  databaseBytes: z.int().min(0),
  /** Bytes that this point added to what is stored. */
  storedBytes: z.int().min(0),
  physical: z
    .strictObject({
      /** pgBackRest's label of the backup the point builds on. */
      label: z.string(),
      type: z.enum(["full", "diff", "incr"]),
      /** Label of the full backup at the beginning of its chain. */
      full: z.string(),
      /** Name of the restore point in the log: restoring to it gives exactly `databases`. */
      restorePoint: z.string(),
      lsn: z.string(),
      /** Timeline the restore point is on, 8 hexadecimal digits: there may be a later one, since restores begin new ones. */
      timeline: z.string().regex(/^[0-9A-F]{8}$/),
    })
    .nullable(),
  /** The dump's files: name -> SHA-256. */
  dump: files.extend({ contents: z.record(z.string(), sha256) }).nullable(),
  artifacts: files.extend({ references: z.strictObject({ checked: z.int().min(0), missing: z.array(z.string()) }) }).nullable(),
  /** `.trading` and the bundle of the repository. */
  clone: files.extend({ head: z.string().nullable(), branch: z.string().nullable(), unpushedCommits: z.int().min(0).nullable(), oldestUnpushedAt: time.nullable() }).nullable(),
});

export type RecoveryPoint = z.infer<typeof recoveryPoint>;
export type DatabaseContent = z.infer<typeof databaseContent>;
export type TableContent = z.infer<typeof tableContent>;
export type Versions = z.infer<typeof versions>;

/** That a restore test brought a recovery point back and found it right. */
export const proof = z.strictObject({ point: pointId, provedAt: time, from: z.enum(["first", "second"]), to: z.string(), restoreSeconds: z.number(), passed: z.boolean() });
export type Proof = z.infer<typeof proof>;
