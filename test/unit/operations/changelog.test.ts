import { expect } from "chai";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { writeStackFileChange } from "../../../operations/changelog/changelogFile";
import { makeClone, NOW, PAPER_FILE, trading } from "./support";

describe("changelog", function () {
  this.timeout(30_000);
  let root: string;
  const git = (...words: string[]) => execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", ...words], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  beforeEach(() => {
    root = makeClone();
    fs.writeFileSync(path.join(root, ".gitignore"), ".trading/\n");
    git("init", "--quiet", "--initial-branch", "main");
    git("add", "--all");
    git("commit", "--quiet", "--message", "first");
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));
  const smaller = PAPER_FILE.replace("{ name: refstrat01, limits: { orderQuantity: 1,", "{ name: refstrat01, limits: { orderQuantity: 0.5,");
  const change = (text: string) => fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), text);
  const read = () => fs.readFileSync(path.join(root, "CHANGELOG.md"), "utf8");
  const changelog = (...more: string[]) => trading(root, ["changelog", "--reason", "less risk over the holidays", ...more]);
  const lines = ["bot refstrat01: largest order 1 → 0.5 (limits.orderQuantity)", "bot refstrat01: largest position 1 → 0.5 (limits.positionQuantity)"];

  it("writes nothing where nothing of it has changed", async () => {
    change(PAPER_FILE.replace("8400", "8600"));
    expect(await changelog()).to.deep.include({ exitCode: 0, out: "Stack paper changes neither sizing nor strategy since the newest commit; nothing was written.\n", error: "" });
    expect(fs.existsSync(path.join(root, "CHANGELOG.md"))).to.equal(false);
  });

  it("writes what has changed, with day, stack and reason, and says how to commit it", async () => {
    change(smaller);
    const told = await changelog();
    expect(told).to.deep.include({ exitCode: 0, error: "" });
    expect(told.out).to.equal(
      [
        "Written into CHANGELOG.md, as changed since the newest commit:",
        ...lines.map((line) => `  ${line}`),
        "Commit it with the change:",
        "  git add Pulumi.paper.yaml CHANGELOG.md",
        '  git commit -m "Sizing and strategy of stack paper, as CHANGELOG.md says" -- Pulumi.paper.yaml CHANGELOG.md',
        "",
      ].join("\n"),
    );
    expect(read()).to.include(["## 2024-03-01", "", "### Changed", "", "- **paper**: less risk over the holidays", ...lines.map((line) => `  - ${line}`), ""].join("\n"));
    git("add", "Pulumi.paper.yaml", "CHANGELOG.md");
    git("commit", "--quiet", "-m", "x", "--", "Pulumi.paper.yaml", "CHANGELOG.md");
    expect(git("status", "--porcelain")).to.equal("");
  });

  it("adds nothing the second time, and only what is new the third", async () => {
    change(smaller);
    await changelog();
    const once = read();
    const again = await changelog("--json");
    expect(JSON.parse(again.out)).to.deep.equal({ stack: "paper", since: "the newest commit", changes: lines, written: [] });
    expect((await changelog()).out).to.equal("CHANGELOG.md names what stack paper changes since the newest commit already; nothing was written.\n");
    expect(read()).to.equal(once);
    change(smaller.replace("- { name: refstrat01,", "- { name: refstrat01, settings: { emaFast: 12 },"));
    expect(JSON.parse((await changelog("--json")).out)).to.deep.include({ written: ["bot refstrat01: setting emaFast 20 → 12 (settings.emaFast)"] });
    expect(read().match(/^- \*\*paper\*\*/gm)).to.have.length(2);
  });

  const wrong: [words: string[], error: RegExp][] = [
    [["changelog"], /^error: required option '--reason <text>' not specified\n$/],
    [["changelog", "--reason", ""], /^error: --reason has 0 characters; allowed: 1 to 2000\n$/],
    [["changelog", "--reason", "x", "--stack", "nope"], /^error: there is no stack "nope"/],
  ];
  for (const [words, error] of wrong) {
    it(`${words.join(" ")}: exit code 2, and nothing is written`, async () => {
      change(smaller);
      const told = await trading(root, words);
      expect(told.exitCode).to.equal(2);
      expect(told.error).to.match(error);
      expect(fs.existsSync(path.join(root, "CHANGELOG.md"))).to.equal(false);
    });
  }

  it("is written by a command of ours that changes the stack's file, and not where nothing of it changes or a file cannot be read", async () => {
    const write = (before: string, after: string) => writeStackFileChange(root, { stack: "paper", before, after, reason: "taken back", now: NOW });
    expect(await write(PAPER_FILE, PAPER_FILE.replace("8400", "8600"))).to.equal(false);
    expect(await write("config: [", smaller)).to.equal(false);
    expect(fs.existsSync(path.join(root, "CHANGELOG.md"))).to.equal(false);
    expect(await write(PAPER_FILE, smaller)).to.equal(true);
    expect(read()).to.include(`- **paper**: taken back\n  - ${lines[0]}\n`);
  });
});
