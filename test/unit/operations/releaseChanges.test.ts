import { expect } from "chai";
import { stringify } from "yaml";
import type { Release } from "../../../config/releases";
import { changesOf } from "../../../operations/releases/changes";
import { imageId, releaseOf } from "../config/release";

const limits = { orderQuantity: 1, orderNotional: 12_000 };
const base = { mode: "paper", portBase: 8400, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits }] };
const file = (more: object = {}) => stringify({ config: Object.fromEntries(Object.entries({ ...base, ...more }).map(([key, value]) => [`trading:${key}`, value])) });
const images = { broker: imageId("1"), gui: imageId("1"), guard: imageId("1"), "bot-refstrat01": imageId("1") };
const release = (more: Partial<Release> = {}) => releaseOf("REL-20261127-070501-0000", "2026-11-27T07:05:01Z", { images, stackFile: file(), ...more });
const live = (more: object = {}) => ({ stack: "live", stackFile: file({ mode: "live", ...more }) });

describe("what a release changed", () => {
  const cases: [what: string, before: Partial<Release>, after: Partial<Release>, changes: string[]][] = [
    ["nothing that runs", {}, { stackFile: `# a remark\n${file()}` }, ["nothing that runs"]],
    ["one image, by its ids", {}, { images: { ...images, broker: imageId("2") } }, ["image of broker 111111111111 → 222222222222"]],
    ["an image of somebody else's", { images: { "bot-a": `registry/a@${imageId("1")}` } }, { images: { "bot-a": `registry/a@${imageId("2")}` } }, ["image of bot-a 111111111111 → 222222222222"]],
    ["many images, by their names", {}, { images: { broker: imageId("2"), gui: imageId("2"), guard: imageId("2"), "bot-refstrat01": imageId("1") } }, ["images of broker, guard, gui"]],
    ["sizing", {}, { stackFile: file({ bots: [{ name: "refstrat01", limits: { ...limits, orderQuantity: 2 } }] }) }, ["refstrat01: orderQuantity 1 → 2", "refstrat01: positionQuantity 1 → 2"]],
    ["sizing of the stack", {}, { stackFile: file({ limits: { exposureNotional: 20_000 } }) }, ["exposureNotional 12000 → 20000"]],
    ["settings of the strategy", {}, { stackFile: file({ bots: [{ name: "refstrat01", limits, settings: { emaFast: 12 } }] }) }, ["refstrat01: emaFast 20 → 12"]],
    ["bots", {}, { images: { ...images, "bot-other": imageId("1") }, stackFile: file({ bots: [{ name: "other", limits }] }) }, ["bot refstrat01 gone", "bot other new"]],
    ["other keys, by their names", {}, { stackFile: file({ logLevel: "debug", broker: { feeRate: 0.002, priceTick: 0.1 } }) }, ["trading:broker, trading:logLevel"]],
    ["the schema", {}, { schemaVersion: 6 }, ["schema 5 → 6"]],
    ["pins", {}, { stackFile: file({ release: { images: { broker: imageId("1"), gui: imageId("1") } } }) }, ["2 images pinned"]],
    ["a promotion", live(), live({ release: { promotion: { evidence: "reports/promotions/a.json" } } }), ["promoted by reports/promotions/a.json"]],
    ["a promotion that is gone", live({ release: { promotion: { evidence: "reports/promotions/a.json" } } }), live(), ["promotion gone"]],
    ["a file that is not understood any more, by its hash", { stackFile: "config: { trading:nonsense: 1 }" }, { configurationHash: "b".repeat(64) }, ["configuration"]],
    ["nothing, of a file that is not understood any more", { stackFile: "{" }, {}, ["nothing that runs"]],
    ["sizing before images, and the schema last", {}, { schemaVersion: 6, images: { ...images, broker: imageId("2") }, stackFile: file({ bots: [{ name: "refstrat01", limits: { ...limits, ordersPerDay: 5 } }] }) }, ["refstrat01: ordersPerDay 60 → 5", "image of broker 111111111111 → 222222222222", "schema 5 → 6"]],
  ];
  for (const [what, before, after, changes] of cases) it(`is ${what}`, () => expect(changesOf(release(before), release(after))).to.deep.equal(changes));

  it("is everything of the first one", () => expect(changesOf(undefined, release())).to.deep.equal(["the first release"]));
});
