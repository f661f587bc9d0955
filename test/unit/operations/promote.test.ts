import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { promotionStanding, readPromotionEvidence, type PromotionEvidence } from "../../../config/promotionEvidence";
import { readStackFile } from "../../../config/stackFile";
import { controlFolder } from "../../../control/folder";
import { freezesOf, haltsOf } from "../../../control/LatchFolder";
import type { Freeze } from "../../../control/records";
import { oneDeployAtATime } from "../../../operations/deploy/owner";
import { CommandError } from "../../../operations/errors";
import { IMAGES, idOf, Killed, LIVE, PAPER, PromotionWorld } from "./promotionWorld";
import { container, haltOf, NOW } from "./support";

interface Document {
  readonly promoted: boolean;
  readonly committed: boolean;
  readonly up: boolean;
  readonly failing: readonly string[];
  readonly promotion: string;
  readonly evidence: string;
  readonly files: readonly string[];
}

const REASON = ["--reason", "Faster, by evaluation EV-7"];

describe("promote", function () {
  this.timeout(60_000);
  let template: PromotionWorld;
  let world: PromotionWorld;
  before(() => (template = PromotionWorld.template()));
  after(() => template.remove());
  beforeEach(() => (world = template.copy()));
  afterEach(() => world.remove());

  const evidenceIn = (document: Document) => readPromotionEvidence(world.root, document.evidence) as PromotionEvidence;
  const problemOf = async (...argv: string[]): Promise<CommandError> => {
    try {
      await world.promote(...argv);
    } catch (error) {
      if (error instanceof CommandError) return error;
      throw error;
    }
    throw new Error("it was taken");
  };
  const untouched = () => {
    expect(world.commits()).to.deep.equal(["first"]);
    expect(world.uncommitted()).to.equal("");
    expect(world.pulumi).to.deep.equal([]);
  };

  const freeze = (): Freeze => {
    const { level: _, ...origin } = haltOf({ id: "FRZ-20240301-110000-4f2a" });
    return { ...origin, until: null };
  };

  it("is one commit, by which the bots of live may run, then a preview and an up", async () => {
    const { exitCode, text, document } = await world.promote("--yes", ...REASON);
    const { promotion, files, evidence } = document as Document;
    expect([exitCode, world.pulumi]).to.deep.equal([0, ["preview live", "up live"]]);
    expect(text).to.equal(`Committed: Promotion ${promotion}: REL-20240121-120000-4f2a of stack paper to live\nStack live is up and healthy (0 s).\nBot refstrat01: running\n`);
    expect(world.commits()).to.deep.equal([`Promotion ${promotion}: REL-20240121-120000-4f2a of stack paper to live`, "first"]);
    expect(files).to.deep.equal([evidence, "docs/strategies/RefStrat_01.md", "CHANGELOG.md", "Pulumi.live.yaml"]);
    expect(world.git("show", "--name-only", "--format=", "HEAD").split("\n").sort()).to.deep.equal([...files].sort());
    expect(world.uncommitted()).to.equal("");
    const { mayRun, canary } = promotionStanding(world.root, "live", readStackFile(world.root, "live"));
    expect([mayRun, canary]).to.deep.equal([true, { until: NOW + 7 * 86_400_000, fraction: 0.1 }]);
  });

  it("writes the images and strategies of paper into live's file and leaves the rest of it as it was", async () => {
    const { document } = await world.promote("--yes", ...REASON);
    expect(world.values("live")).to.deep.equal({
      ...{ mode: "live", portBase: 8500, feed: { source: "exchange" }, backup: { secondCopy: { kind: "path", path: "/media/disk" } } },
      bots: [{ name: "refstrat01", strategy: "RefStrat_01", symbol: "BTCUSDT", settings: { emaFast: 18, emaSlow: 50, atrPeriod: 14, stopAtrMultiple: 3, riskFraction: 0.005, maxExposure: 1 }, limits: { orderQuantity: 0.5, orderNotional: 12_000 } }],
      release: { images: IMAGES, promotion: { evidence: (document as Document).evidence } },
    });
    const kept = LIVE.split("\n").filter((line) => line !== "");
    for (const line of kept) expect(world.read("Pulumi.live.yaml").split("\n"), line).to.include(line);
    expect(world.read("Pulumi.paper.yaml")).to.equal(PAPER);
  });

  it("keeps what was known, asked for and proven in the evidence", async () => {
    const evidence = evidenceIn((await world.promote("--yes", ...REASON)).document as Document);
    expect(evidence).to.deep.include({ to: "live", reason: "Faster, by evaluation EV-7", images: IMAGES, loosened: [], loosenedReason: null });
    expect(evidence.from).to.deep.equal({ stack: "paper", release: "REL-20240121-120000-4f2a", commit: world.git("rev-parse", "HEAD~1") });
    expect(evidence.items.every(({ holds, overridden }) => holds && overridden === null)).to.equal(true);
    expect(evidence.items.find(({ id }) => id === "outOfSample.sharpe")).to.deep.include({ value: 1.1, standardError: 0.4, limit: 0.8, bot: "refstrat01" });
    expect(evidence.limits["paper"]!["days"]).to.equal(30);
    expect(evidence.unproven.join()).to.include("All fills are simulated");
    expect(evidence.changes).to.include("bot refstrat01: setting emaFast 20 → 18 (settings.emaFast)");
  });

  it("says on the strategy's page and in the changelog what changed and why", async () => {
    const { promotion } = (await world.promote("--yes", ...REASON)).document as Document;
    const page = world.read("docs/strategies/RefStrat_01.md");
    expect(page).to.match(/^# RefStrat_01\n\nA trend follower\.\n\n## Promoted 2024-03-01 to live \(PRO-/);
    expect(page).to.include(`reports/promotions/${promotion}.json`).and.include("\nWhy: Faster, by evaluation EV-7\n").and.include("\n- bot refstrat01: setting emaFast 20 → 18 (settings.emaFast)\n");
    expect(world.read("CHANGELOG.md")).to.include(`- **live**: promoted REL-20240121-120000-4f2a of paper (${promotion}): Faster, by evaluation EV-7\n`).and.include("  - bot refstrat01: setting emaFast 20 → 18 (settings.emaFast)\n");
  });

  it("wants to know why where the strategy changes, before anything is written", async () => {
    const { exitCode, message } = await problemOf();
    expect(exitCode).to.equal(2);
    expect(message).to.include("--reason says why").and.include("  bot refstrat01: setting emaFast 20 → 18 (settings.emaFast)");
    untouched();
  });

  it("shows all of it with --dry-run and changes nothing", async () => {
    const { exitCode, text, document } = await world.promote("--dry-run", ...REASON);
    expect(exitCode).to.equal(0);
    expect(text).to.match(/│ yes +│ paper\.days +│ Days of paper trading +│ 40\.0 d +│ at least 30\.0 d +│ 10\.0 d/).and.include("setting emaFast 20 → 18").and.include("Nothing was changed (--dry-run).");
    expect(document).to.include({ promoted: false, committed: false, up: false });
    untouched();
  });

  // One way for each condition not to hold, and how it is said.
  const day = 86_400_000;
  const refused: [condition: string, spoil: () => void, said: string][] = [
    ["outOfSample.sharpe", () => (world.evaluation = { ...world.evaluation, outOfSampleSharpe: 0.75 }), "outOfSample.sharpe: Sharpe ratio out of sample: 0.75, asked for at least 0.80, 0.05 short"],
    ["outOfSample.probability", () => (world.evaluation = { ...world.evaluation, probability: 0.85 }), "85.00 %, asked for at least 90.00 %, 5.00 % short"],
    ["outOfSample.maxDrawdown", () => (world.evaluation = { ...world.evaluation, maxDrawdown: 0.2 }), "20.00 %, asked for at most 15.00 %, 5.00 % too much"],
    ["outOfSample.trades", () => (world.evaluation = { ...world.evaluation, trades: Number.NaN }), "not known, asked for at least 30"],
    ["paper.days", () => (world.figures = { span: "all", bars: 719 }), "30.0 d, asked for at least 30.0 d"],
    ["paper.trades", () => (world.figures = { ...world.figures, trades: 4 }), "4, asked for at least 5, 1 short"],
    ["paper.maxDrawdown", () => (world.figures = { ...world.figures, drawdownMax: 0.11 }), "11.00 %, asked for at most 10.00 %, 1.00 % too much"],
    ["paper.sharpe", () => (world.figures = { ...world.figures, sharpe: -4, sharpeError: 3 }), "-1.33, asked for at least -1.00, 0.33 short"],
    ["paper.limits", () => (world.page = { ...world.page!, bots: world.page!.bots.map((bot) => ({ ...bot, rejections: [{ kind: "order quantity", count: 2, lastAt: 0, lastReason: "" }] })) }), "2, asked for at most 0, 2 too much"],
    ["parity.decisions", () => (world.compared = { decisionsMatched: 719 }), "99.86 %, asked for at least 100.00 %"],
    ["parity.trades", () => (world.compared = { tradesMatched: 5 }), "83.33 %, asked for at least 100.00 %"],
    ["parity.trackingError", () => (world.compared = { trackingError: 0.03 }), "3.00 %, asked for at most 2.00 %"],
    ["parity.days", () => (world.compared = { fromBar: "2024-02-10T00:00:00.000Z" }), "20.0 d, asked for at least 29.0 d"],
    ["parity.configuration", () => (world.compared = { configurationHash: "another" }), "1, asked for at most 0"],
    ["parity.image", () => (world.compared = { image: idOf("another") }), "1, asked for at most 0"],
    ["parity.frozen", () => (world.compared = { frozen: true }), "1, asked for at most 0"],
    ["feed.healthy", () => (world.page = { ...world.page!, feeds: world.page!.feeds.map((feed) => ({ ...feed, health: [{ hours: 168, healthy: 0.99, known: 168 * 3_600_000 }] })) }), "99.00 %, asked for at least 99.50 %"],
    ["feed.known", () => (world.page = { ...world.page!, feeds: world.page!.feeds.map((feed) => ({ ...feed, health: [{ hours: 168, healthy: 1, known: 24 * 3_600_000 }] })) }), "24.0 h, asked for at least 160.0 h"],
    ["feed.gaps", () => (world.page = { ...world.page!, feeds: world.page!.feeds.map((feed) => ({ ...feed, measures: { missingCandles: 1 } })) }), "1, asked for at most 0"],
    ["feed.skew", () => (world.page = { ...world.page!, feeds: world.page!.feeds.map((feed) => ({ ...feed, measures: { ...feed.measures, clockSkewMilliseconds: -900 } })) }), "900 ms, asked for at most 500 ms"],
    ["operations.backup", () => (world.page = { ...world.page!, backup: { ...world.page!.backup!, newestPoint: { id: "p", at: NOW - 25 * 3_600_000, bytes: 1 } } }), "25.0 h, asked for at most 24.0 h, 1.0 h too much"],
    ["operations.secondCopyAge", () => (world.page = { ...world.page!, backup: { ...world.page!.backup!, secondCopy: { kind: "path", lastGood: NOW - 2 * day } } }), "48.0 h, asked for at most 24.0 h"],
    ["operations.restoreTest", () => world.write("reports/restore-tests/2024-02-20T010000Z.json", JSON.stringify({ stack: "paper", passed: true, finishedAt: "2024-01-01T00:00:00Z" })), "60.5 d, asked for at most 35.0 d"],
    ["operations.restoreTestFailed", () => world.write("reports/restore-tests/2024-02-28T010000Z.json", JSON.stringify({ stack: "paper", passed: false, finishedAt: "2024-02-28T01:10:00Z" })), "1, asked for at most 0"],
    ["operations.haltDrill", () => fs.rmSync(path.join(controlFolder(world.root, "paper"), "drills.json")), "not known, asked for at most 35.0 d"],
    ["operations.alerts", () => (world.page = { ...world.page!, alerts: { active: [{ id: "a", sender: "guard", key: "k", severity: "critical", text: "t", runbook: "", since: 0, acknowledged: true }], unknown: [], undelivered: 0 } }), "1, asked for at most 0"],
    ["operations.halts", () => haltsOf(controlFolder(world.root, "live")).place(haltOf({ stack: "live", level: "pause" })), "1, asked for at most 0"],
    ["operations.freezes", () => freezesOf(controlFolder(world.root, "paper")).place(freeze()), "1, asked for at most 0"],
    ["operations.disk", () => (world.freeShare = 0.1), "10.00 %, asked for at least 15.00 %, 5.00 % short"],
    ["release.hours", () => void world.release({ at: new Date(NOW - 23 * 3_600_000).toISOString() }), "23.0 h, asked for at least 24.0 h, 1.0 h short"],
    ["release.clean", () => void world.release({ clean: false }), "1, asked for at most 0"],
    ["release.images", () => (world.engine.all = world.engine.all.map((fact) => (fact.service === "broker" ? { ...fact, imageId: idOf("other") } : fact))), "1, asked for at most 0"],
    ["release.imageNames", () => void world.release({ imageNames: Object.fromEntries(Object.entries(IMAGES).filter(([name]) => name !== "node")) }), "1, asked for at most 0"],
  ];
  for (const [condition, spoil, said] of refused) {
    it(`is refused for ${condition}, with how far it is from it`, async () => {
      spoil();
      const { exitCode, text, document } = await world.promote("--yes", ...REASON);
      expect([exitCode, (document as Document).failing]).to.deep.equal([2, [condition]]);
      expect(text).to.include("Stack paper is NOT promoted to live: 1 of ").and.include(`  ${condition}: `).and.include(said);
      expect(world.commits()).to.deep.equal(["first"]);
      expect(world.pulumi).to.deep.equal([]);
    });
  }

  const refusedFiles: [condition: string, file: string, text: string, said: string][] = [
    ["release.file", "Pulumi.paper.yaml", PAPER.replace("orderNotional: 12000", "orderNotional: 13000"), "1, asked for at most 0"],
    ["release.differences", "Pulumi.live.yaml", `${LIVE}  trading:broker: { feeRate: 0.002 }\n`, "trading:broker.feeRate is 0.002 in Pulumi.live.yaml and 0.001 in Pulumi.paper.yaml"],
    ["operations.targetSecondCopy", "Pulumi.live.yaml", LIVE.replace(/ {2}trading:backup:\n.*\n/, ""), "0, asked for at least 1, 1 short"],
  ];
  for (const [condition, file, content, said] of refusedFiles) {
    it(`is refused for ${condition}, which a stack's file is about`, async () => {
      world.write(file, content);
      world.git("commit", "--quiet", "--all", "--message", "changed");
      const { exitCode, text, document } = await world.promote("--yes", ...REASON);
      expect([exitCode, (document as Document).failing]).to.deep.equal([2, [condition]]);
      expect(text).to.include(said);
      expect(world.commits()).to.deep.equal(["changed", "first"]);
    });
  }

  it("is refused for all that is not known where nothing answers", async () => {
    world.page = undefined;
    world.engine.unreachable = true;
    const { exitCode, text, document } = await world.promote("--yes", ...REASON);
    expect(exitCode).to.equal(2);
    expect((document as Document).failing).to.include.members(["paper.days", "parity.days", "feed.healthy", "operations.backup", "operations.secondCopy", "operations.disk", "release.images"]);
    expect(text).to.include("Note: Docker cannot be reached: is it running?");
    untouched();
  });

  it("is refused without a release, which is what would be promoted", async () => {
    fs.rmSync(path.join(world.root, ".trading", "stacks", "paper", "releases"), { recursive: true });
    const { exitCode, document } = await world.promote("--yes", ...REASON);
    expect([exitCode, (document as Document).failing]).to.deep.equal([2, ["parity.image", "release.record", "release.hours", "release.clean", "release.file", "release.images", "release.imageNames"]]);
    untouched();
  });

  it("asks for what live's file asks for, and keeps that it is less", async () => {
    world.write("Pulumi.live.yaml", `${LIVE}  trading:promotion: { paper: { days: 10 }, reason: "It trades every hour" }\n`);
    world.git("commit", "--quiet", "--all", "--message", "changed");
    world.figures = { ...world.figures, bars: 300 };
    const evidence = evidenceIn((await world.promote("--yes", ...REASON)).document as Document);
    expect([evidence.loosened, evidence.loosenedReason]).to.deep.equal([[{ limit: "paper.days", value: 10, standard: 30 }], "It trades every hour"]);
    expect(promotionStanding(world.root, "live", readStackFile(world.root, "live")).warnings.join()).to.include("paper.days 10 in place of 30: It trades every hour");
  });

  describe("with an override", () => {
    beforeEach(() => (world.figures = { ...world.figures, bars: 300 }));

    it("goes on with the reason, which is in the evidence and shown from then on", async () => {
      const { exitCode, document } = await world.promote("--yes", "--override", "paper.days", ...REASON);
      expect(exitCode).to.equal(0);
      const overridden = evidenceIn(document as Document).items.filter((item) => item.overridden !== null);
      expect(overridden.map(({ id, value, overridden: why }) => [id, value, why])).to.deep.equal([["paper.days", 12.5, "Faster, by evaluation EV-7"]]);
      expect(world.said).to.match(/│ overridden +│ paper\.days/).and.include("overridden: paper.days of bot refstrat01: Faster");
      expect(promotionStanding(world.root, "live", readStackFile(world.root, "live")).warnings).to.have.length(1);
    });

    it("says which was not needed", async () => {
      await world.promote("--yes", "--override", "paper.days", "--override", "paper.trades", ...REASON);
      expect(world.said).to.include("Note: --override paper.trades is not needed: the condition holds");
    });

    const wrong: [argv: string[], problem: string][] = [
      [["--override", "paper.days"], "--override goes with --reason"],
      [["--override", "paper.day", ...REASON], '--override: there is no condition "paper.day"; what does not hold:\n  paper.days: Days of paper trading: 12.5 d'],
      [["--override", "release.images", ...REASON], '--override: "release.images" cannot be overridden'],
    ];
    for (const [argv, problem] of wrong) {
      it(`refuses ${argv.slice(0, 3).join(" ")}`, async () => {
        const { exitCode, message } = await problemOf(...argv);
        expect(exitCode).to.equal(2);
        expect(message).to.include(problem);
        untouched();
      });
    }

    for (const condition of ["operations.secondCopy", "operations.targetSecondCopy", "operations.freezes"]) {
      it(`does not go on without ${condition}`, async () => {
        const { message } = await problemOf("--override", condition, ...REASON);
        expect(message).to.include(`--override: "${condition}" cannot be overridden`);
      });
    }
  });

  describe("refuses before anything is looked at", () => {
    const wrong: [what: string, prepare: () => void, argv: string[], problem: string][] = [
      ["a changed file of live", () => world.write("Pulumi.live.yaml", `${LIVE}# mine\n`), [], "Pulumi.live.yaml has changes that are in no commit"],
      ["a changelog that is not committed", () => world.write("CHANGELOG.md", "# Changelog\n"), [], "CHANGELOG.md has changes that are in no commit"],
      ["a strategy's page that is not committed", () => world.write("docs/strategies/RefStrat_01.md", "mine"), [], "docs/strategies/RefStrat_01.md has changes that are in no commit"],
      ["a merge that is under way", () => world.write(".git/MERGE_HEAD", "x"), [], "nothing can be committed here: a merge is under way"],
      ["a stack to itself", () => undefined, ["--to", "paper"], "stack paper is not promoted to itself"],
      ["live to something", () => undefined, ["--from", "live", "--to", "other"], "there is no stack"],
      ["paper to paper", () => world.write("Pulumi.other.yaml", PAPER), ["--to", "other"], "stack other is paper; --to takes a live stack"],
      ["live to live", () => world.write("Pulumi.other.yaml", LIVE), ["--from", "other"], "stack other is live; --from takes a paper stack"],
      ["a reason that is none", () => undefined, ["--reason", "  "], "--reason has 0 characters"],
    ];
    for (const [what, prepare, argv, problem] of wrong) {
      it(what, async () => {
        prepare();
        const { exitCode, message } = await problemOf("--yes", ...argv);
        expect([exitCode, message]).to.satisfy(([code, text]: [number, string]) => code === 2 && text.includes(problem), message);
        expect(world.commits()).to.deep.equal(["first"]);
      });
    }

    it("and leaves what the owner has staged out of its commit", async () => {
      world.write("notes.txt", "mine");
      world.git("add", "notes.txt");
      await world.promote("--yes", ...REASON);
      expect(world.git("show", "--name-only", "--format=", "HEAD")).not.to.include("notes.txt");
      expect(world.uncommitted()).to.equal("A  notes.txt");
    });
  });

  describe("brings live up", () => {
    it("when the stack's name is typed", async () => {
      world.answer = "live";
      expect((await world.promote(...REASON)).document).to.include({ committed: true, up: true });
      expect(world.pulumi).to.deep.equal(["preview live", "up live"]);
    });

    it("not where nobody can be asked: the commit stands, and the way on is told", async () => {
      const { exitCode, text, document } = await world.promote(...REASON);
      expect([exitCode, world.pulumi]).to.deep.equal([0, ["preview live"]]);
      expect(document).to.include({ committed: true, up: false, next: "npx trading deploy --stack live" });
      expect(text).to.include("to go on: npx trading deploy --stack live; to take the promotion back instead: git revert ").and.include(world.git("log", "-1", "--format=%h"));
    });

    it("not where something else is typed", async () => {
      world.answer = "yes";
      const { exitCode, text } = await world.promote(...REASON);
      expect([exitCode, world.pulumi]).to.deep.equal([1, ["preview live"]]);
      expect(text).to.include('"yes" is not "live": stack live is as before');
    });

    it("or says what stands when the preview fails", async () => {
      world.succeeds = { preview: false, up: true };
      const { exitCode, message } = await problemOf("--yes", ...REASON);
      expect(exitCode).to.equal(1);
      expect(message).to.include("the stack would not come up with this configuration:\nerror: container trading-live-broker keeps ending\n").and.match(/PRO-\S+ is committed, and nothing of it was brought up; .*git revert/);
      expect(world.commits()).to.have.length(2);
    });

    for (const [what, touched, said] of [
      ["before anything was touched", false, "No container was touched."],
      ["with no release to go back to", true, "It could not be rolled back:"],
    ] as const) {
      it(`or says what stands when the up fails ${what}`, async () => {
        world.succeeds = { preview: true, up: false };
        world.onUp = () => touched && world.engine.all.push(container("broker", { name: "trading-live-broker" }));
        const { exitCode, text, document } = await world.promote("--yes", ...REASON);
        expect([exitCode, world.pulumi]).to.deep.equal([1, ["preview live", "up live"]]);
        expect(text).to.include("The deploy of stack live failed:\n  error: container trading-live-broker keeps ending\n").and.include(said).and.match(/PRO-\S+ is committed; to go on: .*git revert/);
        expect(document).to.include({ committed: true, up: false });
        expect(world.commits()).to.have.length(2);
      });
    }

    it("not while somebody else deploys it, nor before it was ever made", async () => {
      const folder = path.join(world.root, ".trading", "stacks", "live");
      await oneDeployAtATime(world.root, "live", async () => expect((await problemOf("--yes", ...REASON)).message).to.include("deploy.lock"));
      fs.renameSync(folder, `${folder}-away`);
      expect((await problemOf("--yes", ...REASON)).message).to.include("there is no stack live in this folder yet: npm start -- --stack live makes it; nothing was changed");
      expect((await world.promote("--dry-run", ...REASON)).exitCode).to.equal(0);
      world.page = undefined;
      expect((await world.promote("--yes", ...REASON)).text).to.match(/Stack paper is NOT promoted to live: \d+ of \d+ conditions do not hold; nothing was changed\./);
      untouched();
    });
  });

  describe("of a release that is promoted already", () => {
    it("goes on with the up that is left, and makes no other commit", async () => {
      const { promotion } = (await world.promote(...REASON)).document as Document;
      const { exitCode, text, document } = await world.promote("--yes");
      expect([exitCode, world.commits().length]).to.deep.equal([0, 2]);
      expect(text).to.include(`REL-20240121-120000-4f2a of stack paper is promoted to live already (${promotion}); live was not brought up with it yet\nStack live is up and healthy (`);
      expect(document).to.include({ promotion, up: true });
    });

    it("does nothing where live runs it", async () => {
      await world.promote("--yes", ...REASON);
      world.release({ id: "REL-20240301-120000-0001", at: new Date(NOW).toISOString() }, "live");
      world.pulumi.length = 0;
      const { exitCode, text } = await world.promote("--yes");
      expect([exitCode, world.pulumi, world.commits().length]).to.deep.equal([0, [], 2]);
      expect(text).to.include("and live runs it. --renew promotes it again.");
    });

    it("is another promotion with --renew, which needs no reason where nothing changes", async () => {
      const first = (await world.promote("--yes", ...REASON)).document as Document;
      const second = (await world.promote("--yes", "--renew")).document as Document;
      expect(second.promotion).not.to.equal(first.promotion);
      expect(world.values("live")["release"].promotion.evidence).to.equal(second.evidence);
      expect(second.files).to.deep.equal([second.evidence, "CHANGELOG.md", "Pulumi.live.yaml"]);
    });
  });

  describe("killed", () => {
    const steps = ["noted", "wrote reports/promotions/ID.json", "wrote docs/strategies/RefStrat_01.md", "wrote CHANGELOG.md", "wrote Pulumi.live.yaml", "committed", "previewed", "deployed"];
    const stepsHere = () => world.steps.map((step) => step.replace(/PRO-[^.]+/, "ID"));

    it("may be between these steps", async () => {
      await world.promote("--yes", ...REASON);
      expect(stepsHere()).to.deep.equal(steps);
    });

    for (const step of steps) {
      it(`after "${step}" and run again leaves one promotion, whole, and live up with it`, async () => {
        const killed = world.promote;
        // The id is known only when it is made.
        Object.defineProperty(world, "killAfter", { configurable: true, get: () => (step.includes("ID") ? world.steps.find((made) => made.startsWith("wrote reports/")) : step) });
        const problem = await killed.call(world, "--yes", ...REASON).then(() => undefined, (error: unknown) => error);
        expect(problem).to.be.instanceOf(Killed);
        Object.defineProperty(world, "killAfter", { configurable: true, value: undefined });
        const { exitCode } = await world.promote("--yes", ...REASON);
        expect(exitCode).to.equal(0);
        expect(world.commits()).to.have.length(2);
        expect(world.uncommitted()).to.equal("");
        expect(fs.readdirSync(path.join(world.root, "reports", "promotions"))).to.have.length(1);
        expect(world.read("docs/strategies/RefStrat_01.md").match(/## Promoted/g)).to.have.length(1);
        expect(promotionStanding(world.root, "live", readStackFile(world.root, "live")).mayRun).to.equal(true);
        expect(world.pulumi.at(-1)).to.equal("up live");
        const interrupted = steps.indexOf(step) <= steps.indexOf("committed");
        expect(/promotion PRO-\S+ was interrupted: (what it had written is taken back|it is in its commit)/.test(world.said)).to.equal(interrupted);
      });
    }

    it("before its commit, it is not gone on with when somebody has changed one of its files", async () => {
      world.killAfter = "wrote CHANGELOG.md";
      await world.promote("--yes", ...REASON).catch((error: unknown) => expect(error).to.be.instanceOf(Killed));
      world.killAfter = undefined;
      world.write("CHANGELOG.md", "mine\n");
      const { message } = await problemOf("--yes", ...REASON);
      expect(message).to.include("was interrupted before its commit, and CHANGELOG.md was changed since").and.include(path.join(".trading", "stacks", "live", "promotion.json"));
      expect(world.read("CHANGELOG.md")).to.equal("mine\n");
    });

    it("it is not looked past by --dry-run", async () => {
      world.killAfter = "noted";
      await world.promote("--yes", ...REASON).catch((error: unknown) => expect(error).to.be.instanceOf(Killed));
      expect((await problemOf("--dry-run", ...REASON)).message).to.match(/promotion PRO-\S+ was interrupted: run this without --dry-run/);
    });

    it("by a commit that Git refuses, nothing is left of it", async () => {
      world.write(".git/index.lock", "");
      const { message } = await problemOf("--yes", ...REASON);
      fs.rmSync(path.join(world.root, ".git", "index.lock"));
      expect(message).to.include("the promotion could not be committed").and.include("nothing was changed");
      untouched();
    });
  });
});
