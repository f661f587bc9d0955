import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { changesNothing, confirmed, recordRelease, superfluous, type GoodUp } from "../../../config/recordRelease";
import { readReleases, releaseFolder, writeRelease, type Release } from "../../../config/releases";
import { GitRepository } from "../../support/gitRepository";
import { imageId, releaseOf } from "./release";

const NOW = Date.parse("2026-11-27T07:05:01.250Z");
const stackFile = "config:\n  trading:mode: paper\n";
const up: GoodUp = { stack: "paper", images: { broker: imageId("1") }, imageNames: { broker: imageId("1"), base: imageId("0") }, configurationHash: "a".repeat(64), stackFile, schemaVersion: 5 };
const stable = { at: "2026-11-28T07:05:01Z", tag: "stable/paper/x" };

describe("the record of a good up", () => {
  let repository: GitRepository;
  beforeEach(() => {
    repository = new GitRepository();
    repository.init().write("Pulumi.paper.yaml", stackFile);
    repository.write(".gitignore", ".trading/\n");
  });
  afterEach(() => repository.remove());

  let asked = 0;
  const backup = async () => (asked++, "20261127T000000Z");
  const record = (more: Partial<GoodUp> = {}, now = NOW) => recordRelease(repository.root, { ...up, ...more }, backup, now);

  it("says what runs and what it came from", async () => {
    const commit = repository.commit();
    const { release, fresh } = await record();
    expect(fresh).to.equal(true);
    expect(release.id).to.match(/^REL-20261127-070501-[0-9a-f]{4}$/);
    const { id, ...rest } = release;
    expect(rest).to.deep.equal({
      ...{ format: 1, ...up, at: "2026-11-27T07:05:01.250Z", commit, clean: true, pushed: false },
      ...{ backup: "20261127T000000Z", health: "good", confirmedAt: "2026-11-27T07:05:01.250Z", stable: null },
    });
    expect(readReleases(repository.root, "paper")).to.deep.equal([release]);
    expect(repository.git("status", "--porcelain"), "nothing of it is for Git yet").to.equal("");
  });

  it("is the same one after an up that changed nothing, whatever was committed meanwhile", async () => {
    repository.commit();
    const { release } = await record();
    repository.write("docs/other.md", "words");
    repository.commit("words alone");
    asked = 0;
    const again = await record({}, NOW + 60_000);
    expect(again).to.deep.equal({ fresh: false, release: { ...release, confirmedAt: "2026-11-27T07:06:01.250Z" } });
    expect(readReleases(repository.root, "paper")).to.deep.equal([again.release]);
    expect(asked, "the backup was asked for").to.equal(0);
  });

  it("becomes clean when the same content was committed, and pushed when it was pushed", async () => {
    repository.commit();
    repository.write("new.ts", "code");
    expect((await record()).release).to.include({ clean: false, pushed: false });
    const commit = repository.commit();
    expect((await record()).release).to.include({ commit, clean: true, pushed: false });
    repository.push();
    expect((await record()).release).to.include({ commit, clean: true, pushed: true });
    repository.write("newer.ts", "code");
    expect((await record()).release, "and stays so").to.include({ commit, clean: true, pushed: true });
    expect(readReleases(repository.root, "paper")).to.have.length(1);
  });

  it("is new when something else runs, also when it ran before", async () => {
    const first = (await record({}, NOW)).release;
    const second = (await record({ images: { broker: imageId("2") } }, NOW + 1000)).release;
    const third = (await record({}, NOW + 2000)).release;
    expect(readReleases(repository.root, "paper")).to.deep.equal([first, second, third]);
  });

  it("holds no commit where there is no repository", async () => {
    fs.rmSync(path.join(repository.root, ".git"), { recursive: true });
    expect((await record()).release).to.include({ commit: null, clean: false, pushed: null });
  });

  it("fails where it cannot be written", async () => {
    fs.mkdirSync(path.dirname(releaseFolder(repository.root, "paper")), { recursive: true });
    fs.writeFileSync(releaseFolder(repository.root, "paper"), "in the way");
    const problem = await record().then(
      () => undefined,
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    expect(problem).to.be.oneOf(["EEXIST", "ENOTDIR"]);
  });

  it("takes the place of the oldest when there are many, and of no stable one", async () => {
    const old = Array.from({ length: 50 }, (_, index) => releaseOf(`REL-20261120-0000${String(index).padStart(2, "0")}-0000`, new Date(NOW - 3_600_000 + index * 1000).toISOString(), index === 0 ? { stable } : {}));
    for (const each of old) writeRelease(repository.root, each);
    await record();
    const kept = readReleases(repository.root, "paper");
    expect(kept.map(({ id }) => id).slice(0, 50)).to.deep.equal(old.map(({ id }) => id));
    await record({ schemaVersion: 6 }, NOW + 1000);
    expect(readReleases(repository.root, "paper").map(({ id }) => id)).to.deep.equal([...kept.map(({ id }) => id).filter((id) => id !== old[1]!.id), readReleases(repository.root, "paper").at(-1)!.id]);
  });
});

describe("whether an up changed something", () => {
  const newest = releaseOf("REL-20261127-070501-0000", "2026-11-27T07:05:01Z", up as Partial<Release>);
  const pinned = (value: string) => `config:\n  trading:release:\n    images: { broker: ${value} }\n`;
  const cases: [what: string, more: Partial<GoodUp>, same: boolean][] = [
    ["nothing at all", {}, true],
    ["images in another order", { imageNames: { base: imageId("0"), broker: imageId("1") } }, true],
    ["a remark in the stack's file", { stackFile: `# a remark\n${stackFile}` }, true],
    ["an image of a service", { images: { broker: imageId("2") } }, false],
    ["a service more", { images: { ...up.images, guard: imageId("1") } }, false],
    ["an image that no service runs", { imageNames: { ...up.imageNames, base: imageId("2") } }, false],
    ["the configuration", { configurationHash: "b".repeat(64) }, false],
    ["the schema", { schemaVersion: 6 }, false],
    ["a pin of the image that runs", { stackFile: pinned(imageId("1")) }, false],
  ];
  for (const [what, more, same] of cases) it(`${same ? "does not count" : "counts"} ${what}`, () => expect(changesNothing(newest, { ...up, ...more })).to.equal(same));

  it("compares with a file that is no YAML", () => expect(changesNothing({ ...newest, stackFile: "{" }, up)).to.equal(true));
});

describe("a release that is confirmed", () => {
  const [a, b] = ["a".repeat(40), "b".repeat(40)];
  const newest = (more: Partial<Release>) => releaseOf("REL-20261127-070501-0000", "2026-11-27T07:05:01Z", { ...up, ...more } as Partial<Release>);
  const cases: [what: string, was: Partial<Release>, now: Parameters<typeof confirmed>[2], commit: string | null][] = [
    ["keeps its commit among equals", { commit: a, clean: true, pushed: false }, { commit: b, clean: true, pushed: false }, a],
    ["keeps a clean one before a dirty one that is pushed", { commit: a, clean: true, pushed: false }, { commit: b, clean: false, pushed: true }, a],
    ["takes a clean one", { commit: a, clean: false, pushed: true }, { commit: b, clean: true, pushed: false }, b],
    ["takes one that is pushed", { commit: a, clean: true, pushed: false }, { commit: b, clean: true, pushed: true }, b],
    ["takes any before none", { commit: null, clean: false, pushed: null }, { commit: b, clean: false, pushed: false }, b],
    ["keeps any before none", { commit: a, clean: false, pushed: false }, { commit: null, clean: false, pushed: null }, a],
  ];
  for (const [what, was, now, commit] of cases) it(what, () => expect(confirmed(newest(was), up, now, NOW).commit).to.equal(commit));

  const state = { commit: b, clean: false, pushed: false };
  it("follows the text of its file, and the commit with it", () => expect(confirmed(newest({ commit: a }), { ...up, stackFile: "# new\n" }, state, NOW)).to.include({ stackFile: "# new\n", ...state }));
  it("keeps the text that a tag points to", () => expect(confirmed(newest({ commit: a, stable }), { ...up, stackFile: "# new\n" }, state, NOW)).to.include({ stackFile, commit: a, clean: true }));
});

describe("the records that are kept", () => {
  const many = (count: number, isStable: (index: number) => boolean) => Array.from({ length: count }, (_, index) => releaseOf(`REL-20261127-0705${String(index).padStart(2, "0")}-0000`, "2026-11-27T07:05:01Z", isStable(index) ? { stable } : {}));
  for (const [what, releases, gone] of [
    ["all of fifty", many(50, () => false), 0],
    ["the newest fifty", many(53, () => false), 3],
    ["all that are stable beside them", many(60, (index) => index % 2 === 0), 0],
  ] as const) {
    it(`are ${what}`, () => expect(superfluous(releases)).to.deep.equal(releases.slice(0, gone)));
  }
});
