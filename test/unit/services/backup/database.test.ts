import { expect } from "chai";
import { decideBackup, type BackupFacts } from "../../../../services/backup/database/decideBackup";
import { complaints, missingTables } from "../../../../services/backup/database/dump";
import { parseInfo } from "../../../../services/backup/database/pgbackrest";
import { shareRestored } from "../../../../services/backup/database/recoverCluster";
import { withoutRecovery, withoutTarget } from "../../../../services/backup/database/recoverySettings";
import { restoreClusterRequest } from "../../../../services/backup/database/restoreCluster";
import { swapClusterRequest } from "../../../../services/backup/database/swapCluster";
import { missingLog, verifyProblem } from "../../../../services/backup/database/verifyRepository";
import { versionProblem } from "../../../../services/backup/database/versions";

const day = 86_400_000;
const now = Date.UTC(2026, 10, 21);

describe("which kind of backup is made", () => {
  const full = { label: "F", type: "full", full: "F", startedAt: now - day, stop: "000000010000000000000005", damaged: false, archiveId: "17-1" } as const;
  const incremental = { ...full, label: "F_I", type: "incr", startedAt: now - day / 2 } as const;
  const usual: BackupFacts = { backups: [full, incremental], archiveId: "17-1", timeline: "00000001", gapSinceNewest: false, now };
  const cases: { when: string; facts: Partial<BackupFacts>; type: "full" | "incr" }[] = [
    { when: "there is a full one from yesterday", facts: {}, type: "incr" },
    { when: "there is none", facts: { backups: [] }, type: "full" },
    { when: "the full one is seven days old", facts: { now: full.startedAt + 7 * day }, type: "full" },
    { when: "it is not quite seven days old", facts: { now: full.startedAt + 7 * day - 1 }, type: "incr" },
    { when: "log was lost", facts: { gapSinceNewest: true }, type: "full" },
    { when: "the database went on on a new timeline", facts: { timeline: "00000002" }, type: "full" },
    { when: "the database is another one", facts: { archiveId: "17-2" }, type: "full" },
    { when: "damaged pages were found", facts: { backups: [full, { ...incremental, damaged: true }] }, type: "full" },
    { when: "the full one has gone", facts: { backups: [incremental] }, type: "full" },
    { when: "the full one is from the future", facts: { now: full.startedAt - 1 }, type: "full" },
  ];
  for (const { when, facts, type } of cases) {
    it(`takes ${type} when ${when}`, () => {
      expect(decideBackup({ ...usual, ...facts }).type).to.equal(type);
    });
  }
});

describe("what pgBackRest says", () => {
  const good = "stanza: trading\nstatus: ok\n  archiveId: 17-1, total WAL checked: 3, total valid WAL: 3\n    missing: 0, checksum invalid: 0, size invalid: 0, other: 0\n  backup: 20261121-180058F, status: valid, total files checked: 988, total valid files: 988\n    missing: 0, checksum invalid: 0, size invalid: 0, other: 0\n";

  it("takes a repository for good only when it says so", () => {
    expect(verifyProblem(good)).to.equal(null);
    expect(verifyProblem("")).to.equal("it said nothing at all");
    expect(verifyProblem(good.replace("status: ok", "status: error"))).to.contain("status: error");
    expect(verifyProblem(good.replace("status: valid", "status: invalid"))).to.contain("status: invalid");
    expect(verifyProblem(good.replace(/checksum invalid: 0(?![^]*checksum)/, "checksum invalid: 1"))).to.contain("checksum invalid: 1");
    expect(verifyProblem("some new words")).to.equal("some new words");
    expect(verifyProblem(good.replace("status: ok", "status: ok\n  some new words"))).to.equal("some new words");
    expect(verifyProblem(good.replace("status: valid", "status: in-progress"))).to.equal(null);
  });

  it("misses log that a backup needs", () => {
    const name = (number: number) => `0000000100000000000000${number.toString(16).toUpperCase().padStart(2, "0")}`;
    const present = new Set([name(2), name(4)]);
    expect(missingLog({ start: name(2), stop: name(4) }, present)).to.deep.equal([name(3)]);
    expect(missingLog({ start: name(4), stop: name(4) }, present)).to.deep.equal([]);
  });

  it("keeps every digit of the system identifier, and knows what builds on what", () => {
    const backup = (label: string, type: string, prior: string | null) => ({
      ...{ label, type, prior, error: label.endsWith("I"), reference: null, archive: { start: "000000010000000000000002", stop: "000000010000000000000003" }, lsn: { start: "0/2000028", stop: "0/3000050" } },
      ...{ database: { id: 1 }, info: { size: 100, repository: { delta: 10 } }, timestamp: { start: 1_795_284_058, stop: 1_795_284_060 } },
    });
    const stanza = { name: "trading", status: { code: 0, message: "ok" }, db: [{ id: 1, "system-id": 0, version: "17" }], backup: [backup("20261121-180058F", "full", null), backup("20261121-180058F_20261121-180443I", "incr", "20261121-180058F")] };
    const info = parseInfo(JSON.stringify([stanza]).replace('"system-id":0', '"system-id":7486528936174829569'));
    expect(info.current).to.deep.equal({ systemIdentifier: "7486528936174829569", version: "17", archiveId: "17-1" });
    expect(info.backups.map(({ full, damaged, archiveId, stoppedAt }) => [full, damaged, archiveId, stoppedAt])).to.deep.equal([
      ["20261121-180058F", false, "17-1", 1_795_284_060_000],
      ["20261121-180058F", true, "17-1", 1_795_284_060_000],
    ]);
  });

  it("tells a repository that was not made yet from one that cannot be read", () => {
    const stanza = (code: number, message: string) => JSON.stringify([{ name: "trading", status: { code, message }, db: [], backup: [] }]);
    expect(parseInfo(stanza(1, "missing stanza path")).made).to.equal(false);
    expect(parseInfo("[]").made).to.equal(false);
    expect(() => parseInfo(stanza(99, "[CryptoError] unable to flush"))).to.throw("made with another key");
    const bare = `[{"name":"trading","status":{"code":99,"message":"other"},"repo":[{"status":{"message":"[FormatError] unable to load\nHINT: \u0001\u00ff"}}],"db":[],"backup":[]}]`;
    expect(() => parseInfo(bare)).to.throw("[FormatError] unable to load HINT: ");
    expect(() => parseInfo("")).to.throw();
  });

  it("reads how much of a backup is restored", () => {
    expect(shareRestored("2026-11-21 18:07:00.467 P02 DETAIL: restore file /data/17/base/1/1259 (112KB, 30.50%) checksum ab")).to.equal(0.305);
    expect(shareRestored("P00   INFO: restore backup set 20261121-180638F")).to.equal(null);
  });
});

describe("the settings of a restored database", () => {
  const text = "# Do not edit this file manually!\nwork_mem = '8MB'\n# Recovery settings generated by pgBackRest restore on 2026-11-21 18:05:00\nrestore_command = 'pgbackrest archive-get %f \"%p\"'\nrecovery_target_name = 'trading-1'\nrecovery_target_action = 'promote'\nrecovery_target_timeline = '1'\n";

  it("keep what the owner set and nothing of the recovery", () => {
    expect(withoutRecovery(text)).to.equal("# Do not edit this file manually!\nwork_mem = '8MB'\n");
  });

  it("lose only where the recovery ends when the log ends before it", () => {
    expect(withoutTarget(text)).to.contain("restore_command").and.to.contain("recovery_target_timeline").and.not.to.contain("recovery_target_name").and.not.to.contain("recovery_target_action");
  });
});

describe("what pg_dump says", () => {
  const known = ["pg_dump: warning: there are circular foreign-key constraints on this table:", "pg_dump: detail: hypertable", "pg_dump: hint: You might not be able to restore the dump without using --disable-triggers or temporarily dropping the constraints.", "pg_dump: hint: Consider using a full dump instead of a --data-only dump to avoid this problem."];

  it("is harmless only where it is known to be", () => {
    expect(complaints(`${known.join("\n")}\n`)).to.deep.equal([]);
    expect(complaints([...known, "pg_dump: detail: trades"].join("\n"))).to.deep.equal(["pg_dump: detail: trades"]);
    expect(complaints("pg_dump: warning: something new")).to.deep.equal(["pg_dump: warning: something new"]);
  });

  it("shows which tables a dump lacks", () => {
    const table = (name: string) => ({ schema: "trading", name, rows: 1, newest: null, hash: null });
    const list = ";\n3912; 0 17000 TABLE DATA trading fills trading_owner\n3913; 0 17001 TABLE DATA _timescaledb_internal _hyper_1_1_chunk trading_owner\n3914; 0 17002 TABLE DATA trading candles trading_owner\n3915; 0 17 TABLE trading trades trading_owner\n";
    const content = { tables: [table("fills"), table("candles"), table("trades")], hypertables: { "trading.candles": 2 }, indexes: 0, invalidIndexes: 0 };
    expect(missingTables(list, content)).to.deep.equal(["trading.trades", "1 of 2 chunks"]);
  });
});

describe("whether an image can restore", () => {
  const image = { postgres: "17.12", timescaledb: ["2.19.3"], tradingSchema: "0003_quality_and_limits" };
  const same = { postgres: "17.12", timescaledb: "2.19.3", tradingSchema: "0003_quality_and_limits" };
  const cases: { what: string; change: Partial<typeof same>; problem: string | null }[] = [
    { what: "what it made itself", change: {}, problem: null },
    { what: "what another release of the same PostgreSQL made", change: { postgres: "17.5" }, problem: null },
    { what: "an older schema", change: { tradingSchema: "0001_trading" }, problem: null },
    { what: "another PostgreSQL", change: { postgres: "16.9" }, problem: "PostgreSQL 16.9" },
    { what: "another TimescaleDB", change: { timescaledb: "2.18.0" }, problem: "TimescaleDB 2.18.0" },
    { what: "a newer schema", change: { tradingSchema: "0004_next" }, problem: "schema 0004_next" },
  ];
  for (const { what, change, problem } of cases) {
    it(`${problem === null ? "takes" : "refuses"} ${what}`, () => {
      const found = versionProblem({ ...same, ...change }, image);
      if (problem === null) expect(found).to.equal(null);
      else expect(found).to.contain(problem);
    });
  }
});

describe("requests to restore", () => {
  const request = { repository: "/backups/pgbackrest", target: "/data/17.restored", to: { kind: "latest" } };
  const refused: [string, object][] = [
    ["the cluster that is used", { target: "/data/17" }],
    ["a folder elsewhere", { target: "/data/../etc" }],
    ["another repository", { repository: "/tmp/x" }],
    ["a time that is none", { to: { kind: "time", time: "yesterday" } }],
    ["a point that is none", { to: { kind: "point", id: "../x" } }],
    ["a key that is unknown", { force: true }],
  ];

  it("are taken when they are right", () => {
    expect(restoreClusterRequest.safeParse(request).success).to.equal(true);
  });
  for (const [what, change] of refused) {
    it(`are refused with ${what}`, () => {
      expect(restoreClusterRequest.safeParse({ ...request, ...change }).success).to.equal(false);
    });
  }

  it("to swap name a restore that can be a part of a file's name", () => {
    expect(swapClusterRequest.safeParse({ id: "20261121T120000Z", restored: "/data/17.restored" }).success).to.equal(true);
    for (const id of ["", "../x", "a/b", "a b"]) expect(swapClusterRequest.safeParse({ id, restored: "/data/17.restored" }).success, id).to.equal(false);
  });
});
