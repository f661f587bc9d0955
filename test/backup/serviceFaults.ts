import { readFile } from "node:fs/promises";
import * as path from "node:path";
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

/** What the service asks the database when it counts rows. */
export const counting = "count\\(\\*\\) AS rows";

/** Where a run is while the database is killed, and what keeps it there. */
export const databaseKills: readonly { readonly what: string; readonly job: Job; keep(rig: FaultyServiceRig): Promise<unknown> }[] = [
  { what: "during its backup", job: "point", keep: (rig) => rig.keptAtCheckpoint() },
  // A transaction that writes keeps the marking waiting.
  { what: "while the moment is marked", job: "point", keep: (rig) => rig.keptWaiting("point", "candles IN ROW EXCLUSIVE MODE", "backup") },
  { what: "while rows are counted", job: "point", keep: (rig) => rig.keptAsking("point", counting) },
  { what: "during its dump", job: "dump", keep: (rig) => rig.keptWaiting("dump", "candles IN ACCESS EXCLUSIVE MODE", "pg_dump") },
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

  /** Begins a run and keeps it where the service asks the database something, until it may {@link go} on as "held". */
  async keptAsking(job: Job, question: string): Promise<void> {
    await this.arm([{ name: "held", kind: "says", text: question, holds: true }]);
    await this.begin(job);
    await this.struck("held");
  }

  /** Begins a run and keeps it where a lock makes it wait, until the database is killed. */
  async keptWaiting(job: Job, lock: string, waits: string): Promise<void> {
    const client = await this.connect();
    try {
      await client.query(`BEGIN; LOCK TABLE ${lock}`);
      await this.begin(job);
      // Over another connection: within a transaction the sessions look as they did at first.
      await this.waits("it waits for the lock", waits, "wait_event_type = 'Lock'");
    } catch (error) {
      await client.end();
      throw error;
    }
  }

  /**
   * Begins a point and keeps it where pgBackRest's backup waits for a checkpoint, until the database is killed or
   * {@link letCheckpoint} is called. Nobody else waits for one; a lock on what pgBackRest reads would stop new sessions too.
   */
  async keptAtCheckpoint(): Promise<void> {
    await this.signalCheckpointer("STOP");
    try {
      await this.begin("point");
      await this.waits("its backup waits for the checkpoint", "pgBackRest%", "wait_event LIKE 'Checkpoint%'");
    } catch (error) {
      await this.letCheckpoint();
      throw error;
    }
  }

  letCheckpoint(): Promise<void> {
    return this.signalCheckpointer("CONT");
  }

  private async waits(what: string, program: string, condition: string): Promise<void> {
    await eventually(what, 90, async () => (await this.query(`SELECT 1 FROM pg_stat_activity WHERE application_name LIKE $1 AND ${condition}`, [program])).length > 0);
  }

  /** The server may send signals to its own processes. */
  private async signalCheckpointer(signal: "STOP" | "CONT"): Promise<void> {
    const [row] = await this.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
    await this.query(`COPY (SELECT WHERE false) TO PROGRAM 'kill -${signal} ${row!.pid}'`);
  }

  /** Candles come and bots decide one after the other, until it is ended. */
  async deciding(): Promise<{ end(): Promise<void> }> {
    const client = await this.connect();
    let over = false;
    const telling = (async () => {
      while (!over) {
        await client.query("NOTIFY candle");
        await client.query("NOTIFY decision; SELECT pg_sleep(0.02)");
      }
    })();
    return {
      end: async () => {
        over = true;
        await telling;
        await client.end();
      },
    };
  }

  /** Letters that the kernel has for the states of a program's processes in the service's container, for example S and T. */
  async statesOf(program: string): Promise<string[]> {
    const lines = await this.execute("backup", "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null || true");
    return [...lines.matchAll(/^\d+ \((.+)\) (\S)/gm)].filter(([, name]) => name === program).map(([, , state]) => state!);
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
