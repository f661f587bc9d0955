import { expect } from "chai";
import { losses, rowDifferences } from "../../../operations/backup/losses";
import { progressWriter } from "../../../operations/backup/progressText";
import { withSalt } from "../../../operations/backup/restoreConfiguration";
import { parseRevisions } from "../../../operations/backup/restoreHost";
import { neededBytes, schemaProblems, size } from "../../../operations/backup/restorePlan";
import { chooseTarget, parseTo, type Restorable } from "../../../operations/backup/restoreTarget";
import { parseCounts } from "../../../operations/backup/serverContent";
import { toolArguments, type ToolSite } from "../../../operations/backup/toolContainer";
import { LineReader, toolMessage } from "../../../operations/backup/toolMessages";
import { databaseContent, recoveryPoint } from "./restoreWorld";

const at = (id: string, snapshotAt: string, more = {}) => recoveryPoint({ id, snapshotAt, ...more });
const artifacts = (letter: string) => ({ snapshot: letter.repeat(64), files: 1, bytes: 10, references: { checked: 0, missing: [] } });

describe("choosing what is restored", () => {
  const points = [
    at("20240301T060000Z", "2024-03-01T06:00:05.123456Z", { artifacts: artifacts("a") }),
    at("20240301T120000Z", "2024-03-01T12:00:05.000Z", { artifacts: artifacts("b") }),
    at("20240301T020000Z", "2024-03-01T02:00:05.5Z", { kind: "dump", physical: null, artifacts: null, dump: { snapshot: "d".repeat(64), files: 3, bytes: 9, contents: {} } }),
  ];
  const all: Restorable = { points, log: { from: "2024-03-01T05:00:00Z", to: "2024-03-01T13:00:00.000Z" } };
  const chosen = (to: string, restorable = all) => {
    const { base, exact, at: moment, artifacts: stored } = chooseTarget(parseTo(to), restorable);
    return [base.id, exact, moment, stored?.snapshot[0] ?? null];
  };

  for (const [to, base, exact, moment, stored] of [
    ["latest", "20240301T120000Z", false, "2024-03-01T13:00:00.000Z", "b"],
    ["20240301T060000Z", "20240301T060000Z", true, "2024-03-01T06:00:05.123456Z", "a"],
    ["2024-03-01T08:00:00Z", "20240301T060000Z", false, "2024-03-01T08:00:00.000Z", "b"],
    ["2024-03-01 09:00:00+01:00", "20240301T060000Z", false, "2024-03-01T08:00:00.000Z", "b"],
    ["2024-03-01T12:30:00Z", "20240301T120000Z", false, "2024-03-01T12:30:00.000Z", "b"],
    ["2024-03-01T06:00:05.123456Z", "20240301T060000Z", false, "2024-03-01T06:00:05.123456Z", "a"],
    ["2024-03-01T05:30:00Z", "20240301T060000Z", false, "2024-03-01T05:30:00.000Z", "a"],
  ] as const) {
    it(`takes ${base} for ${to}`, () => expect(chosen(to)).to.deep.equal([base, exact, moment, stored]));
  }

  it("takes the newest point where nothing newer is in the log", () => {
    expect(chosen("latest", { ...all, log: null })).to.deep.equal(["20240301T120000Z", false, "2024-03-01T12:00:05.000Z", "b"]);
  });

  it("leaves artifacts alone where none were ever stored", () => {
    expect(chosen("latest", { ...all, points: [at("20240301T060000Z", "2024-03-01T06:00:05Z", { artifacts: null })] })[3]).to.equal(null);
  });

  it("says how a dump is restored", () => {
    expect(() => chosen("20240301T020000Z")).to.throw("is a dump, which is restored by hand (runbooks/Restore_By_Hand.md); the same moment with this command: --to 2024-03-01T02:00:05.5Z");
  });

  it("takes no moment that is not in the log", () => {
    expect(() => chosen("2024-03-01T04:00:00Z", { ...all, log: null })).to.throw("no log is archived");
    expect(() => chosen("2024-03-01T04:00:00Z")).to.throw("allowed: a time from 2024-03-01T05:00:00Z to 2024-03-01T13:00:00.000Z");
  });

  for (const wrong of ["", "now", "2024-03-01", "2024-03-01T10:00:00", "2024-13-01T10:00:00Z", "20240301T060000", "latest "]) {
    it(`takes no "${wrong}"`, () => expect(() => parseTo(wrong)).to.throw(/^--to is ".*"; allowed: latest, a backup's id .* 2026-11-21T14:30:00Z$/));
  }
});

describe("what a restore would lose", () => {
  it("lists tables with other numbers of rows, new ones, and newer rows", () => {
    const now = {
      trading: {
        "trading.fills": { rows: 5, newest: "n", newer: 2 },
        "trading.orders": { rows: 3, newest: null, newer: 0 },
        "trading.fresh": { rows: 1, newest: null, newer: null },
        "trading.empty": { rows: 0, newest: null, newer: null },
        "trading.moved": { rows: 4, newest: "n", newer: 1 },
      },
    };
    const found = losses(now, { trading: databaseContent({ fills: 3, orders: 3, moved: 4 }) });
    expect(found.map(({ table, rows, rowsThen }) => [table, rows, rowsThen])).to.deep.equal([
      ["trading.fills", 5, 3],
      ["trading.fresh", 1, null],
      ["trading.moved", 4, 4],
    ]);
  });

  it("names each table that does not hold what was restored", () => {
    expect(rowDifferences({ trading: { a: 1, b: 2, c: 3 } }, { trading: { a: 1, b: 1, other: 9 } })).to.deep.equal(["trading: b has 1 rows, restored were 2", "trading: c is missing, restored were 3"]);
    expect(rowDifferences({ mlflow: { a: 0 } }, {})).to.deep.equal(["mlflow: a is missing, restored were 0"]);
  });

  it("reads what psql printed", () => {
    expect(parseCounts("trading.fills|3|2024-03-01T05:00:00.000000Z|1\n\npublic.runs|0||\n")).to.deep.equal({
      "trading.fills": { rows: 3, newest: "2024-03-01T05:00:00.000000Z", newer: 1 },
      "public.runs": { rows: 0, newest: null, newer: null },
    });
  });

  it("reads the revisions of MLflow's migrations as they are written", () => {
    expect(parseRevisions(`revision = "451aebb31d03"\nrevision: str = 'bd07f7e963c5'\nrevision_of = "x"\n`)).to.deep.equal(["451aebb31d03", "bd07f7e963c5"]);
  });

  it("asks for room for old and new at the same time", () => {
    const target = { base: recoveryPoint({ databaseBytes: 1e9 }), artifacts: { point: "p", snapshot: "s", at: "", bytes: 5e8 } };
    expect(neededBytes("all", target)).to.equal(1.2e9 + 512 * 1024 * 1024 + 5e8);
    expect(neededBytes("db", target)).to.equal(2.4e9 + 512 * 1024 * 1024);
    expect([0, 999, 1000, 54_321, 123_456_789, 5e15].map(size)).to.deep.equal(["0 B", "999 B", "1.0 kB", "54.3 kB", "123 MB", "5000 TB"]);
  });
});

describe("schemas of a backup", () => {
  const known = { trading: ["0001_first", "0002_known"], mlflow: ["abc", "def"] };
  for (const [name, schemas, more, problems] of [
    ["are known", { tradingSchema: "0001_first", mlflowSchema: "def" }, {}, []],
    ["are none before anything was made", { tradingSchema: "none", mlflowSchema: null }, {}, []],
    ["are newer in the trading database", { tradingSchema: "0003_new", mlflowSchema: "abc" }, {}, [/^the backup's schema 0003_new is newer than this project's \(0002_known\): check out .* npm run pulumi -- up --stack paper first$/]],
    ["are newer in MLflow's database", { tradingSchema: null, mlflowSchema: "xyz" }, {}, [/^the backup's revision xyz of MLflow's database is newer than this stack's MLflow, which would not start on it: check out /]],
    ["have a second head that MLflow does not know", { tradingSchema: null, mlflowSchema: "abc,xyz" }, {}, [/revision xyz /]],
    ["cannot be held against an MLflow that is not there", { tradingSchema: null, mlflowSchema: "xyz" }, { mlflow: null }, []],
  ] as const) {
    it(name, () => {
      const found = schemaProblems(schemas, { ...known, ...more }, "paper");
      expect(found).to.have.length(problems.length);
      problems.forEach((problem, index) => expect(found[index]).to.match(problem));
    });
  }
});

describe("the container of a tool", () => {
  const site: ToolSite = { stack: "paper", backupsOf: "paper", owner: "c1", image: "sha256:b", mode: "paper", secondCopy: { kind: "path", path: "D:\\my, \"backups\"" } };
  const mounts = (words: readonly string[]) => words.filter((_, index) => words[index - 1] === "--mount");

  it("runs without network, with a read-only root and the few rights it needs, and is named", () => {
    const words = toolArguments(site, "swap-cluster", { id: "x" }, false);
    expect(words.slice(0, 5)).to.deep.equal(["run", "--rm", "--interactive", "--init", "--name"]);
    expect(words[5]).to.equal("trading-paper-tool-swap-cluster");
    expect(words.join(" ")).to.contain("--label trading.owner=c1 --label trading.stack=paper").and.to.contain("--user 0 --read-only").and.to.contain("--cap-drop ALL --cap-add SETUID").and.to.contain("--network none");
    expect(words.slice(-4)).to.deep.equal(["sha256:b", "tool", "swap-cluster", '{"id":"x"}']);
  });

  it("mounts what a tool changes to be written, and everything else to be read", () => {
    expect(mounts(toolArguments(site, "restore-cluster", {}, false))).to.deep.equal([
      "type=volume,source=trading-paper-secrets-backup,target=/secrets,readonly",
      "type=volume,source=trading-paper-timescaledb-data,target=/data",
      "type=volume,source=trading-paper-restore-work,target=/scratch",
      "type=volume,source=trading-paper-backups,target=/backups,readonly",
    ]);
    expect(mounts(toolArguments({ ...site, backupsReadOnly: true }, "hold", {}, false))).to.include("type=volume,source=trading-paper-backups,target=/backups,readonly");
  });

  it("reads another stack's backups and writes its own data", () => {
    const words = mounts(toolArguments({ ...site, backupsOf: "other" }, "restore-artifacts", {}, false));
    expect(words).to.deep.equal([
      "type=volume,source=trading-other-secrets-backup,target=/secrets,readonly",
      "type=volume,source=trading-paper-mlflow-artifacts,target=/artifacts",
      "type=volume,source=trading-other-backups,target=/backups,readonly",
      "type=volume,source=trading-paper-restore-work,target=/scratch,readonly",
    ]);
  });

  it("mounts the folder of the second copy, whatever it is called, or has a network for its server", () => {
    const path = toolArguments(site, "fetch", {}, true);
    expect(mounts(path)).to.include('type=bind,"source=D:\\my, ""backups""",target=/second-copy,readonly');
    expect(path).to.include("none");
    const rest = toolArguments({ ...site, secondCopy: { kind: "rest" } }, "fetch", {}, true);
    expect(rest[rest.indexOf("--network") + 1]).to.equal("bridge");
    expect(() => toolArguments({ ...site, secondCopy: { kind: "none" } }, "fetch", {}, true)).to.throw("stack paper has no second copy");
  });

  it("has a network only for tools that read the second copy", () => {
    const words = toolArguments({ ...site, secondCopy: { kind: "rest" } }, "swap-artifacts", {}, true);
    expect(words[words.indexOf("--network") + 1]).to.equal("none");
  });
});

describe("what a tool says", () => {
  it("is read line by line, and what is none of its messages is left out", () => {
    const lines: string[] = [];
    const reader = new LineReader((line) => lines.push(line));
    for (const piece of ['{"kind":"held"}\r\n{"kind":"pro', 'gress","step":"a","text":"b","done":1,"total":2}\n\nnoise\n{"kind":"result","x":1}']) reader.add(piece);
    reader.end();
    expect(lines.map(toolMessage)).to.deep.equal([{ kind: "held" }, { kind: "progress", step: "a", text: "b", done: 1, total: 2 }, undefined, { kind: "result", x: 1 }]);
  });

  it("is told when a step begins, every ten per cent, and now and then", () => {
    let now = 0;
    let text = "";
    const write = progressWriter((line) => (text += line), () => now);
    for (let done = 0; done <= 100; done += 1) write({ kind: "progress", step: "fetch", text: "fetching", done, total: 100 });
    for (; now < 12_000; now += 1000) write({ kind: "progress", step: "verify", text: `table ${now}` });
    expect(text.split("\n").filter((line) => line.includes("%"))).to.have.length(11);
    expect(text).to.match(/ {3}0 % {2}fetching\n[^]* 100 % {2}fetching\n {8}table 0\n {8}table 5000\n {8}table 10000\n$/);
  });
});

describe("an old stack file", () => {
  for (const [name, old, now, expected] of [
    ["gets the salt of today", "config: {}\n", "encryptionsalt: v1:new\nconfig: {}\n", "encryptionsalt: v1:new\nconfig: {}\n"],
    ["gets it in place of an older one", "encryptionsalt: v1:$&old\nconfig: {}\n", "encryptionsalt: v1:$&new\n", "encryptionsalt: v1:$&new\nconfig: {}\n"],
    ["stays as it is where there is none", "config: {}\n", "config: {a: 1}\n", "config: {}\n"],
  ] as const) {
    it(name, () => expect(withSalt(old, now)).to.equal(expected));
  }
});
