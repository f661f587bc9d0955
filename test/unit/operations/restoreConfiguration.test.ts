import { expect } from "chai";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { makeClone, PAPER_FILE, trading } from "./support";

/** A repository with two releases, and in place of the Pulumi CLI a program that says what it was asked. */
describe("restore --only config", function () {
  this.timeout(30_000);
  let root: string;
  const git = (...words: string[]) => execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false", ...words], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const file = (name: string) => path.join(root, name);
  const write = (name: string, text: string) => {
    fs.mkdirSync(path.dirname(file(name)), { recursive: true });
    fs.writeFileSync(file(name), text);
  };
  const read = (name: string) => fs.readFileSync(file(name), "utf8");

  /** @param code what the CLI's stand-in ends with */
  function standIn(code: number): void {
    const program = `#!${process.execPath}\nconst fs = require("fs"); const words = process.argv.slice(2);\nconst at = words.indexOf("--config-file");\nprocess.stdout.write("ASKED " + words.slice(0, at).join(" ") + "\\n" + fs.readFileSync(words[at + 1], "utf8"));\nprocess.exit(${code});\n`;
    write(".tools/bin/pulumi", program);
    fs.chmodSync(file(".tools/bin/pulumi"), 0o755);
  }

  before(function () {
    // The stand-in is a script, which only a shell could run there.
    if (process.platform === "win32") this.skip();
  });
  beforeEach(() => {
    root = makeClone();
    standIn(0);
    write(".gitignore", ".trading/\n.tools/\n");
    write("runbooks/Start.md", "old\n");
    git("init", "--quiet", "--initial-branch", "main");
    git("add", "--all");
    git("commit", "--quiet", "--message", "old");
    git("tag", "stable/paper/1");
    write("Pulumi.paper.yaml", `encryptionsalt: v1:salt\n${PAPER_FILE.replace("8400", "8440")}`);
    write("runbooks/Start.md", "new\n");
    write("runbooks/Added.md", "added\n");
    git("add", "--all");
    git("commit", "--quiet", "--message", "new");
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  const restore = (...words: string[]) => trading(root, ["restore", "--only", "config", ...words]);
  const untouched = () => {
    expect(read("runbooks/Start.md")).to.equal("new\n");
    expect(read("Pulumi.paper.yaml")).to.contain("8440");
    expect(git("status", "--porcelain")).to.equal("");
  };

  it("takes back what the newest stable release had, after showing it and what the stack would do", async () => {
    const told = await restore("--confirm", "paper");
    expect(told.exitCode, told.error).to.equal(0);
    expect(told.error).to.contain("-  trading:portBase: 8440").and.to.contain("+  trading:portBase: 8400").and.to.contain("ASKED preview --policy-pack policy --stack paper\nencryptionsalt: v1:salt\nconfig:");
    expect(read("Pulumi.paper.yaml")).to.equal(`encryptionsalt: v1:salt\n${PAPER_FILE}`);
    expect(read("runbooks/Start.md")).to.equal("old\n");
    expect(read("runbooks/Added.md")).to.equal("added\n");
    expect(told.out).to.match(/^Taken from stable\/paper\/1 \([0-9a-f]{12}\): Pulumi\.paper\.yaml, runbooks\. /).and.to.contain("npm run pulumi -- up --stack paper");
  });

  it("writes into CHANGELOG.md what it changes in sizing and strategy", async () => {
    write("Pulumi.paper.yaml", PAPER_FILE.replace("orderQuantity: 1", "orderQuantity: 2"));
    git("commit", "--quiet", "--all", "--message", "bigger");
    const told = await restore("--confirm", "paper");
    expect(told.exitCode, told.error).to.equal(0);
    expect(read("CHANGELOG.md")).to.include("- **paper**: configuration taken back from stable/paper/1\n  - bot refstrat01: largest order 2 → 1 (limits.orderQuantity)\n");
    expect(told.out).to.include('\n  git add CHANGELOG.md\n  git commit -m "Configuration of stack paper as of stable/paper/1" -- Pulumi.paper.yaml runbooks CHANGELOG.md\n');
  });

  it("has nothing to do where everything is as it was", async () => {
    const told = await restore("--release", "HEAD");
    expect([told.exitCode, told.error]).to.deep.equal([0, ""]);
    expect(told.out).to.match(/nothing to restore\.\n$/);
  });

  for (const [name, prepare, argv, exitCode, message] of [
    ["nobody can be asked", () => undefined, [], 2, /nobody can be asked here: add --confirm paper; nothing was changed/],
    ["there is no such commit", () => undefined, ["--release", "nothing"], 2, /--release "nothing" is no tag or commit/],
    ["an option is put in its place", () => undefined, ["--release", "--output=x"], 2, /--release "--output=x" is no tag or commit/],
    ["no release is stable", () => git("tag", "--delete", "stable/paper/1"), ["--confirm", "paper"], 2, /stack paper has no stable release \(no tag stable\/paper\/\*\); npx trading releases --stack paper says what each waits for\. Name a tag or commit of .* with --release, or mark one by hand: git tag stable\/paper\/NAME COMMIT; nothing was changed/],
    ["the stack would not come up", () => standIn(255), ["--confirm", "paper"], 1, /the stack would not come up with this configuration:\nASKED preview/],
    ["options of the data come with it", () => undefined, ["--to", "latest"], 2, /configuration comes from Git/],
  ] as const) {
    it(`changes nothing when ${name}`, async () => {
      prepare();
      const told = await restore(...argv);
      expect(told.error).to.match(message);
      expect(told.exitCode).to.equal(exitCode);
      untouched();
    });
  }

  it("does not write over what is in no commit", async () => {
    write("runbooks/Start.md", "mine\n");
    const told = await restore("--confirm", "paper");
    expect(told.exitCode).to.equal(1);
    expect(told.error).to.match(/these files have changes that are in no commit, and would be lost:\n M runbooks\/Start\.md/);
    expect(read("runbooks/Start.md")).to.equal("mine\n");
  });
});
