import { expect } from "chai";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { RecoveryPoint } from "../../domain/backup/recoveryPoint";
import type { ArtifactsPart } from "../../services/backup/files/artifacts";
import type { ClonePart } from "../../services/backup/files/clone";
import type { Fetched } from "../../services/backup/files/fetch";
import type { ArtifactReference } from "../../services/backup/files/references";
import type { CopyState } from "../../services/backup/files/secondCopy";
import type { Snapshot } from "../../services/backup/files/snapshots";
import { exhaustive } from "../support/exhaustive";
import { FilesRig, type CallOptions } from "../support/filesRig";
import { RestServer } from "../support/restServer";
import { eventually, execute } from "../support/throwAwayStack";

const points = ["20261120T020000Z", "20261121T020000Z", "20261121T080000Z"] as const;
const label = "20261121-020000F";

/** A manifest as far as the copy reads it; the database's part is made up. */
function manifest(id: string, artifacts: ArtifactsPart, clone: ClonePart): RecoveryPoint {
  const content = { tables: [], hypertables: {}, indexes: 0, invalidIndexes: 0 };
  const time = id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const { storedBytes: _ofArtifacts, unexplained: _nothing, ...artifactsPart } = artifacts;
  const { storedBytes: _ofClone, ...clonePart } = clone;
  return {
    ...{ format: 1, id, stack: "test", mode: "paper", kind: "point", startedAt: time, finishedAt: time, snapshotAt: time },
    versions: { postgres: "17", timescaledb: "2", mlflowSchema: null, tradingSchema: "1", pgbackrest: "2", restic: "0" },
    ...{ images: {}, databases: { trading: content, mlflow: content }, databaseBytes: 1, storedBytes: 1, dump: null },
    physical: { label, type: "full", full: label, restorePoint: `trading-${id}`, lsn: "0/1", timeline: "00000001" },
    ...{ artifacts: artifactsPart, clone: clonePart },
  };
}

/** The first copy with three points, and second copies of both kinds; nothing of the first is there when it is restored. */
describe("the second copy", function () {
  this.timeout(300_000);
  let rig: FilesRig;
  let project: string;
  const parts: { artifacts: ArtifactsPart; clone: ClonePart }[] = [];

  before(async () => {
    rig = new FilesRig(`h4-${randomBytes(4).toString("hex")}`);
    await rig.prepare();
    const database = `mkdir -p backup/trading/${label} archive/trading/17-1/0000000100000000 && head -c 3000000 /dev/urandom > backup/trading/${label}/bundle && ln -s ${label} backup/trading/latest
      head -c 500000 /dev/urandom > archive/trading/17-1/0000000100000000/000000010000000000000001-x.zst && echo info > archive/trading/archive.info && echo half > archive/trading/archive.info.pgbackrest.tmp`;
    await rig.script(
      { "/a": "artifacts", "/b": "backups", "/w": "work" },
      `mkdir -p /b/pgbackrest /b/points /b/proofs && cd /b/pgbackrest && ${database} && chown -R 10002:10002 /b /w && chmod 0700 /b /w
       mkdir -p /a/1/r1/artifacts && printf 'bar\\n' > /a/1/r1/artifacts/equity.csv && chown -R 10001:10001 /a && chmod -R go-rwx /a`,
    );
    project = fs.mkdtempSync(path.join(rig.folder, "project-"));
    fs.mkdirSync(path.join(project, ".trading", "stacks", "test"), { recursive: true });
    fs.writeFileSync(path.join(project, ".trading", "stacks", "test", "key"), randomBytes(32).toString("hex"), { mode: 0o600 });
    fs.writeFileSync(path.join(project, "README"), "words\n");
    for (const words of [["init", "--quiet"], ["add", "README"], ["-c", "user.name=o", "-c", "user.email=o@x", "commit", "--quiet", "--message", "one"]]) {
      expect((await execute("git", words, { cwd: project })).code).to.equal(0);
    }
    for (const [index, id] of points.entries()) {
      await rig.script({ "/a": "artifacts" }, `head -c 200000 /dev/urandom > /a/1/${index} && chown 10001:10001 /a/1/${index}`);
      const reference: ArtifactReference = { path: "1/r1/artifacts/equity.csv", kind: "file", of: "run r1", bytes: 4, sha256: createHash("sha256").update("bar\n").digest("hex") };
      const artifacts = await rig.call<ArtifactsPart>("storeArtifacts", { id, references: [reference] });
      const clone = await rig.call<ClonePart>("takeClone", id, { mounts: { "/project": project } });
      parts.push({ artifacts, clone });
      await writePoint(id, manifest(id, artifacts, clone));
    }
  });
  after(() => rig?.remove());

  async function writePoint(id: string, content: RecoveryPoint): Promise<void> {
    await rig.script({ "/b": "backups" }, `printf %s '${JSON.stringify(content)}' > /b/points/${id}.json && chown 10002:10002 /b/points/${id}.json`);
  }

  /** Names, kinds, owners, rights and contents below a folder of a volume. */
  const listing = (volume: string, folder: string, skip = "nothing") =>
    rig.script({ "/v": volume }, `cd /v/${folder}\nfind . -mindepth 1 -not -name '${skip}' -printf '%P %y %U:%G %m %l\\n' | sort; find . -type f -not -name '${skip}' | sort | xargs sha256sum`);

  /** Calls of the service to one kind of second copy. */
  function callsWith(options: () => CallOptions) {
    const call = <Result>(name: string, argument: unknown = null, more: CallOptions = {}) =>
      rig.call<Result>(name, argument, { ...options(), ...more, mounts: { ...options().mounts, ...more.mounts } });
    return { call, second: () => call<Snapshot[]>("snapshots", "second") };
  }

  /** What a kind of second copy has in common with the other. */
  function keepsEverything(options: () => CallOptions, recovery: () => Promise<CallOptions>): void {
    const { call, second } = callsWith(options);

    it("has all of the first, and takes only what is new the next time", async () => {
      const copied = await call<CopyState>("copyToSecond");
      expect(copied).to.deep.include({ newestPoint: points[2], copied: 6, kept: 0 });
      expect(copied.bytes).to.equal(3_500_005);
      const again = await call<CopyState>("copyToSecond");
      expect(again).to.deep.include({ newestPoint: points[2], copied: 0, bytes: 3_500_005, kept: 0 });
      expect(again.storedBytes).to.be.lessThan(50_000);
      const kinds = (await second()).map(({ kind }) => kind).sort();
      expect(kinds).to.deep.equal(["artifacts", "artifacts", "artifacts", "catalog", "catalog", "clone", "clone", "clone", "pgbackrest", "pgbackrest"]);
      expect(await call("secondState")).to.deep.include({ initialised: true, missing: null });
      expect(await call<{ points: RecoveryPoint[] }>("secondCatalog").then((found) => found.points.map(({ id }) => id))).to.deep.equal([...points]);
    });

    it("gives everything back with the recovery key alone, byte for byte", async () => {
      const bare = await recovery();
      const tooMuch = await rig.failure("fetch", { point: points[1], besideBytes: 9e15 }, bare);
      expect(tooMuch).to.match(/^not enough room on the disk of the volumes: 9003\.5 TB|^not enough room on the disk of the volumes: 9000\.0 TB are needed, 3\.5 MB for the repository that is fetched \(0 bytes of it are there\) and 9000\.0 TB for what is restored of it, and \d/);
      const fetched = await rig.call<Fetched>("fetch", { point: points[1] }, bare);
      expect(fetched.bytes).to.equal(3_500_005);
      const work = (bare.mounts as Record<string, string>)["/scratch"]!;
      expect(await listing(work, "pgbackrest")).to.equal(await listing("backups", "pgbackrest", "*.tmp"));
      expect(await listing(work, "points")).to.equal(await listing("backups", "points"));
      // Once more changes nothing, and mends what was harmed meanwhile.
      await rig.script({ "/v": work }, `echo harmed > /v/pgbackrest/archive/trading/archive.info`);
      await rig.call<Fetched>("fetch", { point: null }, bare);
      expect(await listing(work, "pgbackrest")).to.equal(await listing("backups", "pgbackrest", "*.tmp"));

      const archive = path.join(rig.folder, `${work}.tar`);
      const back = path.join(rig.folder, work);
      await rig.call("cloneArchive", { from: "second", point: null }, { ...bare, output: archive });
      fs.mkdirSync(back);
      expect((await execute("tar", ["-xf", archive, "-C", back])).code).to.equal(0);
      const key = path.join(".trading", "stacks", "test", "key");
      expect(fs.readFileSync(path.join(back, key), "utf8")).to.equal(fs.readFileSync(path.join(project, key), "utf8"));
      expect((await execute("git", ["clone", "--quiet", "repository.bundle", "again"], { cwd: back })).code).to.equal(0);
      expect(fs.readFileSync(path.join(back, "again", "README"), "utf8")).to.equal("words\n");

      const request = { repository: "second", snapshot: parts[2]!.artifacts.snapshot, id: "bare" };
      expect(await rig.call("restoreArtifacts", request, bare)).to.deep.include({ files: 4, hashes: 1 });
      await rig.call("swapArtifacts", { id: "bare" }, bare);
      await rig.call("discardArtifacts", { id: "bare" }, bare);
      const artifacts = (bare.mounts as Record<string, string>)["/artifacts"]!;
      expect(await listing(artifacts, "1")).to.equal(await listing("artifacts", "1"));
    });
  }

  /** What has nothing to do with where the repository is. */
  function outlivesFaults(options: () => CallOptions): void {
    const { call, second } = callsWith(options);

    it("is opened by its own key alone", async () => {
      const address = await rig.script({ "/s": String(options().mounts?.["/secrets"] ?? "secrets") }, "cat /s/second-copy-address");
      await rig.secrets({ "second-copy-password": "another", "second-copy-address": address }, "secrets-wrong");
      const message = await rig.failure("copyToSecond", null, { ...options(), mounts: { ...options().mounts, "/secrets": "secrets-wrong" } });
      expect(message).to.match(/^the second copy: restic cat could not open the repository: the password is not the right one/);
    });

    it("is whole after copies that were killed", async () => {
      await rig.script({ "/b": "backups" }, "head -c 60000000 /dev/urandom > /b/pgbackrest/backup/trading/more && chown 10002:10002 /b/pgbackrest/backup/trading/more");
      for (const milliseconds of [500, 4000]) {
        const child = spawn("docker", ["run", ...(await rig.words("copyToSecond", null, { ...options(), name: "killed" }))], { stdio: "ignore" });
        const ended = new Promise((resolve) => child.on("close", resolve));
        await eventually("it runs", 60, async () => ((await execute("docker", ["exec", rig.name("killed"), "true"])).code === 0 || child.exitCode !== null ? true : undefined));
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        await execute("docker", ["kill", "--signal", "KILL", rig.name("killed")]);
        await ended;
      }
      const copied = await call<CopyState>("copyToSecond");
      expect(copied.bytes).to.equal(63_500_005);
      await call("checkSecond", { number: 1, of: 1 });
      await rig.script({ "/b": "backups" }, "rm /b/pgbackrest/backup/trading/more");
    });

    it("loses what retention removed from the first copy, and nothing when the first one was lost", async () => {
      await rig.script({ "/b": "backups", "/n": "new" }, `mv /b/points/${points[0]}.json /b/kept.json; mkdir -p /n/points /n/proofs && cp -a /b/pgbackrest /n/ && chown -R 10002:10002 /n && chmod 0700 /n`);
      try {
        await call("copyToSecond", null, { mounts: { "/backups": "new" } });
        expect((await second()).filter(({ point }) => point === points[0])).to.have.length(2);
        await call("copyToSecond");
        const found = await second();
        expect(found.filter(({ point }) => point === points[0])).to.deep.equal([]);
        expect(found.filter(({ point }) => point !== undefined)).to.have.length(4);
        await call("checkSecond", { number: 1, of: 1 });
      } finally {
        await rig.script({ "/b": "backups", "/n": "new" }, `mv /b/kept.json /b/points/${points[0]}.json; rm -rf /n/*`);
      }
    });
  }

  describe("in a folder of another disk", () => {
    const mounts = { "/second-copy": "disk" };
    before(async () => {
      await rig.limitedVolume("disk", { megabytes: 400, owner: "0:0" });
    });

    keepsEverything(
      () => ({ mounts }),
      async () => {
        await rig.fill("secrets-bare", "10002:10002", { "second-copy-password": rig.recoveryKey, "second-copy-address": "/second-copy" });
        return { mounts: { ...mounts, "/backups": null, "/secrets": "secrets-bare", "/scratch": "bare-path", "/artifacts": "bare-artifacts-path" } };
      },
    );
    outlivesFaults(() => ({ mounts }));

    it("says whether it lies on the first one's disk, and when nothing is mounted", async () => {
      const state = (from: string | null) => rig.call<{ sameDisk: boolean; missing: string | null }>("secondState", null, { mounts: { "/second-copy": from } });
      expect((await state("disk")).sameDisk).to.equal(false);
      expect(await state("beside")).to.deep.equal({ sameDisk: true, initialised: false, missing: null });
      expect((await state(null)).missing).to.equal("the second copy: nothing is mounted at /second-copy");
      expect(await rig.failure("copyToSecond")).to.equal("the second copy: nothing is mounted at /second-copy");
    });

    it("is missed when another disk is mounted, and begun there only when somebody says so", async () => {
      const empty = { mounts: { "/second-copy": "beside" } };
      expect(await rig.failure("copyToSecond", null, empty)).to.equal("the second copy: the repository at /second-copy is missing (is the disk mounted?)");
      expect(await rig.script({ "/v": "beside" }, "ls -A /v")).to.equal("");
      await rig.call("letSecondBegin");
      expect((await rig.call<CopyState>("copyToSecond", null, empty)).copied).to.equal(6);
      // The disk from before is ours as well: its turn may come again.
      expect((await rig.call<CopyState>("copyToSecond", null, { mounts })).kept).to.equal(0);
    });

    it("begins where a crash cut its beginning off", async () => {
      await rig.call("letSecondBegin");
      await rig.script({ "/v": "cut", "/d": "disk" }, "mkdir -p /v/keys /v/data /v/snapshots /v/index /v/locks && cp /d/keys/* /v/keys/ && chown -R 10002:10002 /v");
      expect((await rig.call<CopyState>("copyToSecond", null, { mounts: { "/second-copy": "cut" } })).copied).to.equal(6);
      await rig.call("letSecondBegin");
      await rig.script({ "/v": "cut" }, "rm /v/config");
      expect(await rig.failure("copyToSecond", null, { mounts: { "/second-copy": "cut" } })).to.match(/holds stored data and no file "config"/);
    });

    it("tells of a flipped byte when its part is read, and of a full disk", async () => {
      await rig.script({ "/v": "disk" }, "cp -a /v/data /v/kept; f=$(find /v/data -type f -size +100k | head -n 1); chmod u+w $f; printf X | dd of=$f bs=1 seek=5000 conv=notrunc 2>/dev/null");
      const failures: string[] = [];
      for (const number of [1, 2]) await rig.call("checkSecond", { number, of: 2 }, { mounts }).catch((error: Error) => failures.push(error.message));
      expect(failures).to.have.length(1);
      expect(failures[0]).to.match(/^the second copy: restic check failed with exit code 1: .*[0-9a-f]{8}/);
      await rig.script({ "/v": "disk" }, "rm -rf /v/data && mv /v/kept /v/data");
      await rig.script({ "/b": "backups" }, "head -c 2000000 /dev/urandom > /b/pgbackrest/more && chown 10002:10002 /b/pgbackrest/more");
      await rig.fillUp("disk");
      expect(await rig.failure("copyToSecond", null, { mounts })).to.match(/^the second copy: .*no space left on device/);
      await rig.giveRoom("disk");
      await rig.call("copyToSecond", null, { mounts });
      await rig.script({ "/b": "backups" }, "rm /b/pgbackrest/more");
    });
  });

  describe("on a REST server", () => {
    let server: RestServer;
    const options = (): CallOptions => ({ mounts: { "/secrets": "secrets-rest" }, network: "network" });
    before(async () => {
      server = await RestServer.start(rig);
      await rig.secrets({ "second-copy-address": server.address }, "secrets-rest");
      await rig.call("letSecondBegin");
    });

    keepsEverything(options, async () => {
      await rig.fill("secrets-bare-rest", "10002:10002", { "second-copy-password": rig.recoveryKey, "second-copy-address": server.address });
      return { mounts: { "/backups": null, "/secrets": "secrets-bare-rest", "/scratch": "bare-rest", "/artifacts": "bare-artifacts-rest" }, network: "network" };
    });
    if (exhaustive) outlivesFaults(options);

    it("shows its password in no argument, environment, log or message", async () => {
      await rig.script({ "/b": "backups" }, "head -c 30000000 /dev/urandom > /b/pgbackrest/more && chown 10002:10002 /b/pgbackrest/more");
      const child = spawn("docker", ["run", ...(await rig.words("copyToSecond", null, { ...options(), name: "watched", logLevel: "trace" }))], { stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk));
      const ended = new Promise((resolve) => child.on("close", resolve));
      let seen = "";
      while (child.exitCode === null) {
        const { stdout } = await execute("docker", ["exec", "--user", "0", rig.name("watched"), "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '"]);
        seen += stdout;
      }
      await ended;
      expect(seen).to.match(/restic copy|restic backup/);
      expect(said).to.contain('"value"');
      for (const text of [seen, said]) expect(text).not.to.contain(server.password).and.not.to.contain(rig.recoveryKey).and.not.to.contain(rig.password);
      await rig.script({ "/b": "backups" }, "rm /b/pgbackrest/more");
    });

    it("that lets nothing be removed keeps what retention does not want, and the copy is good", async () => {
      await server.stop();
      await server.run(true);
      await rig.script({ "/b": "backups" }, `mv /b/points/${points[1]}.json /b/kept.json`);
      const copied = await rig.call<CopyState>("copyToSecond", null, options());
      expect(copied.kept).to.be.greaterThan(0);
      await rig.script({ "/b": "backups" }, `mv /b/kept.json /b/points/${points[1]}.json`);
    });

    it("that does not answer is told without its address, and is no reason to begin anew", async () => {
      await server.stop();
      const state = await rig.call<{ missing: string; initialised: boolean }>("secondState", null, options());
      expect(state.initialised).to.equal(false);
      expect(state.missing).to.match(/^the second copy: restic cat was ended/);
      expect(state.missing).not.to.contain(server.password).and.not.to.contain(rig.name("rest"));
      await server.run();
      expect((await rig.call<CopyState>("copyToSecond", null, options())).copied).to.equal(0);
    });
  });
});
