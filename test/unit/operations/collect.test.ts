import { execFileSync } from "node:child_process";
import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { JOBS } from "../../../domain/backup/jobs";
import type { ToolSite } from "../../../operations/backup/toolContainer";
import type { Tools } from "../../../operations/backup/tools";
import { collectedText, collectFiles, commitReports, isCollectable } from "../../../operations/collect";
import { FakeEngine, healthyStack, makeClone, pageStatus, trading } from "./support";

const site: ToolSite = { stack: "paper", mode: "paper", owner: "c1", image: "sha256:1", backupsOf: "paper", secondCopy: { kind: "none" } };

/** An outbox in memory. */
class FakeOutbox {
  /** Runs before each action, for what happens meanwhile. */
  meanwhile: (action: string) => void = () => undefined;

  constructor(readonly files: Map<string, string>) {}

  readonly tools: Tools = {
    run: async (_site, tool, request) => {
      expect(tool).to.equal("outbox");
      const { action, path: name } = request as { action: string; path: string };
      this.meanwhile(action);
      if (action === "list") return { paths: [...this.files.keys()].sort() };
      if (action === "read") return { path: name, base64: Buffer.from(this.files.get(name)!).toString("base64") };
      this.files.delete(name);
      return { path: name };
    },
    hold: () => Promise.reject(new Error("not asked for")),
    endLeftOvers: () => Promise.reject(new Error("not asked for")),
  };
}

describe("collecting what containers made for the repository", () => {
  let root: string;
  const git = (...words: string[]) => execFileSync("git", ["-c", "user.name=Owner", "-c", "user.email=owner@example.com", ...words], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const write = (name: string, content: string) => {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), content);
  };
  const committed = () => git("ls-tree", "-r", "--name-only", "HEAD").trim().split("\n");
  /** The branch cannot be moved: its reference is locked. */
  const breakCommits = () => fs.writeFileSync(path.join(root, ".git", "refs", "heads", "main.lock"), "");
  const month = "reports/backups/2026-10-paper.md";
  let outbox: FakeOutbox;

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-collect-"));
    git("init", "--quiet", "--initial-branch=main");
    git("config", "user.name", "Owner");
    git("config", "user.email", "owner@example.com");
    write("README.md", "first\n");
    write("own.txt", "first\n");
    git("add", ".");
    git("commit", "--quiet", "--message", "first");
    outbox = new FakeOutbox(new Map([[month, "# Backups\n"]]));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  it("puts a report into a commit of its own, and leaves the owner's work as it was", async () => {
    write("own.txt", "staged\n");
    git("add", "own.txt");
    write("own.txt", "staged, and changed since\n");
    write("README.md", "changed\n");
    write("new.txt", "not known\n");
    write("added.txt", "known\n");
    git("add", "added.txt");
    const before = git("status", "--porcelain");
    expect(await collectFiles(root, site, outbox.tools)).to.deep.equal({ committed: [month], waiting: [], reason: null });
    expect(git("show", "--name-only", "--format=%s", "HEAD").trim().split("\n")).to.deep.equal([`Report: ${month}`, "", month]);
    expect(git("status", "--porcelain")).to.equal(before);
    expect(git("show", ":own.txt")).to.equal("staged\n");
    expect(outbox.files.size).to.equal(0);
  });

  it("does nothing the second time, and nothing where nothing waits", async () => {
    await collectFiles(root, site, outbox.tools);
    const head = git("rev-parse", "HEAD");
    expect(await collectFiles(root, site, outbox.tools)).to.deep.equal({ committed: [], waiting: [], reason: null });
    expect(git("rev-parse", "HEAD")).to.equal(head);
  });

  it("goes on when it was killed between the commit and the outbox", async () => {
    outbox.meanwhile = (action) => {
      if (action === "done") throw new Error("killed");
    };
    await collectFiles(root, site, outbox.tools).then(
      () => expect.fail("it was killed"),
      (error: Error) => expect(error.message).to.equal("killed"),
    );
    const head = git("rev-parse", "HEAD");
    outbox.meanwhile = () => undefined;
    expect((await collectFiles(root, site, outbox.tools)).committed).to.deep.equal([month]);
    expect(git("rev-parse", "HEAD")).to.equal(head);
    expect(outbox.files.size).to.equal(0);
  });

  it("takes along what an earlier command could not commit", async () => {
    write("reports/restore-tests/2026-10-01T000000Z.md", "# Restore test\n");
    write("reports/restore-tests/notes.md", "the owner's own\n");
    outbox.files.clear();
    expect((await collectFiles(root, site, outbox.tools)).committed).to.deep.equal(["reports/restore-tests/2026-10-01T000000Z.md"]);
    expect(git("status", "--porcelain")).to.equal("?? reports/restore-tests/notes.md\n");
  });

  for (const [name, prepare, reason] of [
    ["a merge is under way", () => fs.writeFileSync(path.join(root, ".git", "MERGE_HEAD"), git("rev-parse", "HEAD")), /^a merge is under way$/],
    ["a rebase is under way", () => fs.mkdirSync(path.join(root, ".git", "rebase-merge")), /^a rebase is under way$/],
    ["HEAD is on no branch", () => git("checkout", "--quiet", "--detach"), /^HEAD is on no branch$/],
    ["the folder is no repository", () => fs.rmSync(path.join(root, ".git"), { recursive: true }), /no Git repository/],
    ["the owner's own command holds the index", () => fs.writeFileSync(path.join(root, ".git", "index.lock"), ""), /index\.lock/],
    ["Git does not take the commit", () => breakCommits(), /unable to/i],
    ["the owner ignores reports", () => fs.writeFileSync(path.join(root, ".git", "info", "exclude"), "reports/\n"), /^Git ignores reports\//],
    ["a file of that name is there with other content", () => write(month, "mine\n"), /is there with another content/],
  ] as const) {
    it(`leaves it in the outbox and says why when ${name}`, async () => {
      prepare();
      const found = await collectFiles(root, site, outbox.tools);
      expect(found.committed).to.not.include(month);
      expect(found.waiting).to.include(month);
      expect(found.reason).to.match(reason);
      expect([...outbox.files.keys()]).to.deep.equal([month]);
    });
  }

  it("leaves the index as it was when the commit fails", async () => {
    write("own.txt", "staged\n");
    git("add", "own.txt");
    breakCommits();
    await collectFiles(root, site, outbox.tools);
    expect(git("diff", "--cached", "--name-only").trim()).to.equal("own.txt");
    expect(git("status", "--porcelain")).to.equal("M  own.txt\n?? reports/\n");
  });

  it("takes no file from a container that does not belong below the reports", async () => {
    for (const name of ["../outside.md", ".git/hooks/post-commit", "index.ts"]) outbox.files.set(name, "x");
    const found = await collectFiles(root, site, outbox.tools);
    expect(found.committed).to.deep.equal([month]);
    expect(found.waiting).to.deep.equal(["../outside.md", ".git/hooks/post-commit", "index.ts"]);
    expect(found.reason).to.match(/no file of the repository/);
    expect(fs.existsSync(path.join(root, "..", "outside.md"))).to.equal(false);
    expect(committed()).to.not.include("index.ts");
  });

  it("commits no hook's answer and no signature: nobody may sit there", async () => {
    const hook = path.join(root, ".git", "hooks", "pre-commit");
    fs.mkdirSync(path.dirname(hook), { recursive: true });
    fs.writeFileSync(hook, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    git("config", "commit.gpgsign", "true");
    git("config", "gpg.program", "/does/not/exist");
    expect((await collectFiles(root, site, outbox.tools)).committed).to.deep.equal([month]);
  });

  it("commits reports of a project that lies below the repository's own folder", async () => {
    const project = path.join(root, "trading");
    write("trading/reports/restore-tests/a.md", "a\n");
    expect(await commitReports(project, ["reports/restore-tests/a.md"])).to.deep.equal({ committed: ["reports/restore-tests/a.md"], waiting: [], reason: null });
    expect(committed()).to.include("trading/reports/restore-tests/a.md");
  });

  for (const [name, allowed] of [
    [month, true],
    ["reports/restore-tests/2026-11-21T181500Z.json", true],
    ["reports", false],
    ["/reports/a.md", false],
    ["reports/../index.ts", false],
    ["reports/.git/config", false],
    ["reports\\a.md", false],
    ["reports/a:b.md", false],
    ["reports/nul.md", false],
    ["reports/a.", false],
    ["reports//a.md", false],
    ["docs/a.md", false],
  ] as const) {
    it(`${allowed ? "takes" : "refuses"} ${name}`, () => expect(isCollectable(name)).to.equal(allowed));
  }

  it("says what was collected and what waits", () => {
    expect(collectedText({ committed: [], waiting: [], reason: null })).to.equal(null);
    expect(collectedText({ committed: ["a"], waiting: ["b"], reason: "a merge is under way" })).to.equal("1 report put into Git (a); 1 wait: a merge is under way");
  });
});

describe("a command that collects beside its work", () => {
  let root: string;
  beforeEach(() => (root = makeClone()));
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const silent = (job: string) => [job, { running: null, lastRun: null }] as const;
  const answer = (outbox: number) => `${JSON.stringify({ jobs: Object.fromEntries(JOBS.map(silent)), waitingFor: null, imagesNotArchived: null, outbox })}\n200`;

  for (const [name, prepare] of [
    ["nothing waits", (engine: FakeEngine) => (engine.execution = { exitCode: 0, output: answer(0) })],
    ["the service does not answer", (engine: FakeEngine) => (engine.execution = { exitCode: 28, output: "curl: (28) timed out" })],
    ["the service says what is not understood", (engine: FakeEngine) => (engine.execution = { exitCode: 0, output: "{}\n200" })],
    ["Docker breaks off", (engine: FakeEngine) => (engine.meanwhile = (call) => (call.startsWith("execute") ? Promise.reject(new Error("socket hang up")) : undefined))],
    ["the container does not run", (engine: FakeEngine) => (engine.all = engine.all.map((each) => (each.service === "backup" ? { ...each, state: "exited" } : each)))],
  ] as const) {
    it(`does what it does alone when ${name}`, async () => {
      const engine = new FakeEngine(healthyStack());
      prepare(engine);
      const { error, exitCode, out } = await trading(root, ["status"], { engine, page: pageStatus() });
      expect(error).to.equal("");
      expect(out).to.match(/^Stack {5}paper/);
      expect(exitCode).to.equal(name === "the container does not run" ? 1 : 0);
    });
  }

  it("asks, and does not wait long for the answer", async () => {
    const engine = new FakeEngine(healthyStack());
    await trading(root, ["status"], { engine, page: pageStatus() });
    expect(engine.calls.find((call) => call.startsWith("execute id-backup curl"))).to.contain("--max-time 3 ");
  });
});
