import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { readReleases, releaseFolder, stableTag, writeRelease, type Release } from "../../../config/releases";
import { parseStackFile } from "../../../config/stackFile";
import { appendAudit } from "../../../control/audit";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import { haltsOf } from "../../../control/LatchFolder";
import { GitRepository } from "../../support/gitRepository";
import { imageId, releaseOf } from "../config/release";
import { Parts, well } from "./alertParts";
import { FakeEngine, haltOf, NOW, OWNER, pageStatus, PAPER_FILE, trading } from "./support";

const hour = 3_600_000;
const iso = (time: number) => new Date(time).toISOString();
const ID = "REL-20240229-110000-0a1b";
const TAG = stableTag("paper", ID);
const RECORD = `releases/paper/${ID}.json`;

describe("npx trading releases", () => {
  let repository: GitRepository;
  let parts: Parts;
  let control: string;
  beforeEach(() => {
    repository = new GitRepository();
    repository.init().write("Pulumi.paper.yaml", PAPER_FILE);
    repository.write(".gitignore", ".trading/\n.tools/\n");
    repository.write(".trading/owner", OWNER);
    repository.commit("the stack's file");
    parts = new Parts();
    const critical = { knownSince: NOW - 100 * hour, lastAt: null, lastKey: null };
    parts.states = { guard: { ...well, critical }, backup: { ...well, critical } };
    control = controlFolder(repository.root, "paper");
    ensureControlFolder(control, "paper", OWNER);
  });
  afterEach(() => repository.remove());

  /** A release of 25 hours ago that came from the newest commit. */
  const leave = (more: Partial<Release> = {}): Release => {
    const release = releaseOf(ID, iso(NOW - 25 * hour), { commit: repository.git("rev-parse", "HEAD"), stackFile: PAPER_FILE, ...more });
    writeRelease(repository.root, release);
    return release;
  };
  const releases = (...words: string[]) => trading(repository.root, ["releases", ...words], { engine: parts });
  const tags = () => repository.git("tag", "--list");
  const standing = async () => (JSON.parse((await releases("--json")).out) as { releases: { standing: string }[] }).releases.map((each) => each.standing);

  it("says what leaves a release where there is none", async () => {
    expect(await releases()).to.deep.include({ exitCode: 0, out: "Stack paper has no release yet: npm run pulumi -- up --stack paper leaves one\n", error: "" });
  });

  it("makes the release that runs stable once it has soaked: a tag on a commit beside its own, and its record in a commit of the branch", async () => {
    const { commit } = leave();
    repository.write("staged.txt", "the owner's work");
    repository.git("add", "staged.txt");
    const { exitCode, out } = await releases();
    expect([exitCode, tags()]).to.deep.equal([0, TAG]);
    expect(out).to.include(`release ${ID} is stable: tag ${TAG}; put into Git: ${RECORD}`).and.match(/stable since 2024-03-01 12:00 UTC/);
    expect(repository.git("rev-parse", `${TAG}~1`)).to.equal(commit);
    expect(repository.git("merge-base", "HEAD", TAG)).to.equal(commit);
    expect(repository.git("cat-file", "-t", TAG)).to.equal("tag");
    expect(repository.git("for-each-ref", "--format=%(contents)", `refs/tags/${TAG}`)).to.match(/^Release .* is stable\n\n.*ran for 24 h with nothing critical.*\nIt was brought up not pushed/);
    const [kept] = readReleases(repository.root, "paper");
    expect(kept!.stable).to.deep.equal({ at: iso(NOW), tag: TAG });
    for (const revision of ["HEAD", TAG]) expect(JSON.parse(repository.git("show", `${revision}:${RECORD}`))).to.deep.equal(kept);
    expect(repository.git("show", "--name-only", "--format=%s").split("\n")).to.deep.equal([`Release ${ID} of paper is stable`, "", RECORD]);
    expect(repository.git("status", "--porcelain")).to.equal("A  staged.txt");
  });

  it("changes nothing the second time", async () => {
    leave();
    await releases();
    const head = repository.git("rev-parse", "HEAD");
    const { out, exitCode } = await releases();
    expect([exitCode, repository.git("rev-parse", "HEAD"), tags()]).to.deep.equal([0, head, TAG]);
    expect(out).to.not.include("put into Git");
  });

  it("asks the stack nothing before it can be time", async () => {
    leave({ at: iso(NOW - 23 * hour) });
    expect(await standing()).to.deep.equal(["soaks until 2024-03-01 13:00 UTC: runs for 23 h of 1 d"]);
    expect(parts.calls.filter((call) => call.startsWith("execute"))).to.deep.equal([]);
    expect(tags()).to.equal("");
  });

  const waits: [what: string, prepare: () => void, expected: RegExp][] = [
    ["a part is down", () => (parts.all = parts.all.map((each) => (each.service === "guard" ? { ...each, state: "exited" } : each))), /^waits: whether an alert was raised is not known: guard: container trading-paper-guard is exited/],
    ["the stack is down", () => (parts.all = []), /^waits: whether an alert was raised is not known: guard: container trading-paper-guard does not exist.*; backup: /],
    ["a part is of an earlier version", () => (parts.states = { ...parts.states, guard: well }), /^waits: .* guard: it is of an earlier version and does not say$/],
    ["something critical was wrong two hours ago", () => (parts.states = { ...parts.states, backup: { ...well, critical: { knownSince: 0, lastAt: NOW - 2 * hour, lastKey: "backup.small" } } }), /^soaks until 2024-03-02 10:00 UTC: quiet for 2 h of 1 d, since backup.small \(backup\) was over/],
    ["the guard halted it three hours ago", () => appendAudit(control, { at: iso(NOW - 3 * hour), act: "halt", by: "guard", who: "the guard", incident: "INC-20240301-090000-0000", bot: null, level: "pause", reason: "drawdown", rule: "drawdown", numbers: {}, open: [] }), /^soaks until 2024-03-02 09:00 UTC: .* since a halt by the guard/],
    ["it is halted by a person", () => haltsOf(control).place(haltOf({ id: "INC-20240301-090000-0000" })), /^waits: it is halted \(INC-20240301-090000-0000\)$/],
    ["nothing says whether it is halted", () => fs.rmSync(control, { recursive: true }), /^waits: whether it is halted cannot be read$/],
  ];
  for (const [what, prepare, expected] of waits) {
    it(`is not stable, and says why, while ${what}`, async () => {
      leave();
      prepare();
      expect((await standing())[0]).to.match(expected);
      expect([tags(), repository.git("log", "--format=%s")]).to.deep.equal(["", "the stack's file"]);
    });
  }

  it("counts no halt by a drill", async () => {
    leave();
    appendAudit(control, { at: iso(NOW - 3 * hour), act: "halt", by: "drill", who: "the drill", incident: "INC-20240301-090000-0000", bot: null, level: "kill", reason: "a drill", rule: null, numbers: {}, open: [] });
    expect(await standing()).to.deep.equal(["stable since 2024-03-01 12:00 UTC"]);
  });

  it("makes no release stable that was replaced before", async () => {
    leave();
    writeRelease(repository.root, releaseOf("REL-20240301-110000-0000", iso(NOW - hour), { stackFile: PAPER_FILE }));
    expect(await standing()).to.deep.equal(["soaks until 2024-03-02 11:00 UTC: runs for 1 h of 1 d", "replaced before it was"]);
    expect(tags()).to.equal("");
  });

  describe("the commit that the tag points to", () => {
    const changed = PAPER_FILE.replace("orderQuantity: 1,", "orderQuantity: 2,");
    const pinned = (text: string) => `${text}  trading:release:\n    images:\n      broker: ${imageId("b")}\n`;

    for (const [what, more, text] of [
      ["as it was", {}, PAPER_FILE],
      ["as it was, although no commit had it", { stackFile: changed, clean: false }, changed],
      ["as it was, for a release without a commit and with the ends of lines of Windows", { commit: null, clean: false, pushed: null, stackFile: PAPER_FILE.replaceAll("\n", "\r\n") }, PAPER_FILE],
    ] as const) {
      it(`holds the stack's file ${what}, with the release's images pinned`, async () => {
        leave(more);
        repository.commit("something else");
        await releases();
        expect(`${repository.git("show", `${TAG}:Pulumi.paper.yaml`)}\n`).to.equal(pinned(text));
      });
    }

    it("says in its tag what came with uncommitted changes", async () => {
      leave({ stackFile: changed, clean: false });
      await releases();
      expect(repository.git("for-each-ref", "--format=%(contents)", `refs/tags/${TAG}`)).to.match(/brought up with uncommitted changes, not pushed/);
    });

    it("is the release again when its file is checked out by hand, whatever else is there", async () => {
      leave();
      await releases();
      repository.write("Pulumi.paper.yaml", changed);
      repository.commit("more");
      repository.git("checkout", TAG, "--", "Pulumi.paper.yaml");
      const { bots, release } = parseStackFile("paper", repository.read("Pulumi.paper.yaml"));
      expect([bots[0]!.limits.orderQuantity, release.images]).to.deep.equal([1, { broker: imageId("b") }]);
    });

    it("is told of where a tag of that name is elsewhere", async () => {
      leave();
      repository.git("tag", TAG);
      expect((await standing())[0]).to.match(/^waits: the tag stable\/paper\/REL-.* is there already, on a commit with another Pulumi\.paper\.yaml/);
    });
  });

  describe("interrupted or hindered", () => {
    it("goes on after the tag was made and nothing else", async () => {
      const release = leave();
      await releases();
      repository.git("reset", "--quiet", "--hard", "HEAD~1");
      writeRelease(repository.root, release);
      const tagged = repository.git("rev-parse", TAG);
      await releases();
      expect(repository.git("rev-parse", TAG)).to.equal(tagged);
      expect(JSON.parse(repository.git("show", `HEAD:${RECORD}`))).to.have.property("id", ID);
    });

    it("goes on after the record was written and not committed", async () => {
      leave({ stable: { at: iso(NOW), tag: TAG } });
      fs.mkdirSync(path.join(repository.root, ".git", "rebase-merge"));
      expect((await releases()).out).to.include("records of stable releases wait: a rebase is under way");
      expect(fs.existsSync(path.join(repository.root, RECORD))).to.equal(true);
      fs.rmSync(path.join(repository.root, ".git", "rebase-merge"), { recursive: true });
      expect((await releases()).out).to.include(`put into Git: ${RECORD}`);
      expect(repository.git("status", "--porcelain")).to.equal("");
    });

    it("leaves a record alone that the owner took out of Git", async () => {
      leave();
      await releases();
      repository.git("rm", "--quiet", RECORD);
      repository.commit("away with it");
      await releases();
      expect(fs.existsSync(path.join(repository.root, RECORD))).to.equal(false);
    });

    it("is not stable where there is no Git", async () => {
      leave({ commit: null, clean: false, pushed: null });
      fs.rmSync(path.join(repository.root, ".git"), { recursive: true });
      expect(await standing()).to.deep.equal(["waits: this folder is in no Git repository, and a stable release is a tag there"]);
    });
  });

  it("lists the newest first, with tree and changes, and names what is no record", async () => {
    leave({ clean: false });
    writeRelease(repository.root, releaseOf("REL-20240301-110000-0000", iso(NOW - hour), { stackFile: PAPER_FILE, schemaVersion: 6, commit: null, clean: false, pushed: null }));
    fs.writeFileSync(path.join(releaseFolder(repository.root, "paper"), "half.json"), "{");
    const { exitCode, out } = await releases();
    expect(exitCode).to.equal(1);
    const [newest, oldest] = out.split("\n").filter((line) => line.includes("REL-"));
    expect(newest).to.match(/REL-20240301-110000-0000 .* 2024-03-01 11:00 UTC .* from no Git commit .* soaks until .* schema 5 → 6/);
    expect(oldest).to.match(/REL-20240229-110000-0a1b .* with uncommitted changes, not pushed .* replaced before it was .* the first release/);
    expect(out).to.include(".trading/stacks/paper/releases/half.json is no record of a release of paper");
  });

  it("is done beside other commands, which it never makes fail", async () => {
    leave();
    const engine = new FakeEngine(parts.all);
    const told = await trading(repository.root, ["status"], { engine, page: pageStatus() });
    expect(told.error).to.match(/^the release that runs is not stable yet: whether an alert was raised is not known: guard: /m);
    const again = await trading(repository.root, ["status"], { engine: parts, page: pageStatus() });
    expect(again.error).to.include(`release ${ID} is stable: tag ${TAG}`);
    expect([told.exitCode, again.exitCode]).to.deep.equal([1, 1]);
    expect(again.out).to.match(/^Stack {5}paper/);
  });
});
