import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { pointIdAt, type DatabaseContent, type RecoveryPoint } from "../../domain/backup/recoveryPoint";
import type { ArchiveState } from "../../services/backup/database/archive";
import type { RepositoryInfo } from "../../services/backup/database/pgbackrest";
import type { RestoreClusterResult } from "../../services/backup/database/restoreCluster";
import type { RestoreDatabaseResult } from "../../services/backup/database/restoreDatabase";
import { BackupRig, type ToolOptions, type ToolOutcome } from "../support/backupRig";
import { eventually, execute } from "../support/throwAwayStack";

const repository = "/backups/pgbackrest";
const target = "/data/17.restored";
const onData: ToolOptions = { writable: ["/data"] };
/** Slow enough that it is not over before the kill arrives. */
const toBeKilled = { name: "killed", arguments: ["--cpus", "0.5"] };

/** The database's own part of backup and restore, in the real images; the tests build on each other. */
describe("backups of the database", function () {
  this.timeout(300_000);
  const rig = new BackupRig({ prefix: `h3-${randomBytes(4).toString("hex")}` });
  let taken = 0;

  const nextId = () => pointIdAt(Date.UTC(2026, 0, 1) + 1000 * taken++);
  /** A recovery point with its manifest; ids are a second apart. */
  const takePoint = () => rig.call<RecoveryPoint>("point", nextId());
  const restore = (to: object, options = onData) => rig.tool("restore-cluster", { repository, target, to }, options) as Promise<unknown> as Promise<RestoreClusterResult>;
  const failedChecks = ({ verification }: RestoreClusterResult | RestoreDatabaseResult) => verification.checks.filter(({ passed }) => !passed);
  const addCandles = (from: string, count: number) =>
    rig.query(
      `INSERT INTO candles (symbol, interval, open_time, open, high, low, close, volume, source)
       SELECT 'BTCUSDT', '1h', $1::timestamptz + i * interval '1 hour', 100, 101, 99, 100.5, i, 'test' FROM generate_series(0, $2 - 1) AS i`,
      [from, count],
    );
  const candles = async () => (await rig.query<{ count: number }>("SELECT count(*)::int AS count FROM candles"))[0]!.count;
  const clusters = async () => (await rig.inVolume("data", "ls -d 17*")).split("\n");
  const files = (of: string) => rig.inVolume("backups", `find pgbackrest -name '${of}' -type f | sort`).then((text) => text.split("\n").filter((line) => line !== ""));

  /**
   * Kills a tool in the middle of what it makes: all of its processes, from inside its container, where nothing that Docker
   * does comes between the look and the kill.
   *
   * @param begun shell condition, in the tool's container, that holds once and as long as something is half made
   * @param outcome of what was called with {@link toBeKilled}
   */
  async function killInTheMiddle(begun: string, outcome: Promise<ToolOutcome>): Promise<void> {
    const ended = outcome.then(({ code, text }) => expect.fail(`it ended before it was killed, with exit code ${code}: ${text}`));
    ended.catch(() => undefined);
    await Promise.race([eventually("the tool's container runs", 60, () => rig.execute(toBeKilled.name, "true").then(() => true, () => false)), ended]);
    // Its own end is part of what it does, so how it ended says nothing.
    await rig.execute(toBeKilled.name, "timeout", "110", "sh", "-c", `until ${begun}; do sleep 0.01; done; kill -KILL -1`).catch(() => undefined);
    expect((await outcome).code).to.equal(137);
  }

  /** Stops the database, puts a restored cluster in its place, and starts it again. */
  async function swap(id: string): Promise<void> {
    await rig.stop("timescaledb");
    await rig.tool("swap-cluster", { id, restored: target }, onData);
    await rig.start("timescaledb");
    await rig.databaseReady();
  }

  before(async () => {
    await rig.prepare();
    await addCandles("2024-01-01Z", 5000);
    await rig.query("CREATE TABLE experiments (id int PRIMARY KEY, name text); INSERT INTO experiments SELECT i, 'experiment ' || i FROM generate_series(1, 50) AS i", [], "mlflow");
  });
  after(() => rig.remove());

  let first: RecoveryPoint;

  it("takes a full backup first and then what changed, and all of it stands a check", async () => {
    first = await takePoint();
    await addCandles("2024-08-01Z", 10);
    const second = await takePoint();
    expect([first.physical!.type, second.physical!.type, second.physical!.full]).to.deep.equal(["full", "incr", first.physical!.label]);
    const table = first.databases.trading.tables.find(({ name }) => name === "candles")!;
    expect([table.rows, table.newest, first.databases.trading.hypertables["trading.candles"]]).to.deep.equal([5000, "2024-07-27T07:00:00.000000Z", 3]);
    expect(first.databases.mlflow.tables.map(({ name, rows }) => [name, rows])).to.deep.equal([["experiments", 50]]);
    await rig.call("verifyRepository");
    const state = await rig.call<ArchiveState>("archiveState");
    expect([state.missing, state.failedCount, state.missingSinceNewest]).to.deep.equal([[], 0, false]);
  });

  it("restores a point exactly though services write all the time", async () => {
    const stop = new AbortController();
    const writer = (async () => {
      const client = await rig.connect();
      for (let i = 0; !stop.signal.aborted; i++) {
        await client.query("BEGIN");
        await client.query("INSERT INTO candles (symbol, interval, open_time, open, high, low, close, volume, source) VALUES ('LIVE', '1m', '2025-01-01Z'::timestamptz + $1 * interval '1 minute', 1, 1, 1, 1, 1, 'test')", [i]);
        await client.query("INSERT INTO feed_states (symbol, interval, state, reason) VALUES ('LIVE', '1m', 'HEALTHY', $1)", [String(i)]);
        await client.query("COMMIT");
      }
    })();
    const point = await takePoint().finally(() => stop.abort());
    await writer;
    const rows = (name: string) => point.databases.trading.tables.find((table) => table.name === name)!.rows;
    expect(rows("feed_states"), "rows written while the backup was taken").to.be.greaterThan(0);
    expect(rows("candles")).to.equal(5010 + rows("feed_states"));
    const restored = await restore({ kind: "point", id: point.id });
    expect(failedChecks(restored)).to.deep.equal([]);
    expect(restored.restored.comparedWith).to.deep.equal({ point: point.id, mode: "exact" });
    expect(restored.verification.checks.map(({ name }) => name)).to.include.members(["content", "indexes valid", "hypertables", "amcheck trading", "amcheck mlflow", "writing trading", "checksums"]);
    expect(restored.verification.checks.find(({ name }) => name === "writing trading")!.detail).to.contain("candles: a new chunk takes rows");
  });

  it("puts a restored cluster in place, which starts as it is and is archived on a new timeline", async () => {
    await rig.query("DELETE FROM candles");
    const restored = await restore({ kind: "point", id: first.id });
    await swap("one");
    expect(await candles()).to.equal(5000);
    expect(await rig.query("SELECT name FROM pg_settings WHERE name LIKE 'recovery_target%' AND setting <> '' AND source <> 'default' OR name = 'restore_command' AND setting <> ''")).to.deep.equal([]);
    const history = `${restored.restored.timeline.toString(16).toUpperCase().padStart(8, "0")}.history`;
    await eventually("the new timeline's history is archived", 30, async () => (await files(history)).length === 1);
    expect((await rig.call<ArchiveState>("archiveState")).missing).to.deep.equal([]);
    const after = await takePoint();
    expect([after.physical!.type, parseInt(after.physical!.timeline, 16)]).to.deep.equal(["full", restored.restored.timeline]);
  });

  it("goes back to the cluster from before, and forward again, however often it is asked", async () => {
    await rig.stop("timescaledb");
    await rig.tool("unswap-cluster", { id: "one" }, onData);
    expect(await rig.tool("unswap-cluster", { id: "one" }, onData)).to.include({ undone: false });
    await rig.start("timescaledb");
    await rig.databaseReady();
    expect(await candles()).to.equal(0);
    await restore({ kind: "point", id: first.id });
    await swap("two");
    expect(await rig.tool("swap-cluster", { id: "two", restored: target }, onData).catch((error: Error) => error.message)).to.match(/the database runs/);
    expect(await rig.tool("discard-cluster", { id: "two" }, onData)).to.include({ discarded: true });
    expect(await clusters()).to.deep.equal(["17"]);
    expect(await candles()).to.equal(5000);
  });

  it("completes a swap that was interrupted between its two steps", async () => {
    await restore({ kind: "latest" });
    await rig.stop("timescaledb");
    await rig.inVolume("data", "mv 17 17.before-three");
    expect((await execute("docker", ["start", "--attach", rig.name("timescaledb")])).text).to.contain("a restore was interrupted");
    await swap("three");
    expect(await candles()).to.equal(5000);
    await rig.tool("discard-cluster", { id: "three" }, onData);
  });

  it("restores to the second, also to before the newest backup", async () => {
    await takePoint();
    await addCandles("2025-06-01Z", 1);
    const [moment] = await rig.query<{ at: Date }>("SELECT clock_timestamp() AS at");
    const time = new Date(Math.ceil(moment!.at.getTime() / 1000) * 1000);
    await eventually("the next second", 5, async () => Date.now() > time.getTime() + 200);
    await addCandles("2025-07-01Z", 1);
    const newest = await takePoint();
    const restored = await restore({ kind: "time", time: time.toISOString() });
    expect(failedChecks(restored)).to.deep.equal([]);
    expect(restored.restored.newest["trading.candles"]).to.equal("2025-06-01T00:00:00.000000Z");
    expect(restored.restored.backup).not.to.equal(newest.physical!.label);
    const latest = await restore({ kind: "latest" });
    expect(latest.restored.newest["trading.candles"]).to.equal("2025-07-01T00:00:00.000000Z");
  });

  it("restores a moment in which nothing was written", async () => {
    const log = (await rig.call<{ from: string; to: string }>("restorableLog", repository))!;
    const restored = await restore({ kind: "time", time: log.to });
    expect(failedChecks(restored)).to.deep.equal([]);
    expect(restored.restored.newest["trading.candles"]).to.equal("2025-07-01T00:00:00.000000Z");
  });

  it("refuses what cannot be restored before anything is made", async () => {
    const attempt = (to: object) => rig.attemptTool("restore-cluster", { repository, target, to }, onData);
    await rig.inVolume("data", "rm -rf 17.restored");
    const refusals: [to: object, message: RegExp][] = [
      [{ kind: "time", time: "2100-01-01T00:00:00Z" }, /what can be restored is from .* to /],
      [{ kind: "time", time: "2020-01-01T00:00:00Z" }, /what can be restored is from .* to /],
      [{ kind: "point", id: "20200101T000000Z" }, /no physical recovery point/],
    ];
    for (const [to, message] of refusals) {
      const outcome = await attempt(to);
      expect([outcome.code, outcome.error]).to.satisfy(([code, error]: [number, string]) => code === 1 && message.test(error));
    }
    const change = (from: string, to: string) => rig.inVolume("backups", `sed -i 's/${from}/${to}/' points/${first.id}.json`);
    await change(first.versions.tradingSchema, "9999_from_the_future");
    expect((await attempt({ kind: "point", id: first.id })).error).to.match(/schema 9999_from_the_future, and the newest this release knows is/);
    await change("9999_from_the_future", first.versions.tradingSchema);
    await change('"timescaledb":"[^"]*"', '"timescaledb":"2.18.0"');
    expect((await attempt({ kind: "point", id: first.id })).error).to.match(/TimescaleDB 2\.18\.0, and this image has/);
    await change('"timescaledb":"2.18.0"', `"timescaledb":"${first.versions.timescaledb}"`);
    expect((await attempt({ kind: "latest", force: true })).code).to.equal(2);
    expect(await clusters()).to.deep.equal(["17"]);
  });

  it("says what a restored database lacks", async () => {
    await rig.inVolume("backups", `sed -i 's/"rows":5000,/"rows":5001,/' points/${first.id}.json`);
    const restored = await restore({ kind: "point", id: first.id });
    await rig.inVolume("backups", `sed -i 's/"rows":5001,/"rows":5000,/' points/${first.id}.json`);
    expect(restored.verification.passed).to.equal(false);
    expect(failedChecks(restored)[0]!.detail).to.match(/trading: table trading\.candles holds 5000 rows, not 5001/);
  });

  it("begins anew after it was killed in the middle", async () => {
    await killInTheMiddle("[ -e /data/17.restored.partial ]", rig.attemptTool("restore-cluster", { repository, target, to: { kind: "latest" } }, { ...onData, ...toBeKilled }));
    expect(await clusters()).to.include("17.restored.partial").and.not.to.include("17.restored");
    const restored = await restore({ kind: "latest" });
    expect(failedChecks(restored)).to.deep.equal([]);
    expect(await clusters()).to.deep.equal(["17", "17.restored"]);
    await rig.inVolume("data", "rm -rf 17.restored");
  });

  it("brings one database back and leaves the other and the roles as they are", async () => {
    const before = await rig.query("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1");
    const rights = "SELECT datname, datacl::text FROM pg_database WHERE datname = 'trading'";
    const held = await rig.query(rights);
    await rig.query("DELETE FROM candles");
    await rig.query("DELETE FROM experiments WHERE id > 10", [], "mlflow");
    const session = await rig.connect();
    const restored = (await rig.tool("restore-database", { database: "trading", repository, to: { kind: "point", id: first.id } })) as unknown as RestoreDatabaseResult;
    expect(failedChecks(restored)).to.deep.equal([]);
    expect(await candles()).to.equal(0);
    await rig.tool("swap-database", { database: "trading", id: "four" });
    await rig.tool("swap-database", { database: "trading", id: "four" });
    expect(await session.query("SELECT 1").catch((error: Error) => error.message)).to.match(/terminat|not queryable/i);
    expect(await candles()).to.equal(5000);
    expect(await rig.query("SELECT count(*)::int AS count FROM experiments", [], "mlflow")).to.deep.equal([{ count: 10 }]);
    expect(await rig.query("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1")).to.deep.equal(before);
    expect(await rig.query(rights)).to.deep.equal(held);
    const lock = "SELECT has_function_privilege('bot_refstrat01', 'pg_catalog.pg_advisory_lock(bigint)', 'EXECUTE') AS lock, has_table_privilege('gui', 'trading.fills', 'SELECT') AS read";
    expect(await rig.query(lock)).to.deep.equal([{ lock: false, read: true }]);
    await addCandles("2026-01-01Z", 1);
    await rig.migrate();

    await rig.tool("unswap-database", { database: "trading", id: "four" });
    expect(await candles()).to.equal(0);
    await rig.tool("restore-database", { database: "trading", repository, to: { kind: "point", id: first.id } });
    await rig.tool("swap-database", { database: "trading", id: "five" });
    expect(await rig.tool("discard-database", { database: "trading", id: "five" })).to.include({ discarded: true });
    const names = await rig.query<{ name: string }>("SELECT datname AS name FROM pg_database WHERE datallowconn ORDER BY 1");
    expect(names.map(({ name }) => name)).to.deep.equal(["mlflow", "postgres", "template1", "trading"]);
    expect(await candles()).to.equal(5000);
  });

  it("dumps both databases and the roles, each whole", async () => {
    const dump = await rig.call<{ contents: Record<string, string>; bytes: number; databases: RecoveryPoint["databases"] }>("takeDump", "20260101T010000Z");
    expect(Object.keys(dump.contents)).to.deep.equal(["trading.dump", "mlflow.dump", "roles.sql"]);
    expect(dump.databases.trading.tables.find(({ name }) => name === "candles")!.rows).to.equal(5000);
    const sums = await rig.inVolume("backups", "cd scratch/dump-20260101T010000Z && sha256sum trading.dump mlflow.dump roles.sql");
    expect(sums.split("\n").map((line) => line.slice(0, 64))).to.deep.equal(Object.values(dump.contents));
    expect(await rig.inVolume("backups", "cat scratch/dump-20260101T010000Z/roles.sql; rm -r scratch")).to.contain("CREATE ROLE trading_owner;");
  });

  for (const [what, call] of [["counts for a manifest", "takePoint"], ["dumps", "takeDump"]] as const) {
    it(`${what} with what processor time nobody else wants`, async () => {
      await rig.query("CREATE TABLE public.many AS SELECT n, md5(n::text) AS text FROM generate_series(1, 3000000) AS n");
      try {
        // From inside: a session that counts is over soon.
        const look = "until for each in /proc/[0-9]*; do chrt --pid ${each#/proc/}; done 2>/dev/null | grep -q SCHED_IDLE; do sleep 0.02; done";
        const seen = execute("docker", ["exec", rig.name("timescaledb"), "timeout", "60", "sh", "-c", look]);
        await rig.call(call, nextId());
        expect((await seen).code).to.equal(0);
      } finally {
        await rig.query("DROP TABLE public.many");
      }
    });
  }

  it("counts large tables piece by piece, every row once", async () => {
    const row = "timestamptz '2024-01-01Z' + i * interval '1 minute', repeat(md5(i::text), 30) FROM generate_series(1, 30000) AS i";
    const each = (name: string) => `INSERT INTO large.${name} SELECT ${row}; DELETE FROM large.${name} WHERE extract(minute FROM at) = 7`;
    await rig.query(`CREATE SCHEMA large;
      CREATE TABLE large.plain (at timestamptz PRIMARY KEY, words text);
      CREATE TABLE large.hypertable (LIKE large.plain INCLUDING ALL);
      SELECT public.create_hypertable('large.hypertable', public.by_range('at', interval '3 days'));
      CREATE TABLE large.partitioned (LIKE large.plain INCLUDING ALL) PARTITION BY RANGE (at);
      CREATE TABLE large.small PARTITION OF large.partitioned FOR VALUES FROM ('2024-01-01Z') TO ('2024-01-02Z');
      CREATE TABLE large.rest PARTITION OF large.partitioned DEFAULT`);
    try {
      for (const name of ["plain", "hypertable", "partitioned"]) await rig.query(each(name));
      await rig.query("INSERT INTO large.plain VALUES ('infinity', 'never')");
      const { tables } = await rig.call<DatabaseContent>("content", "trading");
      const newest = "2024-01-21T20:00:00.000000Z";
      expect(tables.filter(({ schema }) => schema === "large").map(({ name, rows, newest: of }) => [name, rows, of])).to.deep.equal([
        ["hypertable", 29_500, newest],
        ["partitioned", 29_500, newest],
        ["plain", 29_501, newest],
      ]);
    } finally {
      await rig.query("DROP SCHEMA large CASCADE");
    }
  });

  it("names who keeps it from an exact moment, and leaves no lock", async () => {
    const client = await rig.connect();
    await client.query("SET application_name = 'a long job'");
    await client.query("BEGIN");
    await client.query("UPDATE candles SET volume = volume WHERE open_time = '2024-01-01Z'");
    const failed = await rig.call("markMoment", { name: "never", patience: 1500 }).catch((error: Error) => error.message);
    expect(failed).to.match(/a transaction kept writing for 1\.5 s.*a long job of postgres in trading/);
    await client.query("COMMIT");
    expect(await rig.call<{ segment: string }>("markMoment", { name: "now", patience: 5000 })).to.have.property("segment");
    await client.end();
  });

  it("makes nothing of a backup that was killed in the middle, and goes on after it", async () => {
    const before = await rig.call<RepositoryInfo>("repositoryInfo");
    const unfinished = `find ${repository}/backup/trading -mindepth 1 -maxdepth 1 -name '*F*' -type d -exec test ! -e {}/backup.manifest \\; -print`;
    await killInTheMiddle(`[ -n "$(${unfinished})" ]`, rig.attemptCall("point", "20260101T020000Z", toBeKilled));
    expect((await rig.call<RepositoryInfo>("repositoryInfo")).backups).to.deep.equal(before.backups);
    await rig.call("verifyRepository");
    await takePoint();
    expect(await rig.execute("timescaledb", "sh", "-c", unfinished)).to.equal("");
    await rig.call("verifyRepository");
  });

  it("does not take a wrong key for an empty repository", async () => {
    await rig.fill("secrets-wrong", "10002:10002", { "pgbackrest.conf": `[global]\nrepo1-path=${repository}\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=${"x".repeat(20)}\nlock-path=/tmp/pgbackrest\nlog-level-file=off\nlog-level-stderr=warn\n[trading]\npg1-path=/var/lib/postgresql/data/17\n` });
    const wrong = { without: ["/secrets"], arguments: ["--volume", `${rig.name("secrets-wrong")}:/secrets:ro`] };
    for (const name of ["takePoint", "verifyRepository", "archiveState", "restorableLog"]) {
      const argument = name === "restorableLog" ? repository : "20260101T020000Z";
      expect(await rig.call(name, argument, wrong).catch((error: Error) => error.message), name).to.match(/made with another key|No usable backup\.info/);
    }
    expect(await rig.call("restorableLog", repository, { without: ["/backups"] }).catch((error: Error) => error.message)).to.match(/is its volume mounted/);
  });

  it("raises the alarm over another database, and goes on with it only when told", async () => {
    const mine = await takePoint();
    await rig.discard("timescaledb");
    await rig.inVolume("data", "rm -rf 17 superuser-password.sha256");
    await rig.startDatabase();
    await rig.migrate();
    const refused = await rig.call("takePoint", "20260101T030000Z").catch((error: Error) => error.message);
    expect(refused).to.match(/the backup belongs to another database .*Nothing was overwritten/);
    await rig.tool("adopt-database", {});
    const other = await takePoint();
    expect(other.physical!.type).to.equal("full");
    const restored = await restore({ kind: "point", id: mine.id });
    expect(failedChecks(restored)).to.deep.equal([]);
    expect(await candles()).to.equal(0);
  });

  it("removes full backups beyond those that are wanted", async () => {
    const before = await rig.call<RepositoryInfo>("repositoryInfo");
    expect(before.backups.filter(({ type }) => type === "full").length).to.be.greaterThan(1);
    await rig.call("expire", 1);
    const after = await rig.call<RepositoryInfo>("repositoryInfo");
    expect(after.backups.filter(({ type }) => type === "full").map(({ label }) => label)).to.deep.equal([before.backups.filter(({ type }) => type === "full").at(-1)!.label]);
  });

  it("misses log that a backup needs", async () => {
    const { backups } = await rig.call<RepositoryInfo>("repositoryInfo");
    const [file] = await files(`${backups.at(-1)!.stop}-*`);
    await rig.inVolume("backups", `mv ${file} aside`);
    expect(await rig.call("verifyRepository").catch((error: Error) => error.message)).to.contain(`the archive lacks ${backups.at(-1)!.stop} for ${backups.at(-1)!.label}`);
    await rig.inVolume("backups", `mv aside ${file}`);
    await rig.call("verifyRepository");
  });

  it("finds a flipped byte in the repository, which pgBackRest does not tell by its exit code", async () => {
    const [file] = (await files("*.zst")).filter((name) => name.includes("/archive/")).slice(-1);
    await rig.inVolume("backups", `size=$(stat -c %s ${file}); printf '\\377\\376\\375' | dd of=${file} bs=1 seek=$((size / 2)) conv=notrunc status=none`);
    expect(await rig.call("verifyRepository").catch((error: Error) => error.message)).to.match(/the repository of the database's backup is damaged: .*checksum invalid: 1/);
  });
});
