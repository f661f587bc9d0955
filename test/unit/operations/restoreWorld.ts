import type { DatabaseContent, RecoveryPoint } from "../../../domain/backup/recoveryPoint";
import { JOBS, type Job, type JobRun } from "../../../domain/backup/jobs";
import type { RestoreHost } from "../../../operations/backup/restoreHost";
import type { RowCounts } from "../../../operations/backup/losses";
import type { ToolName, ToolSite } from "../../../operations/backup/toolContainer";
import type { ToolResult } from "../../../operations/backup/toolMessages";
import type { ToolOptions, Tools } from "../../../operations/backup/tools";
import type { RestoreMeans } from "../../../operations/commands/restore";
import { CommandError, failure } from "../../../operations/errors";
import type { Execution } from "../../../operations/engine";
import { container, FakeEngine, NOW, OWNER } from "./support";

export const POINT = "20240301T060000Z";
export const BACKUP_IMAGE = `sha256:${"b".repeat(64)}`;

export function databaseContent(rows: Readonly<Record<string, number>>): DatabaseContent {
  const tables = Object.entries(rows).map(([name, count]) => ({ schema: "trading", name, rows: count, newest: "2024-03-01T05:00:00.000Z", hash: null }));
  return { tables, hypertables: {}, indexes: 3, invalidIndexes: 0 };
}

/** A good recovery point of the paper stack. */
export function recoveryPoint(more: Partial<RecoveryPoint> = {}): RecoveryPoint {
  const at = "2024-03-01T06:00:00.000Z";
  return {
    ...{ format: 1, id: POINT, stack: "paper", mode: "paper", kind: "point", startedAt: at, finishedAt: at, snapshotAt: at },
    versions: { postgres: "17.12", timescaledb: "2.19.3", mlflowSchema: "abc", tradingSchema: "0002_known", pgbackrest: "2.55.1", restic: "0.18.0" },
    ...{ images: {}, databases: { trading: databaseContent({ fills: 3 }), mlflow: databaseContent({ runs: 1 }) }, databaseBytes: 1000, storedBytes: 100 },
    physical: { label: "20240301-060000F", type: "full", full: "20240301-060000F", restorePoint: `trading-${POINT}`, lsn: "0/1", timeline: "00000001" },
    dump: null,
    artifacts: { snapshot: "a".repeat(64), files: 2, bytes: 20, references: { checked: 2, missing: [] } },
    clone: null,
    ...more,
  };
}

/** As much of the service's status as the commands need. */
function statusOf(points: number) {
  const startedAt = new Date(NOW + points).toISOString();
  const run = { job: "point" as const, startedAt, finishedAt: startedAt, outcome: "good" as const, reason: "all of it", bytes: 1, storedBytes: 1, point: `20240301T1159${String(points).padStart(2, "0")}Z` };
  const jobs = Object.fromEntries(JOBS.map((job) => [job, { running: null, lastRun: null }])) as Record<Job, { running: null; lastRun: JobRun | null }>;
  return { jobs: { ...jobs, point: { running: null, lastRun: points === 0 ? null : run } }, waitingFor: null, imagesNotArchived: null };
}

/** What the host's end of the command sees, in place of a kill: nothing after it is done any more. */
export class Killed extends Error {}

/** A thing that lies in a volume: what is used, what was used before, and what was restored beside it. */
interface Slot {
  live: string | undefined;
  before: string | undefined;
  restored: string | undefined;
}

/** Volumes, tools, containers and the backup service of a paper stack, as far as a restore sees them. */
export class RestoreWorldFake {
  readonly engine: FakeEngine;
  readonly calls: string[] = [];
  readonly slots: Record<"cluster" | "artifacts" | "database", Slot> = {
    cluster: { live: "old", before: undefined, restored: undefined },
    artifacts: { live: "old", before: undefined, restored: undefined },
    database: { live: "old", before: undefined, restored: undefined },
  };
  points: RecoveryPoint[] = [recoveryPoint()];
  log: { from: string; to: string } | null = { from: "2024-03-01T05:00:00.000Z", to: "2024-03-01T11:59:00.000Z" };
  freeBytes = 1e12;
  timescale = "2.19.3";
  /** Rows that the running server has, by whether it serves the old or the new. */
  rows: Record<"old" | "new", RowCounts> = {
    old: { trading: { "trading.fills": 5 }, mlflow: { "trading.runs": 1 } },
    new: { trading: { "trading.fills": 3 }, mlflow: { "trading.runs": 1 } },
  };
  answers = true;
  verificationPasses = true;
  /** Of what is restored. */
  versions = { tradingSchema: "0002_known", mlflowSchema: "abc" };
  /** Alembic revisions that MLflow's image has. */
  mlflowRevisions: string[] | null = ["abc"];
  /** References of MLflow's database that the artifacts do not have. */
  lost: string[] = [];
  /** Service -> image that Docker has thrown away. */
  missingImages: string[] = [];
  /** Whose log the archive of the stack takes: that of the old database, or of the new one. */
  archive: string | undefined = "old";
  pointGood = true;
  /** For so many looks a recovery point is under way that was begun before. */
  underWay = 0;
  held: string | undefined;
  /** Number of the step before which the command is killed. */
  killAt = Infinity;
  private step = 0;
  private pointsTaken = 0;

  constructor() {
    const fake = this;
    class Engine extends FakeEngine {
      override async execute(_id: string, command: readonly string[]): Promise<Execution> {
        return fake.service(command);
      }
    }
    this.engine = new Engine(["livefeed", "timescaledb", "mlflow", "broker", "gui", "backup", "bot-refstrat01", "bot-second"].map((service) => container(service, { imageId: BACKUP_IMAGE })));
    this.engine.meanwhile = (call) => {
      if (/^(start|stop) /.test(call)) this.mark(call);
    };
  }

  /** Services that run. */
  running(): string[] {
    return this.engine.all.filter(({ state }) => state === "running").map(({ service }) => service);
  }

  steps(): number {
    return this.step;
  }

  private mark(call: string): void {
    this.step += 1;
    if (this.step > this.killAt) throw new Killed(call);
    this.calls.push(call);
  }

  private service(command: readonly string[]): Execution {
    if (!this.running().includes("backup")) throw failure("the backup container does not run");
    const answer = (status: number, body: unknown) => ({ exitCode: 0, output: `${JSON.stringify(body)}\n${status}` });
    if (command.includes("POST")) {
      this.mark("point");
      if (this.underWay > 0) return answer(202, { job: "point", state: "running" });
      this.pointsTaken += 1;
      return answer(202, { job: "point", state: "asked" });
    }
    if (this.underWay > 0) {
      this.underWay -= 1;
      if (this.underWay === 0) this.pointsTaken += 1;
      const { jobs, ...rest } = statusOf(this.pointsTaken - (this.underWay === 0 ? 1 : 0));
      return answer(200, { ...rest, jobs: { ...jobs, point: { ...jobs.point, running: { since: new Date(NOW).toISOString(), step: "the database" } } } });
    }
    const status = statusOf(this.pointsTaken);
    const { point } = status.jobs;
    if (this.pointGood || point.lastRun === null) return answer(200, status);
    return answer(200, { ...status, jobs: { ...status.jobs, point: { ...point, lastRun: { ...point.lastRun, outcome: "failed", reason: "the disk is full", point: null } } } });
  }

  private served(database: string): "old" | "new" {
    const slot = database === "mlflow" || this.slots.database.live === "old" ? this.slots.cluster : this.slots.database;
    return (slot.live === "new" || this.slots.database.live === "new" ? "new" : "old") as "old" | "new";
  }

  readonly tools: Tools = {
    run: async (_site: ToolSite, tool: ToolName, request: object, options?: ToolOptions): Promise<ToolResult> => {
      if (tool !== "points") this.mark(`${tool} ${JSON.stringify(request)}`);
      options?.onProgress?.({ kind: "progress", step: tool, text: `doing ${tool}`, done: 1, total: 2 });
      if (tool === "points") return { points: this.points, proofs: [], log: this.log };
      if (tool === "fetch") return { bytes: 1, seconds: 1 };
      if (tool === "adopt-database") {
        this.archive = this.slots.cluster.live;
        this.mark("adopt-database done");
        return { adopted: true };
      }
      const [verb, what] = tool.split("-") as [string, keyof RestoreWorldFake["slots"]];
      const slot = this.slots[what];
      if (slot === undefined) throw failure(`no tool ${tool}`);
      this.move(verb, what, slot);
      // Killed when it was done, and nobody has written it down.
      this.mark(`${tool} done`);
      if (verb !== "restore") return {};
      const passed = this.verificationPasses;
      const all = { trading: databaseContent({ fills: 3 }), mlflow: databaseContent({ runs: 1 }) };
      const content = what === "database" ? all[(request as { database: keyof typeof all }).database] : all;
      return what === "artifacts" ? { lost: this.lost } : { content, versions: this.versions, verification: { passed, checks: [{ name: "rows", passed, detail: "fills differ" }] } };
    },
    hold: async (site, holder) => {
      this.mark(`hold ${site.backupsOf}`);
      if (site.backupsOf !== "paper") return { check: () => undefined, release: async () => void this.calls.push(`release ${site.backupsOf}`) };
      if (this.held !== undefined) throw failure(`the backups are in use: ${this.held}`);
      this.held = holder;
      return { check: () => undefined, release: async () => void (this.held = undefined) };
    },
    endLeftOvers: async () => undefined,
  };

  private move(verb: string, what: string, slot: Slot): void {
    if (what === "cluster" && (verb === "swap" || verb === "unswap") && this.running().includes("timescaledb")) throw failure("the database runs");
    if (verb === "restore") slot.restored = "new";
    if (verb === "swap" && slot.restored !== undefined) [slot.before, slot.live, slot.restored] = [slot.live, slot.restored, undefined];
    else if (verb === "swap" && slot.before === undefined) throw failure("there is nothing to swap in");
    if (verb === "unswap" && slot.before !== undefined) [slot.live, slot.before] = [slot.before, undefined];
    if (verb === "discard") slot.before = undefined;
    if (verb === "discard" && what !== "cluster") slot.restored = undefined;
  }

  readonly host: RestoreHost = {
    content: async (_stack, databases) => {
      if (!this.answers || !this.running().includes("timescaledb")) return failure("the database does not answer: it is gone");
      return Object.fromEntries(
        databases.map((database) => {
          const tables = this.rows[this.served(database)][database] ?? {};
          return [database, Object.fromEntries(Object.entries(tables).map(([table, rows]) => [table, { rows, newest: null, newer: null }]))];
        }),
      );
    },
    freeBytes: async () => this.freeBytes,
    timescaleVersion: async () => this.timescale,
    mlflowRevisions: async () => this.mlflowRevisions,
    bringImages: async () => {
      if (this.missingImages.length > 0) throw failure(`images that are deployed are nowhere: ${this.missingImages.join(", ")}`);
    },
    migrate: async () => this.mark("migrate"),
    dropUnused: async () => {
      this.mark("drop");
      this.slots.cluster.restored = undefined;
    },
  };

  readonly means: RestoreMeans = {
    tools: this.tools,
    host: this.host,
    site: async (_context, { stack }, backupsOf) => ({ stack, backupsOf, owner: OWNER, image: BACKUP_IMAGE, mode: "paper", secondCopy: { kind: "path", path: "/copy" } }),
    workspace: () => ({ make: async () => this.mark("make workspace"), remove: async () => this.mark("remove workspace") }),
  };

  /** What a kill leaves: whoever held the mutex is gone, and the next life begins. */
  revive(): void {
    this.held = undefined;
    this.killAt = Infinity;
  }
}

export { CommandError };
