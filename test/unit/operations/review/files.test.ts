import { expect } from "chai";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { addedBelow, addedLines, exportCommit, reasonsForMoreRisk, reviewedCommits } from "../../../../operations/review/commits";
import { emptyEngine } from "../../../../operations/review/emptyEngine";
import { policyPack } from "../../../../operations/review/policyPack";
import { makeReviewFolder, reviewsFolder } from "../../../../operations/review/reviewFolder";
import { PLACEHOLDERS, prepareTree, putState, stacksOf } from "../../../../operations/review/tree";
import { run } from "../../../../operations/program";
import { useTemporaryFolder } from "../../setup/temporaryFolder";
import { NOW } from "../support";
import type { Context } from "../../../../operations/context";

const folder = useTemporaryFolder();

function git(...words: string[]): string {
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"];
  return execFileSync("git", [...identity, ...words], { cwd: folder.path, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** Commits files as they are given, and returns the commit. */
function commit(files: Readonly<Record<string, string>>, message = "A change"): string {
  for (const [name, content] of Object.entries(files)) folder.write(name, content);
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "--message", message);
  return git("rev-parse", "HEAD");
}

describe("the commits of a review", () => {
  beforeEach(() => void git("init", "--quiet"));

  it("are found by any name that Git knows", async () => {
    const first = commit({ a: "1" });
    git("tag", "-a", "-m", "first", "stable/paper/1");
    const second = commit({ a: "2" });
    expect(await reviewedCommits(folder.path, "stable/paper/1", "HEAD")).to.deep.equal({ base: { ref: "stable/paper/1", commit: first }, head: { ref: "HEAD", commit: second } });
  });

  it("are compared from where they parted: what the base got since is not the head's doing", async () => {
    const parted = commit({ a: "1" });
    git("checkout", "--quiet", "-b", "work");
    const head = commit({ a: "2" });
    git("checkout", "--quiet", "main");
    commit({ b: "1" });
    expect(await reviewedCommits(folder.path, "main", "work")).to.deep.equal({ base: { ref: "main", commit: parted }, head: { ref: "work", commit: head } });
  });

  for (const ref of ["nobody", "--output=x", "HEAD:a"]) {
    it(`are wrong input where "${ref}" names none`, async () => {
      commit({ a: "1" });
      const error = await reviewedCommits(folder.path, ref, "HEAD").catch((reason: Error & { exitCode?: number }) => reason);
      expect(error).to.be.instanceOf(Error).and.to.include({ exitCode: 2 });
      expect((error as Error).message).to.contain(`--base "${ref}" names no commit`);
    });
  }

  for (const [name, messages, reasons] of [
    ["none", ["Limits"], []],
    ["that of a trailer", ["Limits\n\nMore.\n\nRisk-Limits-Raised: Twice the capital"], ["Twice the capital"]],
    ["that of a trailer over two lines", ["Limits\n\nRisk-Limits-Raised: Twice\n the capital"], ["Twice the capital"]],
    ["those of every commit", ["One\n\nRisk-Limits-Raised: a\nSigned-off-by: x", "Two\n\nRisk-Limits-Raised: b"], ["b", "a"]],
    ["none without a word", ["Limits\n\nRisk-Limits-Raised:"], []],
    ["none in the middle of a message", ["Limits\n\nRisk-Limits-Raised: no\n\nThe end."], []],
  ] as const) {
    it(`give as reason for more risk ${name}`, async () => {
      const base = commit({ a: "0" }, "Base\n\nRisk-Limits-Raised: before");
      for (const message of messages) commit({}, message);
      expect((await reasonsForMoreRisk(folder.path, base, "HEAD")).map(({ reason }) => reason)).to.deep.equal(reasons);
    });
  }

  it("tell which files and lines are new", async () => {
    const base = commit({ "database/migrations/0001_a.sql": "1", "CHANGELOG.md": "# Changes\n- old\n" });
    const head = commit({ "database/migrations/0001_a.sql": "2", "database/migrations/0002_b.sql": "1", "CHANGELOG.md": "# Changes\n- live: new\n- old\n" });
    expect(await addedBelow(folder.path, base, head, "database/migrations")).to.deep.equal(["0002_b.sql"]);
    expect(await addedLines(folder.path, base, head, "CHANGELOG.md")).to.deep.equal(["- live: new"]);
  });

  it("are written out as they are, whatever lies in the folder", async () => {
    const first = commit({ "a.txt": "one", "deep/b.txt": "two" });
    commit({ "a.txt": "other" });
    folder.write("uncommitted.txt", "x");
    const target = path.join(folder.path, "out");
    await exportCommit(folder.path, first, target);
    expect(fs.readFileSync(path.join(target, "a.txt"), "utf8")).to.equal("one");
    expect(fs.readdirSync(target).sort()).to.deep.equal(["a.txt", "deep"]);
  });
});

describe("a tree of a review", () => {
  beforeEach(() => void git("init", "--quiet"));
  const refuse = () => Promise.reject(new Error("packages are installed"));
  const stackFile = "encryptionsalt: v1:abc:v1:def\nconfig:\n  trading:mode: paper\n";

  async function tree(files: Readonly<Record<string, string>>, install: (folder: string) => Promise<void> = refuse): Promise<string> {
    const head = commit({ ".gitignore": ".trading/\n.tools/\nnode_modules/\n", "Pulumi.yaml": "name: trading\n", "package-lock.json": "{}\n", ...files });
    folder.write("node_modules/package/index.js", "");
    folder.write(".trading/passphrase", "the owner's");
    const target = path.join(folder.path, ".tools", "tree");
    fs.mkdirSync(path.dirname(target), { recursive: true });
    await prepareTree(folder.path, { ref: "HEAD", commit: head }, target, install);
    return target;
  }

  it("has placeholders for what only the clone has, and nothing that needs the owner's passphrase", async () => {
    const target = await tree({ "Pulumi.paper.yaml": stackFile, "Pulumi.live.yaml": stackFile });
    expect(stacksOf(target)).to.deep.equal(["live", "paper"]);
    expect(fs.readFileSync(path.join(target, "Pulumi.paper.yaml"), "utf8")).to.equal("config:\n  trading:mode: paper\n");
    expect(fs.readFileSync(path.join(target, ".trading", "stacks", "live", "key"), "utf8")).to.equal(PLACEHOLDERS.key);
    expect(fs.readdirSync(path.join(target, ".trading")).sort()).to.deep.equal(["owner", "stacks"]);
  });

  it("uses the clone's packages where they are the commit's, and others where they are not", async () => {
    const same = await tree({});
    expect(fs.existsSync(path.join(same, "node_modules", "package", "index.js"))).to.equal(true);
    fs.rmSync(same, { recursive: true });
    expect(fs.existsSync(path.join(folder.path, "node_modules", "package", "index.js")), "a link goes, and not what it leads to").to.equal(true);
    const head = commit({ "package-lock.json": '{ "other": true }\n' });
    folder.write("package-lock.json", "{}\n");
    const installed: string[] = [];
    await prepareTree(folder.path, { ref: "HEAD", commit: head }, same, async (place) => void installed.push(place));
    expect([installed, fs.existsSync(path.join(same, "node_modules"))]).to.deep.equal([[same], false]);
  });

  it("asks the policy pack that it has, and none where it has none", async () => {
    expect(policyPack(await tree({}))).to.deep.equal([]);
    folder.write(".tools/tree/policy/PulumiPolicy.yaml", "runtime: nodejs\n");
    expect(policyPack(path.join(folder.path, ".tools", "tree"))).to.deep.equal(["--policy-pack", "policy"]);
  });

  it("holds a state where Pulumi looks for it", async () => {
    const target = await tree({ "Pulumi.paper.yaml": stackFile });
    putState(target, "trading", "paper", null);
    expect(JSON.parse(fs.readFileSync(path.join(target, ".trading", "state", ".pulumi", "stacks", "trading", "paper.json"), "utf8"))).to.have.property("version", 3);
  });

  it("is none without a project", async () => {
    const head = commit({ "a.txt": "1" });
    const error = await prepareTree(folder.path, { ref: "HEAD", commit: head }, path.join(folder.path, "tree"), refuse).catch((reason: Error) => reason.message);
    expect(error).to.match(/^commit [0-9a-f]{12} holds no Pulumi\.yaml/);
  });
});

describe("the folder of a review", () => {
  it("takes the place of what killed reviews left, and leaves one that runs", () => {
    const running = makeReviewFolder(folder.path, NOW);
    const gone = path.join(reviewsFolder(folder.path), "0a0a0a0a");
    fs.mkdirSync(path.join(gone, "project"), { recursive: true });
    fs.writeFileSync(path.join(gone, "run.json"), JSON.stringify({ process: 2 ** 30, host: os.hostname(), owner: "", since: NOW }));
    fs.mkdirSync(path.join(reviewsFolder(folder.path), "0b0b0b0b.new"));
    const next = makeReviewFolder(folder.path, NOW);
    expect(fs.readdirSync(reviewsFolder(folder.path)).sort()).to.deep.equal([path.basename(running), path.basename(next)].sort());
  });
});

describe("the Engine of a review", () => {
  const ask = async (method: string, where: string) => {
    const engine = await emptyEngine();
    try {
      const answer = await fetch(`${engine.address.replace("tcp:", "http:")}${where}`, { method });
      return { status: answer.status, text: await answer.text(), api: answer.headers.get("api-version") };
    } finally {
      await engine.close();
    }
  };
  for (const [method, where, status, text] of [
    ["GET", "/_ping", 200, "OK"],
    ["HEAD", "/_ping", 200, ""],
    ["GET", "/v1.41/containers/json?all=1", 200, "[]"],
    ["GET", "/v1.41/networks", 200, "[]"],
    ["GET", "/volumes?filters=x", 200, '{"Volumes":[],"Warnings":[]}'],
    ["GET", "/v1.41/images/trading-os:13/json", 404, '{"message":"no such object: nothing is there in a review"}'],
    ["POST", "/v1.41/containers/create", 403, '{"message":"this is a review: nothing is made and nothing is changed"}'],
    ["DELETE", "/v1.41/volumes/data", 403, '{"message":"this is a review: nothing is made and nothing is changed"}'],
  ] as const) {
    it(`answers ${method} ${where} with ${status}`, async () => expect(await ask(method, where)).to.deep.equal({ status, text, api: "1.41" }));
  }
});

describe("trading preview", () => {
  async function preview(...argv: string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const said = { stdout: "", stderr: "" };
    const context = { root: folder.path, write: (text: string) => void (said.stdout += text), writeError: (text: string) => void (said.stderr += text), now: () => NOW } as Context;
    return { code: await run(["preview", ...argv], context), ...said };
  }

  for (const [argv, message] of [
    [[], "required option '--base <ref>' not specified"],
    [["--base", "HEAD"], '--base "HEAD" names no commit'],
    [["--base"], "argument missing"],
  ] as const) {
    it(`answers ${argv.join(" ") || "nothing"} with one error and exit code 2`, async () => {
      git("init", "--quiet");
      const { code, stdout, stderr } = await preview(...argv);
      expect([code, stdout]).to.deep.equal([2, ""]);
      expect(stderr).to.contain(message).and.to.match(/^error: [^\n]*\n$/);
    });
  }

  it("tells with --help what it needs and what its exit codes mean", async () => {
    const { code, stdout } = await preview("--help");
    expect(code).to.equal(0);
    expect(stdout).to.contain("--base <ref>").and.to.contain("Risk-Limits-Raised: why");
  });
});
