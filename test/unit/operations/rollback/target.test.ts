import { expect } from "chai";
import { standOf, type RollbackJournal } from "../../../../operations/rollback/journal";
import { chooseRelease, runningRelease, type RunningContainer } from "../../../../operations/rollback/target";
import { imageId, releaseOf } from "../../config/release";

const ids = ["REL-20260101-000000-0001", "REL-20260102-000000-0002", "REL-20260103-000000-0003", "REL-20260104-000000-0004"] as const;
/** Release number N of day N; content is what it brought up, and the same digit is the same thing. */
const release = (number: 1 | 2 | 3 | 4, stable: boolean, content = String(number)) => {
  const at = `2026-01-0${number}T00:00:00.000Z`;
  return releaseOf(ids[number - 1]!, at, { images: { broker: imageId(content) }, stable: stable ? { at, tag: `stable/paper/${ids[number - 1]}` } : null });
};

describe("the release to go back to", () => {
  const choose = (releases: ReturnType<typeof release>[], running = releases.at(-1), to?: string) => chooseRelease({ stack: "paper", releases, running, to }).id;

  for (const [what, releases, expected] of [
    ["the newest stable one before the one that runs", [release(1, true), release(2, true), release(3, false)], 2],
    ["the one before, where the one that runs is stable itself", [release(1, true), release(2, true)], 1],
    ["none that never was stable", [release(1, true), release(2, false), release(3, false)], 1],
    ["not the same thing again, under another name", [release(1, true), release(2, true), release(3, false), release(4, false, "2")], 1],
    ["not the one that was just left, stable or not", [release(1, true), release(2, true), release(3, true), release(4, false, "2")], 1],
  ] as const) {
    it(`is ${what}`, () => expect(choose([...releases])).to.equal(ids[expected - 1]));
  }

  it("is the newest stable one of all where what runs is no release", () => {
    const releases = [release(1, true), release(2, true)];
    expect(chooseRelease({ stack: "paper", releases, running: undefined, to: undefined }).id).to.equal(ids[1]);
  });

  it("is the one that was named, stable or not, before or after", () => {
    const releases = [release(1, true), release(2, false), release(3, false)];
    for (const each of releases) expect(choose(releases, releases[1], each.id)).to.equal(each.id);
  });

  for (const [what, releases, to, message] of [
    ["there is none before what runs", [release(1, true)], undefined, `stack paper has no stable release before ${ids[0]}, which runs: name one with --to; there are: ${ids[0]} (stable); nothing was changed`],
    ["none is stable", [release(1, false), release(2, false)], undefined, `stack paper has no stable release before ${ids[1]}, which runs: name one with --to; there are: ${ids[1]}, ${ids[0]}; nothing was changed`],
    ["there is no release at all", [], undefined, "stack paper has no stable release: name one with --to; there are: none; nothing was changed"],
    ["nobody knows the one that was named", [release(1, true)], "REL-1", `--to is "REL-1"; allowed: ${ids[0]} (stable); nothing was changed`],
  ] as const) {
    it(`is told with what there is, where ${what}`, () => expect(() => choose([...releases], releases.at(-1), to)).to.throw(message));
  }
});

describe("the release that runs", () => {
  const releases = [release(1, true), { ...release(2, false), images: { broker: imageId("b"), "bot-mine": `registry/mine@${imageId("d")}` } }];
  const good: RunningContainer[] = [
    { service: "broker", imageId: imageId("b"), createdAt: Date.parse("2026-01-02T00:00:00Z") },
    { service: "bot-mine", imageId: imageId("e"), createdAt: Date.parse("2026-01-01T00:00:00Z") },
  ];
  const found = (containers: RunningContainer[]) => runningRelease(releases, containers)?.id;

  it("is the newest one, as long as the last good up made what is there", () => {
    expect(found(good)).to.equal(ids[1]);
    expect(found([])).to.equal(ids[1]);
    expect(found([...good, { service: "tool-points", imageId: imageId("f"), createdAt: Date.parse("2026-02-01T00:00:00Z") }])).to.equal(ids[1]);
    expect(runningRelease([], good)).to.equal(undefined);
  });

  it("is none where a container was made since, or has another image", () => {
    expect(found([{ ...good[0]!, createdAt: Date.parse("2026-01-02T00:00:03Z") }])).to.equal(undefined);
    expect(found([{ ...good[0]!, imageId: imageId("c") }])).to.equal(undefined);
  });
});

describe("a rollback after a rollback", () => {
  const [one, two, three] = [release(1, true), release(2, true), release(3, false)];
  const begun = "2026-01-03T12:00:00.000Z";
  const journal = (more: Partial<RollbackJournal> = {}): RollbackJournal => ({ format: 1, stack: "paper", to: two.id, left: three.id, startedAt: begun, keepPositions: false, anySchema: false, noted: false, doneAt: null, ...more });
  /** What a good `up` after it leaves. */
  const back = release(4, false, "2");

  for (const [what, earlier, releases, running, to, expected] of [
    ["is the first one", undefined, [one, two, three], three, undefined, "none"],
    ["goes on where nothing good came of it yet", journal(), [one, two, three], undefined, undefined, "resume"],
    ["goes on where it was cut off before it touched anything", journal(), [one, two, three], three, undefined, "resume"],
    ["goes on when the same is named", journal(), [one, two, three], undefined, two.id, "resume"],
    ["begins anew when another is named", journal(), [one, two, three], undefined, one.id, "none"],
    ["is done where it was cut off after the up", journal(), [one, two, three, back], back, undefined, "done"],
    ["is done where it was", journal({ doneAt: begun }), [one, two, three, back], back, undefined, "done"],
    ["is done again where that is what is named", journal({ doneAt: begun }), [one, two, three, back], back, two.id, "none"],
    ["begins anew after something else was deployed", journal({ doneAt: begun }), [one, two, three, release(4, false)], release(4, false), undefined, "none"],
    ["begins anew after an up that was not good", journal({ doneAt: begun }), [one, two, three, back], undefined, undefined, "none"],
    ["begins anew where nobody knows the release any more", journal(), [one, three], undefined, undefined, "none"],
  ] as const) {
    it(what, () => expect(standOf(earlier, releases, running, to)).to.equal(expected));
  }
});
