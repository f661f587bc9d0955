import { expect } from "chai";
import { parse } from "yaml";
import { parseStackFile } from "../../../config/stackFile";
import { parseStackConfiguration } from "../../../config/stackConfiguration";
import { promotedText } from "../../../operations/promotion/liveFile";
import { promotionLines, promotionStatus } from "../../../operations/promotion/status";
import { strategyPage, withPromotion } from "../../../operations/promotion/strategyPage";
import { LIVE } from "./promotionWorld";

const image = `sha256:${"b".repeat(64)}`;
const limits = { orderQuantity: 1, orderNotional: 12_000 };
const paper = parseStackConfiguration("paper", { mode: "paper", portBase: 8400, feed: { source: "exchange" }, bots: [{ name: "refstrat01", limits, symbol: "ETHUSDT", settings: { emaFast: 18 } }, { name: "mine", limits, image }] });
const values = { images: { broker: image }, evidence: "reports/promotions/PRO-1.json", interval: paper.interval, bots: paper.bots };

describe("the file of a stack that is promoted to", () => {
  const promoted = (text: string) => promotedText("Pulumi.live.yaml", text, values, parseStackFile("live", text));
  const botsOf = (text: string) => (parse(text) as { config: Record<string, unknown> }).config["trading:bots"] as Record<string, unknown>[];

  it("has what was promoted, and its comments where they were", () => {
    const text = promoted(LIVE);
    const settings = "{ emaFast: 18, emaSlow: 50, atrPeriod: 14, stopAtrMultiple: 3, riskFraction: 0.005, maxExposure: 1 }";
    expect(text).to.equal(
      `${LIVE.replace("        orderNotional: 12000\n", `        orderNotional: 12000\n      symbol: ETHUSDT\n      settings: ${settings}\n`)}  trading:release:\n    images:\n      broker: ${image}\n    promotion:\n      evidence: reports/promotions/PRO-1.json\n`,
    );
  });

  it("is the same when it is promoted to again", () => expect(promoted(promoted(LIVE))).to.equal(promoted(LIVE)));

  it("keeps how its lines end", () => {
    const text = promoted(LIVE.replaceAll("\n", "\r\n"));
    expect(text.replaceAll("\r\n", "\n")).to.equal(promoted(LIVE));
    expect(text.replaceAll("\r\n", "")).not.to.include("\n");
  });

  it("is understood as Pulumi writes it back, with bots as one line of JSON", () => {
    const rewritten = LIVE.replace(/ {2}trading:bots:[\s\S]*$/, `  trading:bots: '${JSON.stringify([{ name: "refstrat01", limits }])}'\n`);
    expect(botsOf(promoted(rewritten))[0]).to.deep.include({ name: "refstrat01", symbol: "ETHUSDT", limits });
  });

  it("names an image of one's own, and takes it out of a bot that is the project's again", () => {
    const own = LIVE.replace("name: refstrat01", "name: mine");
    expect(botsOf(promoted(own))[0]).to.include({ image });
    const other = LIVE.replace("strategy: RefStrat_01", `image: ${image}`);
    expect(botsOf(promoted(other))[0]).to.include({ image: "reference", strategy: "RefStrat_01" });
  });

  it("is refused where it is none", () => expect(() => promotedText("Pulumi.live.yaml", "config: [", values, parseStackFile("live", LIVE))).to.throw("Pulumi.live.yaml is no YAML"));
});

describe("the page of a strategy", () => {
  const change = { promotion: "PRO-1", date: "2026-11-27", from: { stack: "paper", release: "REL-1" }, to: "live", reason: "Faster\naverages", changes: ["emaFast 20 → 18"] };
  const section = "## Promoted 2026-11-27 to live (PRO-1)\n\nFrom REL-1 of stack paper; on what grounds: `reports/promotions/PRO-1.json`.\n\nWhy: Faster; averages\n\n- emaFast 20 → 18\n";

  it("has a section more", () => expect(withPromotion("RefStrat_01", "# RefStrat_01\n\nText.\n\n", change)).to.equal(`# RefStrat_01\n\nText.\n\n${section}`));
  it("is made where there is none", () => expect(withPromotion("RefStrat_01", undefined, change)).to.equal(`# RefStrat_01\n\n${section}`));
  it("keeps how its lines end", () => expect(withPromotion("RefStrat_01", "# RefStrat_01\r\n", change)).to.equal(`# RefStrat_01\n\n${section}`.replaceAll("\n", "\r\n")));
  it("has its place", () => expect(strategyPage("RefStrat_01")).to.equal("docs/strategies/RefStrat_01.md"));
});

describe("what status says of a promotion", () => {
  const until = Date.parse("2026-12-04T07:05:01Z");
  const standing = { mayRun: true, reason: "promoted by PRO-1 from REL-1 of stack paper", evidence: null, canary: { until, fraction: 0.1 }, warnings: [] };
  const lines = (now: number, more: Partial<typeof standing> = {}) => promotionLines(promotionStatus("live", { ...standing, ...more }), now);

  it("is by what, and until when less may be risked", () => {
    expect(lines(until - 86_400_000 - 3_600_000)).to.deep.equal(["Promoted  by PRO-1 from REL-1 of stack paper", "          canary: 0.1 of each entry and of the limits until 2026-12-04 07:05 UTC, 1 d 1 h from now"]);
  });
  it("is no more of the first days when they are over", () => expect(lines(until)).to.have.length(1));
  it("is why not", () => expect(lines(until, { mayRun: false, reason: "live has no promotion" })[0]).to.equal("Promoted  no: live has no promotion: its bots are made and not started"));
  it("is nothing of paper", () => expect(promotionLines(promotionStatus("paper", standing), until)).to.deep.equal([]));
});
