import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { gitState, treeRemark } from "../../../config/gitState";
import { GitRepository } from "../../support/gitRepository";

describe("how a folder stands to Git", () => {
  let repository: GitRepository;
  beforeEach(() => {
    repository = new GitRepository();
  });
  afterEach(() => repository.remove());

  it("is not known where it is no repository", async () => {
    expect(await gitState(repository.root)).to.deep.equal({ commit: null, clean: false, pushed: null });
  });

  it("is not known where nothing was committed yet", async () => {
    repository.init().write("a.txt", "a");
    expect(await gitState(repository.root)).to.deep.equal({ commit: null, clean: false, pushed: null });
  });

  it("is not known where there is no git", async () => {
    repository.init().write("a.txt", "a");
    repository.commit();
    const PATH = process.env["PATH"];
    process.env["PATH"] = path.join(repository.root, "nothing");
    try {
      expect(await gitState(repository.root)).to.deep.equal({ commit: null, clean: false, pushed: null });
    } finally {
      process.env["PATH"] = PATH;
    }
  });

  for (const [what, change, clean] of [
    ["nothing", () => undefined, true],
    ["a changed file", (r: GitRepository) => r.write("project/a.txt", "b"), false],
    ["a new file, which an image may be made of", (r: GitRepository) => r.write("project/services/new.ts", "b"), false],
    ["a staged file", (r: GitRepository) => (r.write("project/a.txt", "b"), void r.git("add", "--all")), false],
    ["a removed file", (r: GitRepository) => fs.rmSync(path.join(r.root, "project", "a.txt")), false],
    ["a file that Git ignores", (r: GitRepository) => r.write("project/.trading/key", "b"), true],
    ["a file beside the project", (r: GitRepository) => r.write("beside.txt", "b"), true],
    ["a report", (r: GitRepository) => r.write("project/reports/incidents/x.md", "b"), true],
    ["the record of a release", (r: GitRepository) => r.write("project/releases/paper/x.json", "b"), true],
  ] as const) {
    it(`is ${clean ? "clean" : "not clean"} with ${what}`, async () => {
      repository.init().write("project/a.txt", "a");
      repository.write("project/.gitignore", ".trading/\n");
      const commit = repository.commit();
      change(repository);
      expect(await gitState(path.join(repository.root, "project"))).to.deep.equal({ commit, clean, pushed: false });
    });
  }

  it("is pushed while a remote has the commit, whatever branch or none is checked out", async () => {
    repository.init().write("a.txt", "a");
    repository.commit();
    expect((await gitState(repository.root)).pushed, "no remote").to.equal(false);
    repository.push();
    expect((await gitState(repository.root)).pushed, "pushed").to.equal(true);
    repository.git("checkout", "--quiet", "--detach");
    expect((await gitState(repository.root)).pushed, "detached").to.equal(true);
    repository.commit("ahead");
    expect((await gitState(repository.root)).pushed, "ahead").to.equal(false);
  });

  for (const [commit, clean, pushed, text] of [
    [null, false, null, "from no Git commit"],
    ["c", true, true, null],
    ["c", false, true, "with uncommitted changes"],
    ["c", true, false, "not pushed"],
    ["c", false, false, "with uncommitted changes, not pushed"],
  ] as const) {
    it(`says ${text ?? "nothing"} of commit ${commit}, clean ${clean}, pushed ${pushed}`, () => expect(treeRemark({ commit, clean, pushed })).to.equal(text));
  }
});
