import { expect } from "chai";
import { readReleases } from "../../../config/releases";
import { parseStackFile } from "../../../config/stackFile";
import { stableCommit } from "../../../operations/releases/stableCommit";
import { GitRepository } from "../../support/gitRepository";
import { imageId, releaseOf } from "../config/release";
import { PAPER_FILE } from "./support";

describe("the commit of a stable release", function () {
  this.timeout(30_000);
  let repository: GitRepository;
  afterEach(() => repository.remove());
  const id = "REL-20260101-000000-0001";
  const files = ["Pulumi.paper.yaml", `releases/paper/${id}.json`];

  /** A release of what is committed now. */
  const release = (more: Partial<ReturnType<typeof releaseOf>> = {}) => releaseOf(id, "2026-01-01T00:00:00.000Z", { stackFile: PAPER_FILE, imageNames: { broker: imageId("b"), bot: imageId("a") }, commit: repository.git("rev-parse", "HEAD"), stable: { at: "2026-01-02T00:00:00.000Z", tag: `stable/paper/${id}` }, ...more });
  const make = async (of: ReturnType<typeof releaseOf>) => {
    const { commit, problem } = await stableCommit(repository.root, of, "it is stable");
    expect(problem).to.equal(null);
    return commit!;
  };
  beforeEach(() => {
    repository = new GitRepository().init();
    repository.write("Pulumi.paper.yaml", PAPER_FILE);
    repository.write("index.ts", "as it was\n");
    repository.commit("the release");
  });

  it("changes its stack file, whose images it pins, and adds its record; branch, index and folder stay as they are", async () => {
    const of = release();
    repository.write("index.ts", "staged\n");
    repository.git("add", "index.ts");
    repository.write("index.ts", "edited\n");
    repository.write("Pulumi.paper.yaml", "edited: 1\n");
    const before = [repository.git("rev-parse", "HEAD"), repository.git("status", "--porcelain"), repository.git("diff"), repository.git("diff", "--cached")];
    const commit = await make(of);
    expect([repository.git("rev-parse", "HEAD"), repository.git("status", "--porcelain"), repository.git("diff"), repository.git("diff", "--cached")]).to.deep.equal(before);
    expect(repository.git("diff", "--name-only", `${commit}~1`, commit).split("\n")).to.deep.equal(files);
    expect(repository.git("rev-parse", `${commit}~1`)).to.equal(of.commit);
    expect(repository.git("show", `${commit}:index.ts`)).to.equal("as it was");
    const text = `${repository.git("show", `${commit}:Pulumi.paper.yaml`)}\n`;
    expect(text.startsWith(PAPER_FILE.slice(0, 40))).to.equal(true);
    expect(parseStackFile("paper", text).release.images).to.deep.equal(of.imageNames);
    const record = JSON.parse(repository.git("show", `${commit}:releases/paper/${id}.json`)) as typeof of;
    expect(record).to.deep.equal(of);
  });

  it("is the rollback by hand: its stack file checked out is the release, under other sources", async () => {
    repository.git("tag", "stable/paper/it", await make(release()));
    repository.write("Pulumi.paper.yaml", PAPER_FILE.replace("8400", "8440"));
    repository.write("index.ts", "newer\n");
    repository.commit("newer");
    repository.git("checkout", "stable/paper/it", "--", "Pulumi.paper.yaml");
    const { portBase, release: pinned } = parseStackFile("paper", repository.read("Pulumi.paper.yaml"));
    expect([portBase, pinned.images]).to.deep.equal([8400, { bot: imageId("a"), broker: imageId("b") }]);
    expect(repository.read("index.ts")).to.equal("newer\n");
  });

  it("holds a stack file that was in no commit, with the line ends of Git", async () => {
    const commit = await make(release({ clean: false, stackFile: PAPER_FILE.replace("8400", "8460").replaceAll("\n", "\r\n") }));
    const text = repository.git("show", `${commit}:Pulumi.paper.yaml`);
    expect(text).not.to.include("\r");
    expect(parseStackFile("paper", text).portBase).to.equal(8460);
  });

  it("stands on what is checked out where the release's own commit is not there", async () => {
    const commit = await make(release({ commit: "c".repeat(40) }));
    expect(repository.git("rev-parse", `${commit}~1`)).to.equal(repository.git("rev-parse", "HEAD"));
  });

  it("says why there is none where the folder is no repository", async () => {
    const other = new GitRepository();
    try {
      const { commit, problem } = await stableCommit(other.root, release(), "it is stable");
      expect(commit).to.equal(null);
      expect(problem).to.match(/not a git repository/);
      expect(readReleases(other.root, "paper")).to.deep.equal([]);
    } finally {
      other.remove();
    }
  });
});
