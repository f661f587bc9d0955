import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { recoveryKey } from "../../../config/backupSecrets";
import { bringIn, demandMergeable, folderFacts, isThere, setStateAside, type FolderFacts } from "../../../operations/backup/recoverFolder";
import type { Tools } from "../../../operations/backup/tools";
import { placeOf, recoverCommand } from "../../../operations/commands/recover";
import { outcomeOf } from "./oneCommand";
import { container, FakeEngine, makeClone, trading } from "./support";

const KEY = "0123456789abcdef".repeat(4);
const OTHER = "f".repeat(64);
const recovered: FolderFacts = { owner: "o1", passphrase: "p1", keys: { paper: KEY, live: OTHER } };
const nothing: FolderFacts = { owner: undefined, passphrase: undefined, keys: {} };

describe("recover", () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-recover-"))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));
  const write = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
  };
  const read = (file: string) => fs.readFileSync(path.join(folder, file), "utf8");

  for (const [name, there, allowed] of [
    ["nothing", nothing, true],
    ["what a first npm start makes, without a key of the stack", { owner: "o2", passphrase: "p2", keys: {} }, true],
    ["the same stack with the same key", { owner: "o1", passphrase: "p1", keys: { paper: KEY } }, true],
    ["another stack with the same passphrase and owner", { owner: "o1", passphrase: "p1", keys: { live: OTHER } }, true],
    ["another stack with a passphrase of its own", { owner: "o1", passphrase: "p2", keys: { live: OTHER } }, /belongs to other stacks \(live\) with a passphrase or an owner of its own/],
    ["another key of the stack", { owner: "o1", passphrase: "p1", keys: { paper: OTHER } }, /stacks\/paper\/key is there and is another one: .*\(rename it\)/],
  ] as const) {
    it(`${allowed === true ? "brings the folder beside" : "leaves"} ${name}`, () => {
      const merge = () => demandMergeable("paper", recovered, there, recoveryKey(KEY));
      if (allowed === true) merge();
      else expect(merge).to.throw(allowed);
    });
  }

  it("refuses a second copy of another stack", () => {
    expect(() => demandMergeable("paper", recovered, nothing, recoveryKey(OTHER))).to.throw("its key does not belong to the recovery key");
    expect(() => demandMergeable("third", recovered, nothing, recoveryKey(KEY))).to.throw("holds no key of stack third; it holds: paper, live");
  });

  it("brings the stack's own files in, and Pulumi's state only for reading", () => {
    for (const [file, text] of [
      ["recovered/owner", "o1"],
      ["recovered/passphrase", "p1"],
      ["recovered/stacks/paper/key", KEY],
      ["recovered/stacks/paper/desired.json", "{}"],
      ["recovered/stacks/paper/restore.json", "{}"],
      ["recovered/stacks/paper/desired.json.lock", "{}"],
      ["recovered/stacks/live/key", OTHER],
      ["recovered/state/.pulumi/stacks/trading/paper.json", "state"],
    ] as const) {
      write(file, text);
    }
    bringIn(path.join(folder, "recovered"), path.join(folder, "clone"), "paper");
    expect(folderFacts(path.join(folder, "clone"))).to.deep.equal({ owner: "o1", passphrase: "p1", keys: { paper: KEY } });
    expect(fs.readdirSync(path.join(folder, "clone", "stacks", "paper")).sort()).to.deep.equal(["desired.json", "key", "state-before-recovery.json"]);
    expect(fs.readdirSync(path.join(folder, "clone", "state"))).to.deep.equal([]);
    expect(isThere("paper", folderFacts(path.join(folder, "clone")), recoveryKey(KEY))).to.equal(true);
    expect(isThere("paper", folderFacts(path.join(folder, "clone")), recoveryKey(OTHER))).to.equal(false);
  });

  it("takes the state of the machine that is gone aside", () => {
    write("stacks/paper/key", KEY);
    write("state/.pulumi/stacks/trading/paper.json", "state");
    write("state/.pulumi/stacks/trading/live.json", "other");
    setStateAside(folder, "paper");
    setStateAside(folder, "paper");
    expect(read("stacks/paper/state-before-recovery.json")).to.equal("state");
    expect(fs.readdirSync(path.join(folder, "state/.pulumi/stacks/trading"))).to.deep.equal(["live.json"]);
  });

  it("hands user and password of a server on, and takes none on the command line", () => {
    write("login", "me:p@ss:word\n");
    expect(placeOf({ from: "rest:https://backup.example:8000/trading", loginFile: path.join(folder, "login") })).to.deep.equal({
      secondCopy: { kind: "rest" },
      address: "rest:https://me:p%40ss%3Aword@backup.example:8000/trading",
    });
    expect(placeOf({ from: folder })).to.deep.equal({ secondCopy: { kind: "path", path: folder }, address: "/second-copy" });
    expect(() => placeOf({ from: "rest:https://me:secret@backup.example/" })).to.throw(/^--from holds a user or a password/);
    expect(() => placeOf({ from: "rest:nonsense" })).to.throw("allowed: rest: and an address");
    expect(() => placeOf({ from: path.join(folder, "none") })).to.throw("no such folder");
    expect(() => placeOf({ from: folder, loginFile: "x" })).to.throw("--login-file goes with --from rest:URL");
  });

  describe("recovery-key", () => {
    let root: string;
    beforeEach(() => {
      root = makeClone();
      fs.writeFileSync(path.join(root, ".trading", "stacks", "paper", "key"), KEY);
    });
    afterEach(() => fs.rmSync(root, { recursive: true }));

    it("writes the key into a new file that only its owner can read", async () => {
      const file = path.join(folder, "key");
      const told = await trading(root, ["recovery-key", "--out", file]);
      expect([told.exitCode, told.error]).to.deep.equal([0, ""]);
      expect(told.out).to.contain(`Written to ${file}`).and.to.contain("npx trading recover --from PATH --key-file FILE --stack paper").and.not.to.contain(recoveryKey(KEY));
      expect(read("key")).to.equal(`${recoveryKey(KEY)}\n`);
      if (process.platform !== "win32") expect(fs.statSync(file).mode & 0o777).to.equal(0o600);
      const again = await trading(root, ["recovery-key", "--out", file]);
      expect([again.exitCode, again.error]).to.deep.equal([2, `error: ${file} is there already and was left as it is: name a new file\n`]);
    });

    it("prints it only where it is asked to, or somebody looks", async () => {
      const silent = await trading(root, ["recovery-key"]);
      expect([silent.exitCode, silent.out]).to.deep.equal([2, ""]);
      expect(silent.error).to.match(/^error: the key would go into a log or a file by accident/);
      expect((await trading(root, ["recovery-key", "--print"])).out.split("\n")[0]).to.equal(recoveryKey(KEY));
    });

    it("does not write into the repository", async () => {
      for (const file of [path.join(root, "key"), path.join(root, ".trading", "key")]) {
        const told = await trading(root, ["recovery-key", "--out", file]);
        expect(told.exitCode).to.equal(2);
        expect(told.error).to.contain("lies in the repository");
        expect(fs.existsSync(file)).to.equal(false);
      }
      expect((await trading(root, ["recovery-key", "--out", path.join(folder, "none", "key")])).error).to.contain("there is no folder");
    });

    it("says what is missing where there is no key", async () => {
      const told = await trading(root, ["recovery-key", "--print", "--stack", "live"]);
      expect(told.exitCode).to.equal(1);
      expect(told.error).to.contain("stacks/live/key is missing");
    });
  });

  it("ends what a run that was killed left working, before anything else is looked at", async () => {
    const root = makeClone();
    write("key", `${"k".repeat(43)}\n`);
    const done: string[] = [];
    const tools: Tools = { run: () => Promise.reject(new Error("not asked for")), hold: () => Promise.reject(new Error("not asked for")), endLeftOvers: async (stack) => void done.push(stack) };
    const engine = new FakeEngine([container("timescaledb")]);
    engine.meanwhile = (call) => void done.push(call);
    const error = await outcomeOf((context, wrap) => recoverCommand(context, wrap, tools), ["--from", folder, "--key-file", path.join(folder, "key")], { root, engine: () => engine, say: () => undefined }).catch((reason: Error) => reason);
    fs.rmSync(root, { recursive: true });
    expect((error as Error).message).to.contain("has containers on this machine (trading-paper-timescaledb)");
    expect(done).to.deep.equal(["paper", "list"]);
  });

  for (const [name, argv, message] of [
    ["there is no key file", ["--from", ".", "--key-file", "/nowhere/key"], /--key-file \/nowhere\/key: no such file/],
    ["the key is none", ["--from", ".", "--key-file", "KEY"], /--key-file .*: allowed: a recovery key of 43 letters/],
    ["nothing says where the copy is", ["--key-file", "KEY"], /required option '--from <place>' not specified/],
  ] as const) {
    it(`is refused when ${name}`, async () => {
      const root = makeClone();
      write("key", "short\n");
      const told = await trading(root, ["recover", ...argv.map((word) => (word === "KEY" ? path.join(folder, "key") : word))]);
      fs.rmSync(root, { recursive: true });
      expect(told.exitCode).to.equal(2);
      expect(told.error).to.match(message);
    });
  }
});
