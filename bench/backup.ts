import { randomBytes } from "node:crypto";
import { BackupRig } from "../test/support/backupRig";
import { eventually, execute } from "../test/support/throwAwayStack";
import { pointIdAt } from "../domain/backup/recoveryPoint";
import { changeOnePercent, fillLarge, LARGE_ROWS } from "./largeDatabase";
import type { BenchResult } from "./result";

/** Wall seconds of some work. */
async function timed<T>(work: () => Promise<T>): Promise<{ readonly seconds: number; readonly value: T }> {
  const started = performance.now();
  const value = await work();
  return { seconds: (performance.now() - started) / 1000, value };
}

/** Waits until all log is archived and all of it is on the disk, so that no measurement pays for what was done before it. */
async function drainArchive(rig: BackupRig): Promise<void> {
  await rig.query("SELECT pg_switch_wal()");
  await eventually("the log is archived", 300, async () => {
    const [row] = await rig.query<{ waiting: number }>("SELECT count(*)::int AS waiting FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'");
    return row!.waiting === 0;
  });
  await rig.execute("timescaledb", "sync");
}

/** What the owner's runbook said to do: `pg_dump | gzip`, and `gunzip | psql` back. */
class ByHand {
  private readonly folder = "/var/lib/postgresql/data/by-hand";

  constructor(private readonly rig: BackupRig) {}

  backup(): Promise<void> {
    return this.shell(`mkdir -p ${this.folder} && pg_dump trading | gzip > ${this.folder}/trading.sql.gz`);
  }

  async bytes(): Promise<number> {
    return Number((await this.output(`stat -c %s ${this.folder}/trading.sql.gz`)).trim());
  }

  /** Into an empty database beside the other; whatever psql complains of. */
  restore(): Promise<void> {
    return this.shell(`createdb by_hand && gunzip -c ${this.folder}/trading.sql.gz | psql --quiet --output /dev/null by_hand 2> ${this.folder}/complaints`);
  }

  /** Hypertables that came back with every row of theirs. */
  async hypertables(): Promise<number> {
    return Number((await this.output("psql -Atc 'SELECT count(*) FROM timescaledb_information.hypertables' by_hand")).trim());
  }

  async clear(): Promise<void> {
    await this.shell(`dropdb by_hand; rm -rf ${this.folder}`);
  }

  private async shell(script: string): Promise<void> {
    await this.output(script);
  }

  private async output(script: string): Promise<string> {
    const { code, stdout, text } = await execute("docker", ["exec", this.rig.name("timescaledb"), "sh", "-euc", script], { timeoutSeconds: 600 });
    if (code !== 0) throw new Error(text);
    return stdout;
  }
}

/** Backup and restore of about 5 million rows beside what the owner's runbook said to do by hand, on the same database in one run. */
export async function benchBackup(say: (text: string) => void): Promise<BenchResult[]> {
  const rig = new BackupRig({ prefix: `trading-bench-${randomBytes(4).toString("hex")}`, report: say });
  const rows = `${(LARGE_ROWS / 1e6).toFixed(1)} million rows`;
  try {
    await rig.prepare();
    say(`filling the database with ${rows}`);
    await fillLarge((sql) => rig.query(sql));
    // The log of the filling is archived before anything is measured.
    await rig.call("ensureStanza");
    await drainArchive(rig);
    const hand = new ByHand(rig);

    say("by hand: pg_dump | gzip");
    const dump = await timed(() => hand.backup());
    const dumpBytes = await hand.bytes();
    say(`${dump.seconds.toFixed(1)} s, ${(dumpBytes / 1e6).toFixed(1)} MB; by hand: gunzip | psql`);
    const psql = await timed(() => hand.restore());
    say(`${psql.seconds.toFixed(1)} s, ${await hand.hypertables()} hypertables of 1 restored without its preparation`);
    await hand.clear();
    await drainArchive(rig);

    say("a full recovery point");
    const point = () => rig.timedCall<{ id: string; storedBytes: number }>("point", pointIdAt(Date.now()));
    const full = await point();
    await changeOnePercent((sql) => rig.query(sql));
    await drainArchive(rig);
    say(`${full.seconds.toFixed(1)} s, ${(full.value.storedBytes / 1e6).toFixed(1)} MB; one per cent changed, an incremental one`);
    const incremental = await point();
    say(`${incremental.seconds.toFixed(1)} s, ${(incremental.value.storedBytes / 1e6).toFixed(1)} MB; restoring it, with every check`);
    const restored = await timed(() =>
      rig.tool(
        "restore-cluster",
        { repository: "/backups/pgbackrest", target: "/data/17.restored", to: { kind: "point", id: incremental.value.id } },
        { writable: ["/data"] },
      ),
    );
    const { seconds, verification } = restored.value as unknown as { seconds: { fetch: number; recover: number; verify: number }; verification: { passed: boolean } };
    const { fetch, recover, verify } = seconds;
    say(`${restored.seconds.toFixed(1)} s: files ${fetch.toFixed(1)}, recovery ${recover.toFixed(1)}, checks ${verify.toFixed(1)}; ${verification.passed ? "equal to the manifest" : "NOT equal to the manifest"}`);

    say("a dump, as it is taken every night beside the points");
    const dumped = await rig.timedCall<{ bytes: number }>("takeDump", pointIdAt(Date.now()));

    const withoutChecks = fetch + recover;
    return [
      { name: `full backup of ${rows}, with manifest, in the service`, unit: "s", value: full.seconds, comparedWith: { name: "pg_dump | gzip", value: dump.seconds }, target: "at least 5 times faster", met: full.seconds * 5 <= dump.seconds },
      { name: "its size", unit: "MB", value: full.value.storedBytes / 1e6, comparedWith: { name: "pg_dump | gzip", value: dumpBytes / 1e6 }, target: "at most 1.1 times as large", met: full.value.storedBytes <= 1.1 * dumpBytes },
      { name: "a dump of the same, read again and counted", unit: "s", value: dumped.seconds, comparedWith: { name: "pg_dump | gzip, unchecked", value: dump.seconds }, target: "-", met: true },
      { name: "its size", unit: "MB", value: dumped.value.bytes / 1e6, comparedWith: { name: "pg_dump | gzip", value: dumpBytes / 1e6 }, target: "-", met: true },
      { name: "incremental backup after 1 % change, with manifest", unit: "s", value: incremental.seconds, comparedWith: { name: "pg_dump | gzip", value: dump.seconds }, target: "at least 10 times faster", met: incremental.seconds * 10 <= dump.seconds },
      { name: "restore until the database answers", unit: "s", value: withoutChecks, comparedWith: { name: "gunzip | psql", value: psql.seconds }, target: "at least 2 times faster, and right", met: withoutChecks * 2 <= psql.seconds && verification.passed },
      { name: "restore with every check", unit: "s", value: restored.seconds, comparedWith: { name: "gunzip | psql, unchecked", value: psql.seconds }, target: "-", met: true },
    ];
  } finally {
    await rig.remove();
  }
}
