import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { backupSecrets, demandSecondCopyFolder, recoveryKey } from "../../../config/backupSecrets";
import { parseStackConfiguration } from "../../../config/stackConfiguration";

const base = { portBase: 8400, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits: { orderQuantity: 1, orderNotional: 12_000 } }] };
const parse = (backup: unknown, mode = "paper") => parseStackConfiguration(mode, { ...base, mode, ...(backup === undefined ? {} : { backup }) }).backup;
const KEY = "5".repeat(64);

describe("the configuration of backups", () => {
  for (const mode of ["paper", "live"]) {
    it(`protects ${mode} where nothing is said`, () => {
      const backup = parse(undefined, mode);
      expect(backup).to.deep.include({ enabled: true, restoreTest: "monthly", secondCopy: { kind: "none" } });
      expect(backup.retention).to.deep.equal({ pointInTimeDays: 28, daily: 7, weekly: 5, monthly: 12 });
      expect(backup.alarms.restoreTestDays).to.equal(35);
    });
  }

  it("lets paper go without, and live never", () => {
    expect(parse({ enabled: false }).enabled).to.equal(false);
    expect(() => parse({ enabled: false }, "live")).to.throw(/trading:backup\.enabled = false: allowed: true/);
  });

  const wrong: [string, object, RegExp][] = [
    ["a key that does not exist", { schedules: {} }, /trading:backup\.schedules/],
    ["a pattern with a wrong field", { schedule: { point: "99 * * * *" } }, /trading:backup\.schedule\.point = "99 \* \* \* \*": .*minute.*allowed: a cron pattern of five fields in UTC/],
    ["a pattern with seconds", { schedule: { point: "0 10 * * * *" } }, /trading:backup\.schedule\.point .*five fields/],
    ["a pattern that never comes", { schedule: { dump: "0 0 30 2 *" } }, /trading:backup\.schedule\.dump = "0 0 30 2 \*": never comes; allowed/],
    ["a pattern that is a word", { schedule: { dump: "@daily" } }, /trading:backup\.schedule\.dump .*five fields/],
    ["no daily retention at all", { retention: { daily: 0 } }, /trading:backup\.retention\.daily = 0/],
    ["a second copy of no kind", { secondCopy: { kind: "s3" } }, /trading:backup\.secondCopy\.kind = "s3"/],
    ["a relative second copy", { secondCopy: { kind: "path", path: "backups" } }, /trading:backup\.secondCopy\.path = "backups": .*absolute path/],
    ["a share above one", { alarms: { fullShare: 1.5 } }, /trading:backup\.alarms\.fullShare = 1\.5/],
    ["a restore test that is too rare", { restoreTest: "yearly" }, /trading:backup\.restoreTest = "yearly"/],
  ];
  for (const [what, backup, message] of wrong) it(`refuses ${what}`, () => expect(() => parse(backup)).to.throw(message));
});

describe("the secrets of backups", () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "backup-secrets-"));
    fs.mkdirSync(path.join(root, ".trading", "stacks", "paper"), { recursive: true });
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));
  const write = (name: string, text: string) => fs.writeFileSync(path.join(root, ".trading", "stacks", "paper", name), text);
  const secrets = (backup: unknown) => backupSecrets(root, "paper", parse(backup), KEY);

  it("are a key of its own for each of the three repositories", () => {
    const { databaseKey, filesKey, recoveryKey: second, ...rest } = secrets(undefined);
    expect(new Set([databaseKey, filesKey, second]).size).to.equal(3);
    expect(second).to.equal(recoveryKey(KEY));
    expect(rest).to.deep.equal({ secondCopyAddress: undefined });
  });

  it("put the login into the address of a REST server, whatever characters it has", () => {
    write("second-copy-login", "owner:p@ss/wörd\n");
    expect(secrets({ secondCopy: { kind: "rest", address: "https://backup.example:8000/trading" } }).secondCopyAddress).to.equal("rest:https://owner:p%40ss%2Fw%C3%B6rd@backup.example:8000/trading");
  });

  const missing: [string, object, Record<string, string>, RegExp][] = [
    ["a REST server without a login", { secondCopy: { kind: "rest", address: "https://b.example" } }, {}, /second-copy-login is missing/],
    ["a login without a password", { secondCopy: { kind: "rest", address: "https://b.example" } }, { "second-copy-login": "owner" }, /second-copy-login does not hold user:password/],
  ];
  for (const [what, backup, files, message] of missing) {
    it(`refuse ${what}, and tell nothing of what it holds`, () => {
      for (const [name, text] of Object.entries(files)) write(name, text);
      expect(() => secrets(backup)).to.throw(message).with.property("message").that.does.not.include("hello");
    });
  }

  it("demand that the folder of the second copy is there, since Docker would make it on the wrong disk", () => {
    const there = { secondCopy: { kind: "path", path: root } };
    expect(() => demandSecondCopyFolder(parse(there))).not.to.throw();
    expect(() => demandSecondCopyFolder(parse({ secondCopy: { kind: "path", path: path.join(root, "absent") } }))).to.throw(/trading:backup\.secondCopy\.path = ".*absent": no such folder/);
  });
});
