import { readFile } from "node:fs/promises";
import * as path from "node:path";
import type pg from "pg";
import type { Job } from "../../domain/backup/jobs";
import { eventually, execute } from "../support/throwAwayStack";
import { BackupServiceRig, databaseUser, type ServiceStart } from "./serviceRig";

/** A point of the service's work at which it is killed, or held: see crash.cjs. */
export interface CrashPoint {
  readonly name: string;
  readonly kind: "starts" | "says" | "renames" | "renamed";
  readonly text: string;
  readonly holds?: true;
}

/** Where the service is killed while it makes a point; what is told of the last is that the point was whole by then. */
export const crashes: readonly CrashPoint[] = [
  { name: "backup-of-the-database", kind: "starts", text: "^pgbackrest backup" },
  { name: "restore-point", kind: "says", text: "pg_create_restore_point" },
  { name: "switch-of-the-log", kind: "says", text: "pg_switch_wal" },
  { name: "artifacts", kind: "starts", text: "^restic backup.*kind:artifacts" },
  { name: "clone", kind: "starts", text: "^restic backup.*kind:clone" },
  { name: "manifest-not-renamed", kind: "renames", text: "/points/\\d{8}T\\d{6}Z\\.json$" },
  { name: "manifest-renamed", kind: "renamed", text: "/points/\\d{8}T\\d{6}Z\\.json$" },
];

/** Where a run is while the database is killed: a lock keeps it there, or the service is held as it asks the database. */
export const databaseKills: readonly { readonly what: string; readonly job: Job; readonly lock?: string; readonly waits?: string; readonly held?: string }[] = [
  // pgBackRest asks for the tablespaces once its backup has begun.
  { what: "during its backup", job: "point", lock: "pg_catalog.pg_tablespace IN ACCESS EXCLUSIVE MODE", waits: "pgBackRest%" },
  // A transaction that writes keeps the marking waiting.
  { what: "while the moment is marked", job: "point", lock: "candles IN ROW EXCLUSIVE MODE", waits: "backup" },
  { what: "while rows are counted", job: "point", held: "count\\(\\*\\) AS rows" },
  { what: "during its dump", job: "dump", lock: "candles IN ACCESS EXCLUSIVE MODE", waits: "pg_dump" },
];

/** A secret that is not the one the repository was made with. */
export const wrongSecrets = [
  { what: "a wrong password of the files' repository", file: "restic-password", wrong: () => "wrong", reason: /password/ },
  { what: "a wrong key of the database's repository", file: "pgbackrest.conf", wrong: (text: string) => text.replace(/cipher-pass=.*/, `cipher-pass=${"x".repeat(20)}`), reason: /made with another key/ },
] as const;

/** What goes wrong around the service, when a test wants it. */
export class FaultyServiceRig extends BackupServiceRig {
  override async prepare(): Promise<void> {
    await super.prepare();
    await this.fill("crash", databaseUser, { "crash.cjs": await readFile(path.join(__dirname, "crash.cjs"), "utf8"), "points.json": "[]" });
  }

  /** Starts the service with what can strike within it. */
  get hooked(): ServiceStart {
    return { environment: { NODE_OPTIONS: "--require=/crash/crash.cjs" }, arguments: ["--volume", `${this.name("crash")}:/crash`] };
  }

  /** From now on these points strike, each once and in their order. */
  async arm(points: readonly CrashPoint[]): Promise<void> {
    await this.inVolume("crash", "rm -rf struck go; mkdir struck go; chown 10002:10002 struck");
    await this.fill("crash", databaseUser, { "points.json": JSON.stringify(points) });
  }

  /** Waits until the service is held at a point. */
  async struck(name: string): Promise<void> {
    await eventually(`${name} struck`, 90, () => this.execute("backup", "ls", `/crash/struck/${name}`));
  }

  /** Lets a service that is held go on. */
  async go(name: string): Promise<void> {
    await this.inVolume("crash", `touch go/${name}`);
  }

  /** Begins a run and keeps it where a lock makes it wait. @returns the session that has the lock */
  async keptWaiting(job: Job, lock: string, waits: string): Promise<pg.Client> {
    const client = await this.connect();
    await client.query(`BEGIN; LOCK TABLE ${lock}`);
    await this.begin(job);
    await eventually("it waits for the lock", 90, async () => {
      // Over another connection: within a transaction the sessions look as they did at first.
      const waiting = await this.query("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE $1 AND wait_event_type = 'Lock'", [waits]);
      return waiting.length > 0;
    });
    return client;
  }

  /** From now on the database cannot archive its log: pgBackRest does not find what it knows of the archive. */
  async archiveAway(): Promise<void> {
    await this.inVolume("backups", "mkdir aside; mv pgbackrest/archive/trading/archive.info* aside");
  }

  async archiveBack(): Promise<void> {
    await this.inVolume("backups", "mv aside/* pgbackrest/archive/trading; rmdir aside");
  }

  /** Ends a segment of the log, with something in it. */
  async switchLog(): Promise<void> {
    await this.query("SELECT pg_create_restore_point('test'), pg_switch_wal()");
  }

  async candles(): Promise<number> {
    return (await this.query<{ count: number }>("SELECT count(*)::int AS count FROM candles"))[0]!.count;
  }

  /** Whether a service's container runs. */
  async runs(service: string): Promise<boolean> {
    const { stdout } = await execute("docker", ["inspect", "--format", "{{.State.Running}}", this.name(service)]);
    return stdout.trim() === "true";
  }
}
