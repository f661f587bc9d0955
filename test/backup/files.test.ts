import { expect } from "chai";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { completeRun } from "../../mlflow/record";
import { MlflowClient } from "../../mlflow/client";
import type { ArtifactsPart } from "../../services/backup/files/artifacts";
import type { ClonePart } from "../../services/backup/files/clone";
import type { DumpFilesPart } from "../../services/backup/files/dump";
import type { StoredImages } from "../../services/backup/files/images";
import type { ArtifactReference } from "../../services/backup/files/references";
import type { Snapshot } from "../../services/backup/files/snapshots";
import { FilesRig } from "../support/filesRig";
import { eventually, execute } from "../support/throwAwayStack";
import { TradingProcesses } from "../support/tradingProcesses";

const serviceUser = 10001;
const point = (seconds: number) => `20261121T1200${String(seconds).padStart(2, "0")}Z`;

/** restic, MLflow and Git for real, in containers of the backup image. */
describe("files in the backup", function () {
  this.timeout(300_000);
  const prefix = `h4-${randomBytes(4).toString("hex")}`;
  let rig: FilesRig;

  before(async () => {
    rig = new FilesRig(prefix);
    await rig.prepare();
    await rig.script({ "/a": "artifacts", "/b": "backups", "/w": "work" }, `chown ${serviceUser}:${serviceUser} /a && chmod 0750 /a && chown 10002:10002 /b /w && chmod 0700 /b /w`);
  });
  after(() => rig?.remove());

  const snapshots = () => rig.call<Snapshot[]>("snapshots", "first");
  const artifactScript = (script: string) => rig.script({ "/artifacts": "artifacts" }, `cd /artifacts\n${script}`);
  const store = (id: string, references: ArtifactReference[] = [], mounts: Record<string, string | null> = {}) => rig.call<ArtifactsPart>("storeArtifacts", { id, references }, { mounts });
  const reference = (name: string, content: string): ArtifactReference => ({ path: name, kind: "file", of: "run r1", bytes: Buffer.byteLength(content), sha256: createHash("sha256").update(content).digest("hex") });

  describe("MLflow's artifacts", () => {
    const references = [reference("1/r1/artifacts/equity.csv", "bar,equity\n1,2\n"), reference("1/r1/artifacts/trades.json", "[]\n")];

    before(() =>
      artifactScript(
        `mkdir -p 1/r1/artifacts 1/r2/artifacts .restored-old .before-old && printf 'bar,equity\\n1,2\\n' > 1/r1/artifacts/equity.csv && printf '[]\\n' > 1/r1/artifacts/trades.json
         echo other > 1/r2/artifacts/note.txt && echo no > .restored-old/x && echo no > .before-old/x && chown -R ${serviceUser}:${serviceUser} . && chmod -R go-rwx 1`,
      ),
    );

    it("are stored whole, with what a restore left aside left out", async () => {
      const taken = await store(point(1), references);
      expect(taken).to.deep.include({ files: 3, bytes: 24, references: { checked: 2, missing: [] } });
      expect(taken.snapshot).to.match(/^[0-9a-f]{64}$/);
      const [found] = await snapshots();
      expect(found).to.deep.include({ id: taken.snapshot, kind: "artifacts", point: point(1) });
    });

    it("say what is missing of what MLflow's database refers to", async () => {
      const wanted = [...references, reference("1/r3/artifacts/equity.csv", "gone"), { ...reference("1/r2/artifacts/note.txt", "other one\n") }];
      const model: ArtifactReference = { path: "1/models/m-1/artifacts", kind: "folder", of: "logged model m-1", bytes: null, sha256: null };
      const there: ArtifactReference = { path: "1/r2/artifacts", kind: "folder", of: "model x version 1", bytes: null, sha256: null };
      const { references: found } = await store(point(2), [...wanted, model, there]);
      expect(found).to.deep.equal({
        checked: 6,
        missing: ["1/models/m-1/artifacts (logged model m-1)", "1/r2/artifacts/note.txt (run r1): 6 bytes instead of 10", "1/r3/artifacts/equity.csv (run r1)"],
      });
    });

    it("are refused where nothing is mounted, instead of an empty backup", async () => {
      expect(await rig.failure("storeArtifacts", { id: point(3), references: [] }, { mounts: { "/artifacts": null } })).to.equal("MLflow's artifacts: nothing is mounted at /artifacts");
      expect((await snapshots()).filter((snapshot) => snapshot.point === point(3))).to.deep.equal([]);
    });

    it("come back beside the present ones, take their place, go back again, each as often as one likes", async () => {
      const [first] = await snapshots();
      await artifactScript(`echo newer > 1/r2/artifacts/note.txt && mkdir -p 7 && echo seven > 7/x && chown -R ${serviceUser}:${serviceUser} 1 7`);
      const request = { repository: "first", snapshot: first!.id, id: "try-1" };
      const listing = () => artifactScript("find . -mindepth 1 -not -path './.before-old*' -not -path './.restored-old*' -type f -printf '%P %U:%G %m ' -exec sha256sum < {} \\; | sort");
      const before = await listing();
      for (let again = 0; again < 2; again += 1) expect(await rig.call("restoreArtifacts", request)).to.deep.include({ files: 3, bytes: 24, references: 2, hashes: 2 });
      for (let again = 0; again < 2; again += 1) await rig.call("swapArtifacts", { id: "try-1" });
      expect(await rig.failure("restoreArtifacts", request)).to.match(/already being swapped/);
      const swapped = await artifactScript("find 1 7 -type f -printf '%P %U:%G %m\\n' 2>/dev/null | sort; cat 1/r2/artifacts/note.txt");
      expect(swapped.split("\n")).to.deep.equal([`r1/artifacts/equity.csv ${serviceUser}:${serviceUser} 600`, `r1/artifacts/trades.json ${serviceUser}:${serviceUser} 600`, `r2/artifacts/note.txt ${serviceUser}:${serviceUser} 600`, "other"]);
      for (let again = 0; again < 2; again += 1) await rig.call("unswapArtifacts", { id: "try-1" });
      for (let again = 0; again < 2; again += 1) await rig.call("discardArtifacts", { id: "try-1" });
      expect(await listing()).to.equal(before);
      // And for good: the old ones go.
      await rig.call("restoreArtifacts", { ...request, id: "try-2" });
      await rig.call("swapArtifacts", { id: "try-2" });
      await rig.call("discardArtifacts", { id: "try-2" });
      expect(await artifactScript("cat 1/r2/artifacts/note.txt; ls -A")).to.equal("other\n.before-old\n.restored-old\n1");
    });

    it("take the present ones along that a newer database refers to, and what is nowhere is a known loss from then on", async () => {
      const late = reference("1/r4/artifacts/equity.csv", "late\n");
      const gone = reference("1/r5/artifacts/equity.csv", "gone\n");
      const [first] = await snapshots();
      await artifactScript(`mkdir -p 1/r4/artifacts && printf 'late\\n' > 1/r4/artifacts/equity.csv && echo nobody > 1/r4/artifacts/other && chown -R ${serviceUser}:${serviceUser} 1/r4 && chmod -R go-rwx 1/r4`);
      // As restore-cluster leaves word of what the restored database refers to.
      await rig.script({ "/w": "work" }, `printf %s '${JSON.stringify([...references, late, gone, reference("../../etc/passwd", "x")])}' > /w/restored-artifact-references.json`);
      const request = { repository: "first", snapshot: first!.id, id: "late" };
      const lost = ["../../etc/passwd (run r1)", "1/r5/artifacts/equity.csv (run r1)"];
      for (let again = 0; again < 2; again += 1) expect(await rig.call("restoreArtifacts", request)).to.deep.include({ files: 3, broughtAlong: 1, lost });
      await rig.script({ "/w": "work" }, "rm /w/restored-artifact-references.json");
      await rig.call("swapArtifacts", { id: "late" });
      await rig.call("discardArtifacts", { id: "late" });
      expect((await artifactScript("find 1/r4 -type f -printf '%P %U:%G %m\n'; cat 1/r4/artifacts/equity.csv")).split("\n")).to.deep.equal([`artifacts/equity.csv ${serviceUser}:${serviceUser} 600`, "late"]);
      // What is missing without a restore knowing of it is another matter.
      const wanted = [...references, late, gone];
      expect(await store(point(5), wanted)).to.deep.include({ references: { checked: 4, missing: [lost[1]] }, unexplained: [] });
      const another = reference("1/r5/artifacts/equity.csv", "written anew\n");
      expect(await store(point(6), [...wanted.slice(0, 3), another])).to.deep.include({ unexplained: [lost[1]] });
      // The point comes back although something of it is lost, and its loss with it.
      const stored = (await snapshots()).find((snapshot) => snapshot.point === point(5));
      expect(await rig.call("restoreArtifacts", { ...request, snapshot: stored!.id })).to.deep.include({ files: 5, references: 3, lost: [] });
      expect(await artifactScript("grep -c r5 .restored-late/.lost-artifacts.json")).to.equal("1");
      await rig.call("discardArtifacts", { id: "late" });
      await artifactScript("rm -r .lost-artifacts.json 1/r4");
    });

    it("are not swapped in when a file is not what MLflow was given", async () => {
      const lie = [{ ...references[0]!, sha256: "0".repeat(64) }, references[1]!];
      const { snapshot } = await store(point(4), lie);
      expect(await rig.failure("restoreArtifacts", { repository: "first", snapshot, id: "lie" })).to.equal("the restored artifacts are not right: 1/r1/artifacts/equity.csv (run r1): another content than MLflow was given");
    });
  });

  describe("references of MLflow's own database", () => {
    let processes: TradingProcesses;
    before(async () => {
      processes = new TradingProcesses({ prefix: `${prefix}-m`, stack: "test", bots: ["trader"], warmupBars: 1, startingCash: 1, strategy: "RefStrat_01", strategySettings: {}, speed: 1 });
      await processes.prepare();
      await processes.startMlflow();
    });
    after(() => processes?.remove());

    it("name every file of a completed run, and one that was lost", async () => {
      const client = await eventually("MLflow answers", 120, async () => {
        const url = `http://127.0.0.1:${await processes.publishedPort("mlflow", 5000)}`;
        const { ok } = await fetch(`${url}/api/2.0/mlflow/experiments/search?max_results=1`).catch(() => ({ ok: false }));
        return ok ? new MlflowClient(url) : undefined;
      });
      const text = async function* () {
        yield "bar,equity\n";
      };
      const start = (id: string) => ({ id, experiment: "test", name: id, startTime: 1000, tags: {}, params: {} });
      const end = { status: "FINISHED" as const, endTime: 2000, metrics: [], artifacts: [{ name: "equity.csv", content: text }] };
      const kept = await completeRun(client, start("one"), end);
      const lost = await completeRun(client, start("two"), end);
      const deleted = await completeRun(client, start("three"), end);
      await client.deleteRun(deleted.runId);
      const connected = await processes.connect();
      const { user, password } = connected;
      await connected.end();
      const database = { host: "timescaledb", port: 5432, user, password, database: "mlflow" };
      // What the client of the models' API would have made.
      const url = `http://127.0.0.1:${await processes.publishedPort("mlflow", 5000)}/api/2.0/mlflow`;
      const post = async (where: string, body: object) => {
        const response = await fetch(`${url}/${where}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
        if (!response.ok) throw new Error(`${where}: ${await response.text()}`);
      };
      await post("registered-models/create", { name: "m" });
      await post("model-versions/create", { name: "m", source: kept.artifactUri, run_id: kept.runId });
      const take = (id: string) => rig.call<ArtifactsPart>("takeArtifacts", { id, database }, { mounts: { "/artifacts": "m-artifacts" }, network: "m-network" });
      expect(await take(point(10))).to.deep.include({ files: 3, references: { checked: 3, missing: [] } });
      await rig.script({ "/artifacts": "m-artifacts" }, `rm /artifacts/*/${lost.runId}/artifacts/equity.csv`);
      const { references } = await take(point(11));
      expect(references.missing).to.have.length(1);
      expect(references.missing[0]).to.contain(lost.runId);
    });
  });

  describe("the clone", () => {
    let project: string;
    const git = async (...words: string[]) => {
      const { code, stdout, text } = await execute("git", ["-c", "user.name=o", "-c", "user.email=o@x", "-c", "init.defaultBranch=main", ...words], { cwd: project });
      if (code !== 0) throw new Error(text);
      return stdout.trim();
    };
    const listing = (folder: string) => execute("sh", ["-c", "find . -printf '%P %y %s %T@\\n' | sort"], { cwd: folder }).then(({ stdout }) => stdout);

    beforeEach(() => {
      project = fs.mkdtempSync(path.join(rig.folder, "project-"));
      const trading = path.join(project, ".trading");
      fs.mkdirSync(path.join(trading, "stacks", "test"), { recursive: true });
      fs.mkdirSync(path.join(trading, "state", ".pulumi", "locks"), { recursive: true });
      fs.writeFileSync(path.join(trading, "passphrase"), "secret\n", { mode: 0o600 });
      fs.writeFileSync(path.join(trading, "stacks", "test", "key"), randomBytes(32).toString("hex"), { mode: 0o600 });
      fs.writeFileSync(path.join(trading, "state", ".pulumi", "locks", "x.json"), "{}");
      fs.writeFileSync(path.join(trading, "wish.json.17.tmp"), "{");
      fs.writeFileSync(path.join(project, "Pulumi.test.yaml"), "config: {}\n");
      fs.writeFileSync(path.join(project, ".gitignore"), ".trading/\nignored\n");
      fs.chmodSync(trading, 0o700);
    });

    it("comes back byte for byte, with what was not committed, and nothing is written into it", async () => {
      await git("init", "--quiet");
      fs.writeFileSync(path.join(project, "a.txt"), "one\n");
      await git("add", ".");
      await git("commit", "--quiet", "--message", "one");
      await git("remote", "add", "origin", "https://example.invalid/x.git");
      await git("update-ref", "refs/remotes/origin/main", "HEAD");
      for (const [text, date] of [["two", "2026-01-02T03:04:05Z"], ["three", "2026-02-02T03:04:05Z"]] as const) {
        fs.writeFileSync(path.join(project, "a.txt"), `${text}\n`);
        await execute("git", ["-c", "user.name=o", "-c", "user.email=o@x", "commit", "--quiet", "--all", "--message", text], { cwd: project, env: { ...process.env, GIT_COMMITTER_DATE: date } });
      }
      await git("tag", "stable");
      fs.writeFileSync(path.join(project, "Pulumi.test.yaml"), "config: {changed: 1}\n");
      fs.writeFileSync(path.join(project, "new file.txt"), "new\n");
      fs.writeFileSync(path.join(project, "ignored"), "not in it\n");
      await git("status");
      const before = await listing(project);
      // As others see it, and as its owner keeps others out.
      for (const mode of [0o755, 0o700]) {
        fs.chmodSync(project, mode);
        const { head } = await rig.call<ClonePart>("takeClone", point(19), { mounts: { "/project": project } });
        expect(head, mode.toString(8)).to.equal(await git("rev-parse", "HEAD"));
      }
      const taken = await rig.call<ClonePart>("takeClone", point(20), { mounts: { "/project": project } });
      expect(await listing(project)).to.equal(before);
      const head = await git("rev-parse", "HEAD");
      expect(taken).to.deep.include({ head, branch: "main", unpushedCommits: 2, oldestUnpushedAt: "2026-01-02T03:04:05.000Z" });
      const archive = path.join(rig.folder, "clone.tar");
      const back = path.join(rig.folder, "back");
      expect(await rig.call("cloneArchive", { from: "first", point: point(20) }, { output: archive })).to.deep.equal({ point: point(20), files: taken.files, bytes: taken.bytes });
      fs.mkdirSync(back);
      expect((await execute("tar", ["-xf", archive, "-C", back])).code).to.equal(0);
      const names = (await execute("find", [".", "-type", "f", "-printf", "%P\n"], { cwd: back })).stdout.trim().split("\n").sort();
      expect(names).to.deep.equal([".trading/passphrase", ".trading/stacks/test/key", "repository.bundle", "working-files/Pulumi.test.yaml", "working-files/new file.txt"]);
      for (const name of names.filter((each) => each !== "repository.bundle")) {
        expect(fs.readFileSync(path.join(back, name))).to.deep.equal(fs.readFileSync(path.join(project, name.replace("working-files/", ""))));
      }
      expect((await execute("git", ["clone", "--quiet", "repository.bundle", "again"], { cwd: back })).code).to.equal(0);
      const again = path.join(back, "again");
      expect((await execute("git", ["rev-parse", "HEAD", "stable"], { cwd: again })).stdout).to.equal(`${head}\n${head}\n`);
      expect(fs.readFileSync(path.join(again, "a.txt"), "utf8")).to.equal("three\n");
    });

    const without: [string, () => Promise<unknown>, object][] = [
      ["without a commit", () => git("init", "--quiet"), { head: null, branch: "main", unpushedCommits: null, oldestUnpushedAt: null }],
      ["that is no repository", () => Promise.resolve(), { head: null, branch: null, unpushedCommits: null, oldestUnpushedAt: null }],
      ["that is a worktree of another folder", async () => fs.writeFileSync(path.join(project, ".git"), "gitdir: /elsewhere/.git/worktrees/x\n"), { head: null, branch: null, unpushedCommits: null, oldestUnpushedAt: null }],
    ];
    for (const [what, prepare, facts] of without) {
      it(`has .trading in the backup also ${what}`, async () => {
        await prepare();
        const taken = await rig.call<ClonePart>("takeClone", point(21), { mounts: { "/project": project } });
        expect(taken).to.deep.include(facts);
        expect(taken.files).to.be.greaterThan(2);
      });
    }

    it("is refused where .trading is missing, and where nothing is mounted", async () => {
      fs.rmSync(path.join(project, ".trading"), { recursive: true });
      expect(await rig.failure("takeClone", point(22), { mounts: { "/project": project } })).to.equal("the clone: /project/.trading is missing");
      expect(await rig.failure("takeClone", point(22))).to.equal("the clone: nothing is mounted at /project");
    });
  });

  describe("a dump", () => {
    it("is stored, read back and compared", async () => {
      await rig.script({ "/backups": "backups" }, "mkdir -p /backups/scratch/dump && printf 'PGDMP' > /backups/scratch/dump/trading.dump && printf 'CREATE ROLE' > /backups/scratch/dump/roles.sql && chown -R 10002:10002 /backups/scratch/dump");
      const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
      const kept = await rig.call<DumpFilesPart>("keepDump", { id: point(30), folder: "/backups/scratch/dump" });
      expect(kept).to.deep.include({ files: 2, bytes: 16, contents: { "roles.sql": sha256("CREATE ROLE"), "trading.dump": sha256("PGDMP") } });
      await rig.script({ "/backups": "backups" }, "rm /backups/scratch/dump/*");
      expect(await rig.failure("keepDump", { id: point(31), folder: "/backups/scratch/dump" })).to.equal("the dump: there are no files in /backups/scratch/dump");
    });
  });

  describe("images", () => {
    const id = async (tag: string) => (await execute("docker", ["image", "inspect", "--format", "{{.Id}}", tag])).stdout.trim();
    const tag = `${prefix}-image`;
    let archive: string;

    before(async () => {
      const tree = path.join(rig.folder, "tree.tar");
      fs.writeFileSync(path.join(rig.folder, "payload"), randomBytes(300_000));
      await execute("tar", ["-cf", tree, "-C", rig.folder, "payload"]);
      await execute("docker", ["import", tree, tag]);
      archive = path.join(rig.folder, "images.tar");
      await execute("docker", ["save", "--output", archive, tag]);
    });
    after(() => execute("docker", ["image", "rm", "--force", tag]));

    it("are stored and come back for docker load", async () => {
      const image = await id(tag);
      expect(await rig.call("imagesNotArchived", { bot: image })).to.deep.equal(["bot"]);
      const stored = await rig.call<StoredImages>("storeImages", { images: [image] }, { input: archive });
      expect(stored.bytes).to.equal(fs.statSync(archive).size);
      expect(await rig.call("imagesNotArchived", { bot: image })).to.deep.equal([]);
      const back = path.join(rig.folder, "back.tar");
      await rig.call("loadImage", { from: "first", image }, { output: back });
      await execute("docker", ["image", "rm", "--force", tag]);
      expect(await id(tag)).to.equal("");
      expect((await execute("docker", ["load", "--input", back])).code).to.equal(0);
      expect(await id(tag)).to.equal(image);
    });

    it("count as nothing when the archive was cut off, or holds others", async () => {
      const before = (await snapshots()).length;
      const cut = path.join(rig.folder, "cut.tar");
      const whole = fs.readFileSync(archive);
      fs.writeFileSync(cut, whole.subarray(0, whole.length - 2048));
      const image = await id(tag);
      expect(await rig.failure("storeImages", { images: [image] }, { input: cut })).to.match(/cut off|Unexpected end|archive of images/);
      const other = `sha256:${"1".repeat(64)}`;
      expect(await rig.failure("storeImages", { images: [image, other] }, { input: archive })).to.equal(`the archive of images does not hold ${other}`);
      expect((await snapshots()).length).to.equal(before);
    });
  });

  describe("faults", () => {
    const inBackups = (script: string) => rig.script({ "/backups": "backups" }, `cd /backups\n${script}`);

    // Before the tests that store hundreds of megabytes, all of which would be copied and read for each of these.
    for (const part of ["data", "index", "snapshots", "keys", "config"]) {
      it(`a flipped byte in ${part} is found and named`, async () => {
        await rig.script({ "/b": "backups", "/d": `damaged-${part}` }, "cp -a /b/. /d/");
        const flip = `f=$(find files/${part} -type f | sort | head -n 1); s=$(stat -c %s $f); chmod u+w $f
          at=$((s / 2)); byte=$(od -An -tu1 -j $at -N 1 $f); printf "\\\\$(printf %03o $(((byte + 1) % 256)))" | dd of=$f bs=1 seek=$at conv=notrunc 2>/dev/null; echo $f`;
        const file = await rig.script({ "/d": `damaged-${part}` }, `cd /d\n${flip}`);
        const message = await rig.failure("checkFiles", null, { mounts: { "/backups": `damaged-${part}` } });
        expect(message).to.match(/^the first copy is damaged: /).and.to.contain(file.replace("files/", ""));
      });
    }

    it("an archive of a clone that cannot be read whole has no end, and is a failure", async () => {
      await rig.script({ "/b": "backups", "/d": "damaged-archive" }, "cp -a /b/. /d/; find /d/files/data -type f | while read -r f; do LC_ALL=C tr 'a-z' 'b-za' < $f > /tmp/f; chmod u+w $f; cat /tmp/f > $f; done");
      const archive = path.join(rig.folder, "damaged.tar");
      expect(await rig.failure("cloneArchive", { from: "first", point: point(20) }, { mounts: { "/backups": "damaged-archive" }, output: archive })).to.match(/the first copy|clone/);
      const bytes = fs.readFileSync(archive);
      expect(bytes.length >= 1024 && bytes.subarray(-1024).every((byte) => byte === 0)).to.equal(false);
    });

    it("a wrong password is said to be one, and nothing is begun anew", async () => {
      await rig.secrets({ "restic-password": "another" }, "secrets-wrong");
      expect(await rig.failure("storeArtifacts", { id: point(40), references: [] }, { mounts: { "/secrets": "secrets-wrong" } })).to.match(/^the first copy: restic cat could not open the repository: the password is not the right one/);
    });

    it("a repository that was opened is known again without restic, unless it or its password is another", async () => {
      const told = await rig.call<{ answer: string | null; runs: number }[]>("openings", null);
      const id = told[0]!.answer;
      expect(id).to.match(/^[0-9a-f]{64}$/);
      expect(told.map(({ runs }) => runs)).to.deep.equal([1, 1, 2, 3, 3]);
      expect(told.map(({ answer }) => answer)).to.deep.equal([id, id, told[2]!.answer, null, id]);
      expect(told[2]!.answer).to.match(/the password is not the right one/);
    });

    it("a repository that has gone is missed, never begun anew", async () => {
      await inBackups("mv files elsewhere");
      expect(await rig.failure("storeArtifacts", { id: point(41), references: [] })).to.equal("the first copy: the repository at /backups/files is missing (is the disk mounted?)");
      expect(await inBackups("ls")).not.to.match(/^files/m);
      await inBackups("mv elsewhere files");
      await store(point(41));
    });

    it("a lock of a restic that was killed goes, one of somebody else stays", async () => {
      await artifactScript("dd if=/dev/urandom of=big bs=1M count=200 2>/dev/null; chown 10001:10001 big");
      const words = await rig.words("storeArtifacts", { id: point(42), references: [] }, { name: "killed" });
      const child = spawn("docker", ["run", ...words], { stdio: "ignore" });
      const ended = new Promise((resolve) => child.on("close", resolve));
      // Stopped in its place while it is looked at: it cannot come to its end between that and its death.
      await eventually("restic has a lock and stores data", 60, async () => {
        if ((await execute("docker", ["pause", rig.name("killed")])).code !== 0) return undefined;
        const { stdout } = await execute("docker", ["top", rig.name("killed"), "-eo", "pid,args"]);
        if (/^ *\d+ +restic backup/m.test(stdout) && /^[0-9a-f]{64}$/.test(await inBackups("ls files/locks"))) return true;
        await execute("docker", ["unpause", rig.name("killed")]);
        return undefined;
      });
      await rig.kill("killed");
      await ended;
      const left = await inBackups("ls files/locks");
      expect(left).to.match(/^[0-9a-f]{64}$/);
      const before = (await snapshots()).length;
      // A lock of another machine: made by restic itself, whose input never ends.
      const other = `h4-other`;
      const image = await rig.image("backup");
      const foreign = ["--rm", "--interactive", "--name", rig.name("foreign"), "--hostname", other, "--user", "10002", "--volume", `${rig.name("backups")}:/backups`, "--volume", `${rig.name("secrets")}:/secrets:ro`, "--entrypoint", "restic"];
      const holder = spawn("docker", ["run", ...foreign, image, "backup", "--no-cache", "--stdin", "--repo", "/backups/files", "--password-file", "/secrets/restic-password"], { stdio: ["pipe", "ignore", "ignore"] });
      const holderEnded = new Promise((resolve) => holder.on("close", resolve));
      holder.stdin!.on("error", () => undefined);
      holder.stdin!.write("x");
      await eventually("a second lock", 60, async () => ((await inBackups("ls files/locks")).split("\n").length === 2 ? true : undefined));
      // Nothing is in the way of a backup; what removes data has to wait, and says for whom.
      await store(point(43));
      expect((await inBackups("ls files/locks")).split("\n")).to.have.length(1);
      const message = await rig.failure("forget", [(await snapshots()).at(-1)!.id]);
      expect(message).to.match(/^the first copy: restic (forget|prune) found the repository locked by somebody else/).and.to.contain(other);
      expect((await inBackups("ls files/locks")).split("\n")).to.have.length(1);
      await rig.kill("foreign");
      await holderEnded;
      expect((await snapshots()).length).to.be.greaterThan(before);
      await inBackups("rm -f files/locks/*");
      await rig.call("forget", (await snapshots()).filter(({ point: of }) => of === point(43)).map(({ id }) => id));
    });

    it("a lock that a power cut left half written is in nobody's way", async () => {
      await inBackups(`: > files/locks/${"a".repeat(64)} && chown 10002:10002 files/locks/*`);
      expect(await rig.call("forget", [])).to.deep.equal([]);
      expect(await inBackups("ls files/locks")).to.equal("");
    });

    it("a killed backup loses nothing that was stored", async () => {
      const stored = await snapshots();
      await artifactScript("dd if=/dev/urandom of=big bs=1M count=100 2>/dev/null");
      for (const milliseconds of [0, 400, 800, 1600]) {
        const name = `kill-${milliseconds}`;
        const child = spawn("docker", ["run", ...(await rig.words("storeArtifacts", { id: point(44), references: [] }, { name }))], { stdio: "ignore" });
        const ended = new Promise((resolve) => child.on("close", resolve));
        await eventually("it runs", 60, async () => ((await execute("docker", ["exec", rig.name(name), "true"])).code === 0 || child.exitCode !== null ? true : undefined));
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        await execute("docker", ["kill", "--signal", "KILL", rig.name(name)]);
        await ended;
      }
      await store(point(45));
      const ids = (await snapshots()).map(({ id }) => id);
      expect(ids).to.include.members(stored.map(({ id }) => id));
      await rig.call("checkFiles");
    });

    it("a first copy whose making was cut off is made", async () => {
      await rig.script({ "/b": "begun" }, "mkdir -p /b/files.new/keys && echo half > /b/files.new/keys/x && chown -R 10002:10002 /b && chmod 0700 /b");
      const taken = await store(point(46), [], { "/backups": "begun" });
      expect(taken.files).to.be.greaterThan(0);
      expect(await rig.script({ "/b": "begun" }, "ls /b")).to.equal("files\njournal\nscratch");
      await rig.script({ "/b": "begun" }, "rm /b/files/config /b/journal/*");
      expect(await rig.failure("storeArtifacts", { id: point(46), references: [] }, { mounts: { "/backups": "begun" } })).to.match(/holds files and is no repository/);
    });

    it("a full disk is a failure, keeps what there was, and is over when there is room", async () => {
      await rig.limitedVolume("small", { megabytes: 24, owner: "10002:10002" });
      const mounts = { "/backups": "small", "/artifacts": "few" };
      await rig.script({ "/a": "few" }, "mkdir -p /a/1 && head -c 1000000 /dev/urandom > /a/1/x && chown -R 10001:10001 /a");
      const first = await store(point(47), [], mounts);
      await rig.script({ "/a": "few" }, "head -c 40000000 /dev/urandom > /a/1/y");
      // Every second time restic does not end by itself.
      for (let attempt = 0; attempt < 4; attempt++) {
        expect(await rig.failure("storeArtifacts", { id: point(48), references: [] }, { mounts })).to.match(/^the first copy: restic backup (failed with exit code \d+|could not store, and was ended since it did not end by itself): .*no space left on device/);
        if (attempt < 3) await rig.call("forget", [], { mounts });
      }
      await rig.script({ "/a": "few" }, "rm /a/1/y");
      const after = await rig.call<Snapshot[]>("snapshots", "first", { mounts });
      expect(after.map(({ id }) => id)).to.deep.equal([first.snapshot]);
      // What the failed try left goes with the next pruning.
      await rig.call("forget", [], { mounts });
      await store(point(49), [], mounts);
      await rig.call("checkFiles", null, { mounts });
    });

    it("what is forgotten is gone, and what stays is whole", async () => {
      const all = await snapshots();
      const gone = all.filter(({ kind }) => kind === "artifacts").map(({ id }) => id);
      expect(await rig.call("forget", [...gone, "f".repeat(64)])).to.deep.equal([]);
      expect((await snapshots()).map(({ id }) => id)).to.deep.equal(all.map(({ id }) => id).filter((id) => !gone.includes(id)));
      await rig.call("checkFiles");
    });
  });
});
