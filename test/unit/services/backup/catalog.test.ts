import { expect } from "chai";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import type { RecoveryPoint } from "../../../../domain/backup/recoveryPoint";
import { Catalog, newestTime, provedIds } from "../../../../services/backup/catalog";
import { removeDurably, writeDurably } from "../../../../services/backup/durableFile";
import { samplePoint, sampleProof, temporaryPaths } from "./samples";

describe("the catalog of recovery points", () => {
  let home: Awaited<ReturnType<typeof temporaryPaths>>;
  let catalog: Catalog;
  beforeEach(async () => {
    home = await temporaryPaths();
    catalog = new Catalog(home.paths);
    await catalog.prepare();
  });
  afterEach(() => home.remove());

  it("gives back what was added, oldest first", async () => {
    await catalog.add(samplePoint("20261121T101000Z"));
    await catalog.add(samplePoint("20261121T041000Z"));
    const { points, broken } = await catalog.read();
    expect(points.map(({ id }) => id)).to.deep.equal(["20261121T041000Z", "20261121T101000Z"]);
    expect(broken).to.deep.equal([]);
    expect(newestTime(points)).to.equal(Date.UTC(2026, 10, 21, 10, 10));
  });

  it("takes in no manifest that lacks something, and leaves nothing behind", async () => {
    const { physical: _left, ...rest } = samplePoint("20261121T101000Z");
    const error = await catalog.add(rest as RecoveryPoint).catch((reason: Error) => reason);
    expect((error as Error).message).to.match(/^the manifest is not complete: manifest\.physical/);
    expect(await readdir(home.paths.points)).to.deep.equal([]);
  });

  it("tells of files that are no manifests, and reads the others", async () => {
    await catalog.add(samplePoint("20261121T101000Z"));
    await writeFile(path.join(home.paths.points, "20261121T111000Z.json"), '{"format":1');
    await writeFile(path.join(home.paths.points, "20261121T121000Z.json"), '{"format":2}');
    const { points, broken } = await catalog.read();
    expect(points).to.have.length(1);
    expect(broken.map(({ file }) => path.basename(file)).sort()).to.deep.equal(["20261121T111000Z.json", "20261121T121000Z.json"]);
  });

  it("gives no id twice, also to a clock that was set back", async () => {
    const now = Date.UTC(2026, 10, 21, 10, 10);
    expect(await catalog.freshId(now)).to.equal("20261121T101000Z");
    await catalog.add(samplePoint("20261121T101000Z"));
    await catalog.add(samplePoint("20261121T101001Z"));
    expect(await catalog.freshId(now)).to.equal("20261121T101002Z");
  });

  it("takes away what a crash left half written, and nothing else", async () => {
    await catalog.add(samplePoint("20261121T101000Z"));
    await writeFile(path.join(home.paths.points, "20261121T111000Z.json.0a1b2c3d.partial"), "{");
    await catalog.prepare();
    expect(await readdir(home.paths.points)).to.deep.equal(["20261121T101000Z.json"]);
  });

  it("removes a manifest, and does not mind one that has gone", async () => {
    await catalog.add(samplePoint("20261121T101000Z"));
    await catalog.remove("20261121T101000Z");
    await catalog.remove("20261121T101000Z");
    expect((await catalog.read()).points).to.deep.equal([]);
  });

  it("knows what was proved, by tests that passed alone", async () => {
    await catalog.addProof(sampleProof("20261121T101000Z", "2026-11-22T01:00:00.000Z"));
    await catalog.addProof(sampleProof("20261121T111000Z", "2026-11-21T01:00:00.000Z", false));
    const { proofs } = await catalog.read();
    expect(proofs.map(({ passed }) => passed)).to.deep.equal([false, true]);
    expect([...provedIds(proofs)]).to.deep.equal(["20261121T101000Z"]);
    expect((await readdir(home.paths.proofs)).sort()[0]).to.equal("20261121T101000Z-20261122T010000000Z.json");
  });
});

describe("files that are written durably", () => {
  let home: Awaited<ReturnType<typeof temporaryPaths>>;
  beforeEach(async () => {
    home = await temporaryPaths();
    await mkdir(home.paths.points, { recursive: true });
  });
  afterEach(() => home.remove());

  it("replace what was there as a whole", async () => {
    const file = path.join(home.paths.points, "file");
    await writeDurably(file, "one");
    await writeDurably(file, "two");
    expect(await readFile(file, "utf8")).to.equal("two");
    expect(await readdir(home.paths.points)).to.deep.equal(["file"]);
    await removeDurably(file);
    expect(await readdir(home.paths.points)).to.deep.equal([]);
  });

  it("leave nothing behind when they cannot be renamed into place", async () => {
    await mkdir(path.join(home.paths.points, "taken", "by"), { recursive: true });
    const error = await writeDurably(path.join(home.paths.points, "taken"), "text").catch((reason: Error) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(await readdir(home.paths.points)).to.deep.equal(["taken"]);
  });
});
