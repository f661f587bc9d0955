import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promotionStanding, readPromotionEvidence, type PromotionEvidence } from "../../../config/promotionEvidence";
import { parseStackConfiguration } from "../../../config/stackConfiguration";
import { IMAGE_NAMES } from "../../../images/catalog";
import { evidenceFor, evidenceItem, promotedAsItIs, writeEvidence } from "../../support/promotionEvidence";

const limits = { orderQuantity: 1, orderNotional: 12_000 };
const values = { mode: "live", portBase: 8500, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits }] };
const images = Object.fromEntries(IMAGE_NAMES.map((name, index) => [name, `sha256:${index.toString(16).padStart(64, "0")}`]));
const day = 86_400_000;

describe("the gate of live", () => {
  let root: string;
  beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-promotion-"))));
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const written = (more: Partial<Omit<PromotionEvidence, "hash">> = {}) => writeEvidence(root, evidenceFor("live", values, images, more));
  const standing = (more: Record<string, unknown>, stack = "live") => promotionStanding(root, stack, parseStackConfiguration(stack, { ...values, ...more }));

  it("is open for what its evidence covers, and says by what", () => {
    const evidence = evidenceFor("live", values, images);
    const found = standing({ release: writeEvidence(root, evidence) });
    expect(found).to.deep.include({ mayRun: true, reason: `promoted by ${evidence.id} from REL-20261127-070501-4f2a of stack paper`, warnings: [] });
    expect(found.evidence).to.deep.equal(evidence);
    expect(found.canary).to.deep.equal({ until: Date.parse(evidence.at) + 7 * day, fraction: 0.1 });
  });

  it("is open for a stack that a test promotes as its file declares it", () => {
    fs.writeFileSync(path.join(root, "Pulumi.live.yaml"), JSON.stringify({ config: Object.fromEntries(Object.entries(values).map(([key, value]) => [`trading:${key}`, value])) }));
    expect(standing({ release: promotedAsItIs(root, "live", images) }).mayRun).to.equal(true);
  });

  it("is open for paper without any", () => {
    const { mayRun, warnings } = promotionStanding(root, "paper", parseStackConfiguration("paper", { ...values, mode: "paper" }));
    expect([mayRun, warnings]).to.deep.equal([true, []]);
  });

  it("stays open where what may differ does", () => {
    expect(standing({ release: written(), limits: { exposureNotional: 100 }, portBase: 9000, feed: { source: "exchange" }, bots: [{ name: "refstrat01", limits: { orderQuantity: 0.1, orderNotional: 100 }, startingCash: 50 }] }).mayRun).to.equal(true);
  });

  it("stays open for a settings' default that is written out", () => {
    expect(standing({ release: written(), bots: [{ name: "refstrat01", limits, settings: { emaFast: 20 } }] }).mayRun).to.equal(true);
  });

  it("stays open where a later program has an image more", () => {
    const { "guard-proxy": _, ...earlier } = images;
    expect(standing({ release: writeEvidence(root, evidenceFor("live", values, earlier)) }).mayRun).to.equal(true);
  });

  const shut: [when: string, more: () => Record<string, unknown>, reason: RegExp, stack?: string][] = [
    ["there is no promotion", () => ({}), /^live has no promotion$/],
    ["there are images and no promotion", () => ({ release: { images } }), /^live has no promotion$/],
    ["the evidence is missing", () => ({ release: { images, promotion: { evidence: "reports/promotions/none.json" } } }), /^the promotion of live does not count: reports\/promotions\/none\.json is missing$/],
    ["it is of another stack", () => ({ release: written() }), /it is of stack live$/, "live2"],
    ["an image is another one", () => ({ release: { ...written(), images: { ...images, broker: `sha256:${"f".repeat(64)}` } } }), /does not cover live as it is configured: other images were promoted: broker$/],
    ["an image is built", () => ({ release: { ...written(), images: { ...images, bot: undefined } } }), /trading:release\.images does not name bot$/],
    ["a setting is another one", () => ({ release: written(), bots: [{ name: "refstrat01", limits, settings: { emaFast: 21 } }] }), /trading:bots\.refstrat01\.settings\.emaFast is 21 in live and 20 in PRO-/],
    ["a bot was added", () => ({ release: written(), bots: [...values.bots, { name: "second", limits }] }), /trading:bots\.second is \{.*\} in live and nothing in PRO-/],
    ["the fees are others", () => ({ release: written(), broker: { feeRate: 0 } }), /trading:broker\.feeRate is 0 in live and 0\.001 in PRO-/],
    ["a condition did not hold", () => ({ release: written({ items: [evidenceItem(), evidenceItem({ id: "paper.trades", holds: false })] }) }), /these of its conditions did not hold: paper\.trades$/],
    ["what it promoted is no longer understood", () => ({ release: written({ promoted: { bots: { refstrat01: { strategy: "Gone_01" } } } }) }), /what it promoted is no longer understood \(trading:bots\[0\]\.strategy = "Gone_01"/],
  ];
  for (const [when, more, reason, stack] of shut) {
    it(`is shut where ${when}`, () => {
      const found = standing(more(), stack);
      expect(found.reason).to.match(reason);
      expect([found.mayRun, found.canary]).to.deep.equal([false, null]);
    });
  }

  describe("reads its evidence", () => {
    const change = (edit: (evidence: PromotionEvidence) => unknown) => {
      const { promotion } = written();
      const file = path.join(root, promotion.evidence);
      fs.writeFileSync(file, JSON.stringify(edit(JSON.parse(fs.readFileSync(file, "utf8")) as PromotionEvidence)));
      return readPromotionEvidence(root, promotion.evidence);
    };
    it("and takes it whatever its layout is", () => expect(change((evidence) => evidence)).to.be.an("object"));

    const tampered: [what: string, edit: (evidence: PromotionEvidence) => unknown, problem: RegExp][] = [
      ["another image", (evidence) => ({ ...evidence, images: { ...evidence.images, bot: `sha256:${"e".repeat(64)}` } }), /was changed after it was written: its hash is not that of its content$/],
      ["another value", (evidence) => ({ ...evidence, items: evidence.items.map((item) => ({ ...item, value: 99 })) }), /was changed after it was written/],
      ["a later time", (evidence) => ({ ...evidence, at: "2020-01-01T00:00:00.000Z" }), /was changed after it was written/],
      ["another hash", (evidence) => ({ ...evidence, hash: "0".repeat(64) }), /was changed after it was written/],
      ["a further key", (evidence) => ({ ...evidence, signed: true }), /is no evidence of a promotion/],
      ["a key less", ({ items: _, ...evidence }) => evidence, /is no evidence of a promotion \(items: /],
      ["nothing in it", () => ({}), /is no evidence of a promotion/],
    ];
    for (const [what, edit, problem] of tampered) it(`and not one with ${what}`, () => expect(change(edit)).to.match(problem));

    it("and not one that is cut off", () => {
      const { promotion } = written();
      const file = path.join(root, promotion.evidence);
      fs.writeFileSync(file, fs.readFileSync(file, "utf8").slice(0, 100));
      expect(readPromotionEvidence(root, promotion.evidence)).to.match(/is not JSON$/);
    });
  });

  describe("says as long as it is so", () => {
    it("what was overridden, of which bot, and why", () => {
      const items = [evidenceItem({ value: 12, holds: false, overridden: "the exchange was away" }), evidenceItem({ id: "operations.disk", bot: null, value: null, limit: 0.15, holds: false, overridden: "a new disk is ordered" })];
      const { mayRun, warnings } = standing({ release: written({ items }) });
      expect(mayRun).to.equal(true);
      expect(warnings.map((line) => line.replace(/PRO-\S+/, "PRO"))).to.deep.equal([
        "PRO overrides a condition: paper.days of bot refstrat01 was 12, asked for at least 30: the exchange was away",
        "PRO overrides a condition: operations.disk was not known, asked for at least 0.15: a new disk is ordered",
      ]);
    });

    it("that less is asked for, promoted or not", () => {
      const less = { promotion: { paper: { days: 7 }, reason: "It trades every hour" } };
      const line = "promotions to live ask for less: paper.days 7 in place of 30: It trades every hour";
      expect(standing(less).warnings).to.deep.equal([line]);
      expect(standing({ ...less, release: written() }).warnings).to.deep.equal([line]);
    });

    it("that less was asked for, also when it no longer is", () => {
      const { warnings } = standing({ release: written({ loosened: [{ limit: "paper.days", value: 7, standard: 30 }], loosenedReason: "It trades every hour" }) });
      expect(warnings.map((line) => line.replace(/PRO-\S+/, "PRO"))).to.deep.equal(["PRO was made with less asked for: paper.days 7 in place of 30: It trades every hour"]);
    });
  });

  const reason = "The test says so.";
  const canaries: [promotion: object, days: number, fraction: number][] = [
    [{ canary: { days: 14, fraction: 0.05 } }, 14, 0.05],
    [{ canary: { days: 0.5, fraction: 0.1 }, reason }, 0.5, 0.1],
  ];
  for (const [promotion, days, fraction] of canaries) {
    it(`has first days of ${days} and ${fraction} of the limits where the file says so, from the promotion on`, () => {
      const at = "2026-11-27T07:05:01.000Z";
      expect(standing({ promotion, release: written({ at }) }).canary).to.deep.equal({ until: Date.parse(at) + days * day, fraction });
    });
  }
  for (const canary of [{ days: 0 }, { fraction: 1 }]) {
    it(`has no first days with ${JSON.stringify(canary)}`, () => expect(standing({ promotion: { canary, reason }, release: written() }).canary).to.equal(null));
  }
});
