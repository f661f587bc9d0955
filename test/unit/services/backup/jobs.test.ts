import { expect } from "chai";
import { missingOf } from "../../../../services/backup/checkJob";
import { Holes } from "../../../../services/backup/holes";
import { isOrphan } from "../../../../services/backup/pruneJob";
import { samplePoint } from "./samples";

const now = Date.UTC(2026, 10, 21);
const day = 86_400_000;

describe("what a manifest names", () => {
  const point = samplePoint("20261121T101000Z");
  const snapshots = new Set([point.clone!.snapshot]);
  it("is all there", () => expect(missingOf(point, new Set([point.physical!.label]), snapshots)).to.deep.equal([]));
  it("is missed by name", () => {
    expect(missingOf(point, new Set(), new Set())).to.deep.equal([
      "recovery point 20261121T101000Z lacks the database's backup 20261121T101000ZF",
      "recovery point 20261121T101000Z lacks its snapshot of artifacts, aaaaaaaa",
      "recovery point 20261121T101000Z lacks its snapshot of clone, aaaaaaaa",
    ]);
  });
});

describe("a snapshot that nothing needs", () => {
  const image = `sha256:${"a".repeat(64)}`;
  const cases: [what: string, kind: string | undefined, point: string | undefined, tags: string[], days: number, orphan: boolean][] = [
    ["one of a point that stays", "artifacts", "20261121T101000Z", [], 0, false],
    ["one of a point that went, or never had a manifest", "clone", "20261120T101000Z", [], 0, true],
    ["a dump that belongs to no point", "dump", undefined, [], 0, true],
    ["one of a kind that this program does not know", "photos", "20261120T101000Z", [], 400, false],
    ["one without any kind", undefined, undefined, [], 400, false],
    ["an image that is in use, however old", "image", undefined, [`image:${image}`], 400, false],
    ["an image that is not in use, and young", "image", undefined, ["image:sha256:b"], 89, false],
    ["an image that is not in use, and old", "image", undefined, ["image:sha256:b"], 91, true],
    ["an archive that is being read back", "image-unproved", undefined, [], 0, false],
    ["an archive that never was", "image-unproved", undefined, [], 2, true],
  ];
  for (const [what, kind, point, tags, days, orphan] of cases) {
    it(`${orphan ? "is" : "is not"} ${what}`, () => {
      const snapshot = { kind, point, tags, time: new Date(now - days * day).toISOString() };
      expect(isOrphan(snapshot, { points: new Set(["20261121T101000Z"]), images: new Set([image]), now })).to.equal(orphan);
    });
  }
});

describe("holes in the archive that matter", () => {
  const old = { after: "000000010000000000000003", before: "000000010000000000000005" };
  const fresh = { after: "000000010000000000000009", before: "00000001000000000000000B" };

  it("are none that were there when the program began, behind which there is a backup", () => {
    expect(new Holes().thatMatter({ missing: [old], missingSinceNewest: false }, now)).to.deep.equal([]);
  });

  it("are those since the newest backup", () => {
    expect(new Holes().thatMatter({ missing: [old, fresh], missingSinceNewest: true }, now)).to.deep.equal([fresh]);
  });

  it("are new ones for a day, though a backup ended them", () => {
    const holes = new Holes();
    holes.thatMatter({ missing: [old], missingSinceNewest: false }, now);
    expect(holes.thatMatter({ missing: [old, fresh], missingSinceNewest: true }, now + 1)).to.deep.equal([fresh]);
    expect(holes.thatMatter({ missing: [old, fresh], missingSinceNewest: false }, now + day)).to.deep.equal([fresh]);
    expect(holes.thatMatter({ missing: [old, fresh], missingSinceNewest: false }, now + day + 1)).to.deep.equal([]);
  });
});
