import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { newestStable, readReleases, releaseFolder, releaseId, releasesOf, releaseText, removeRelease, stackConfigurationHash, writeRelease } from "../../../config/releases";
import { parseStackConfiguration } from "../../../config/stackConfiguration";
import { imageId, releaseOf } from "./release";

const base = { portBase: 8400, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits: { orderQuantity: 1, orderNotional: 12_000 } }] };
const parse = (more: object, mode = "paper") => parseStackConfiguration(mode, { ...base, mode, ...more });

describe("the release in a stack's file", () => {
  for (const [mode, hours] of [["paper", 24], ["live", 72]] as const) {
    it(`pins nothing in ${mode} where nothing is said, and soaks for ${hours} h`, () => {
      expect(parse({}, mode)).to.deep.include({ release: { images: {} }, soak: { hours } });
    });
  }

  it("pins some images or all, and names the evidence of a promotion in live", () => {
    const release = { images: { broker: imageId("1"), "guard-proxy": imageId("2") }, promotion: { evidence: "reports/promotions/PRO-20261127-070501.json" } };
    expect(parse({ release }, "live").release).to.deep.equal(release);
  });

  it("is no part of the configuration's hash; everything else is, and the order of keys is not", () => {
    const hash = (more: object) => stackConfigurationHash(parse(more));
    expect(hash({ release: { images: { broker: imageId("1") } } })).to.equal(hash({}));
    expect(hash({ broker: { priceTick: 0.01, feeRate: 0.001 } })).to.equal(hash({ broker: { feeRate: 0.001, priceTick: 0.01 } })).and.to.equal(hash({}));
    expect(hash({ broker: { feeRate: 0.002 } })).to.not.equal(hash({}));
  });

  const wrong: [what: string, mode: string, more: object, message: string][] = [
    ["an image by tag", "paper", { release: { images: { broker: "trading-broker:1" } } }, '  trading:release.images.broker = "trading-broker:1": allowed: the id of a local image, sha256:<64 hex>; never a tag'],
    ["an image of another name", "paper", { release: { images: { brokr: imageId("1") } } }, `  trading:release.images.brokr = "${imageId("1")}": unknown key; allowed here: base, timescaledb, mlflow, node, migrate, livefeed, broker, bot, performance, gui, guard, guard-proxy, backup`],
    ["a promotion of paper", "paper", { release: { promotion: { evidence: "reports/promotions/a.json" } } }, '  trading:release.promotion = {"evidence":"reports/promotions/a.json"}: unknown key; allowed here: images'],
    ["evidence from elsewhere", "live", { release: { promotion: { evidence: "../a.json" } } }, '  trading:release.promotion.evidence = "../a.json": allowed: a path in the repository, reports/promotions/<file>.json'],
    ["evidence that climbs out", "live", { release: { promotion: { evidence: "reports/promotions/../a.json" } } }, '  trading:release.promotion.evidence = "reports/promotions/../a.json": allowed: a path in the repository, reports/promotions/<file>.json'],
    ["a soak of no time", "paper", { soak: { hours: 0 } }, "  trading:soak.hours = 0: allowed: more than 0"],
    ["an unknown key", "paper", { soak: { days: 1 } }, "  trading:soak.days = 1: unknown key; allowed here: hours"],
  ];
  for (const [what, mode, more, message] of wrong) it(`refuses ${what}`, () => expect(() => parse(more, mode)).to.throw(message));
});

describe("the records of releases", () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-releases-"));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const first = releaseOf("REL-20261127-070501-ffff", "2026-11-27T07:05:01.000Z");
  const second = releaseOf("REL-20261127-070501-0000", "2026-11-27T07:05:01.500Z", { stable: { at: "2026-11-28T07:05:01Z", tag: "stable/paper/REL-20261127-070501-0000" } });
  const third = releaseOf("REL-20261128-070501-0000", "2026-11-28T07:05:01Z");

  it("are none where no `up` was good yet", () => {
    expect(readReleases(root, "paper")).to.deep.equal([]);
    expect(newestStable([])).to.equal(undefined);
  });

  it("are read oldest first, each stack's own, as they were written", () => {
    for (const each of [third, first, second, { ...first, stack: "live" }]) writeRelease(root, each);
    expect(readReleases(root, "paper")).to.deep.equal([first, second, third]);
    expect(newestStable(readReleases(root, "paper"))).to.deep.equal(second);
    expect(newestStable([first, third])).to.equal(undefined);
    expect(fs.readdirSync(releaseFolder(root, "live"))).to.deep.equal([`${first.id}.json`]);
  });

  it("are replaced by the one of the same id, and gone once removed", () => {
    writeRelease(root, first);
    writeRelease(root, { ...first, clean: false });
    expect(readReleases(root, "paper")).to.deep.equal([{ ...first, clean: false }]);
    removeRelease(root, first);
    removeRelease(root, first);
    expect(readReleases(root, "paper")).to.deep.equal([]);
  });

  for (const [what, name, text] of [
    ["half a file", `${first.id}.json`, releaseText(first).slice(0, 40)],
    ["one of another stack", `${first.id}.json`, releaseText({ ...first, stack: "live" })],
    ["one under another's name", `${second.id}.json`, releaseText(first)],
    ["one of a later format", `${first.id}.json`, JSON.stringify({ ...first, format: 2 })],
  ] as const) {
    it(`leave out ${what} and name it`, () => {
      writeRelease(root, third);
      fs.writeFileSync(path.join(releaseFolder(root, "paper"), name), text);
      expect(releasesOf(root, "paper")).to.deep.equal({ releases: [third], unreadable: [name] });
    });
  }

  it("are not written with what is no record: nothing is there afterwards", () => {
    expect(() => writeRelease(root, { ...first, commit: "HEAD" })).to.throw(/commit/);
    expect(readReleases(root, "paper")).to.deep.equal([]);
  });

  it("have ids that say when, in UTC", () => expect(releaseId(Date.UTC(2026, 10, 27, 7, 5, 1, 999))).to.match(/^REL-20261127-070501-[0-9a-f]{4}$/));
});
