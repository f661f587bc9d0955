import { expect } from "chai";
import * as fs from "node:fs";
import { evidenceCommand } from "../../../operations/commands/evidence";
import type { FindEvaluation } from "../../../operations/promotion/judge";
import { outcomeOf } from "./oneCommand";
import { at, kpis, newest, parity } from "./performanceAnswers";
import { container, FakeEngine, healthyStack, makeClone, trading } from "./support";

function answering(body: object | string, code = 200, exitCode = 0): FakeEngine {
  const engine = new FakeEngine(healthyStack());
  engine.execution = { exitCode, output: `${typeof body === "string" ? body : JSON.stringify(body)}\n${code}` };
  return engine;
}

describe("the commands about performance", () => {
  let root: string;
  beforeEach(() => (root = makeClone()));
  afterEach(() => fs.rmSync(root, { recursive: true }));

  it("show the figures of all bots, and - for what cannot be computed", async () => {
    const second = { bot: "second", kpis: [kpis({ sharpe: null, sharpeError: null, profitFactor: null, tradesExpected: null })], parity: null };
    const told = await trading(root, ["kpis"], { engine: answering(newest([{ bot: "refstrat01", kpis: [kpis()], parity: parity() }, second])) });
    expect(told.exitCode).to.equal(0);
    expect(told.out).to.match(/│ Sharpe ratio a year +│ 1.50 ± 3.49 +│ - +│/).and.match(/│ expected by the replay +│ 6.0 \(as expected\) +│ - +│/).and.match(/│ profit factor +│ 1.40 +│ - +│/);
  });

  it("say which bot has no figures in a window, and give JSON", async () => {
    const engine = answering(newest([{ bot: "refstrat01", kpis: [kpis()], parity: null }]));
    expect((await trading(root, ["kpis", "--window", "7d", "--bot", "refstrat01"], { engine })).out).to.equal("Bot refstrat01 has no figures yet.\n");
    const document = JSON.parse((await trading(root, ["kpis", "--bot", "refstrat01", "--json"], { engine })).out) as { window: string; bots: { kpis: { sharpe: number } }[] };
    expect([document.window, document.bots[0]!.kpis.sharpe]).to.deep.equal(["30d", 1.5]);
  });

  const verdicts: [verdict: string, frozen: boolean, exitCode: number][] = [["equal", false, 0], ["costs", false, 0], ["costs", true, 1], ["differs", false, 1], ["differs", true, 1], ["nothing to compare", false, 0]];
  for (const [verdict, frozen, exitCode] of verdicts) {
    it(`end with ${exitCode} when a bot's comparison says ${verdict}${frozen ? ", frozen" : ""}`, async () => {
      const told = await trading(root, ["parity", "--bot", "refstrat01"], { engine: answering({ parities: [parity({ verdict, frozen })] }) });
      expect(told.exitCode).to.equal(exitCode);
      expect(told.out.split("\n")[0]).to.equal(`Bot       refstrat01: ${verdict}${frozen ? ", FROZEN: no promotion, no change of live" : ""}`);
    });
  }

  it("compare every bot, one after the other, from inside the container", async () => {
    const engine = answering({ parities: [] });
    const told = await trading(root, ["parity", "--days", "90"], { engine });
    expect(told.out).to.equal("Bot refstrat01 has nothing to compare yet.\nBot second has nothing to compare yet.\n");
    const calls = engine.calls.filter((call) => call.startsWith("execute"));
    expect(calls.map((call) => /--data-raw (\S+) http:\/\/127\.0\.0\.1:8080\/v1\/parity$/.exec(call)?.[1])).to.deep.equal(['{"bot":"refstrat01","days":90}', '{"bot":"second","days":90}']);
  });

  const failures: [what: string, engine: () => FakeEngine, problem: string][] = [
    ["there is no container", () => new FakeEngine([]), "container trading-paper-performance does not exist: npm run pulumi -- up --refresh --stack paper"],
    ["it is another clone's", () => new FakeEngine([container("performance", { owner: "c2" })]), "container trading-paper-performance belongs to another clone of this project and was left as it is"],
    ["it does not run", () => new FakeEngine([container("performance", { state: "exited" })]), "container trading-paper-performance is exited: npx trading status says more"],
    ["nobody listens", () => answering("curl: (7) Failed to connect", 0, 7), "the performance service does not answer: curl: (7) Failed to connect 0"],
    ["it refuses", () => answering({ error: "days: Too big" }, 400), "the performance service did not take it: days: Too big"],
    ["it is of another version", () => answering({ parities: [{ bot: 1 }] }), "the performance service is of another version than this command"],
  ];
  for (const [what, engine, problem] of failures) {
    it(`fail when ${what}`, async () => {
      const told = await trading(root, ["parity", "--bot", "refstrat01"], { engine: engine() });
      expect(told.exitCode).to.equal(1);
      expect(told.error).to.include(`error: ${problem}`);
    });
  }

  it("refuse days that are none", async () => expect((await trading(root, ["parity", "--days", "0"])).error).to.equal('error: --days "0"; allowed: a whole number from 1 to 1100\n'));

  describe("evidence", () => {
    const service = () => answering(newest([{ bot: "refstrat01", kpis: [kpis({ span: "all", bars: 960 })], parity: parity() }]));
    const evidence = (find: FindEvaluation) => outcomeOf((context, wrap) => evidenceCommand(context, wrap, { find, freeShare: () => 0.5 }), [], { root, engine: service, say: () => undefined });

    it("takes the newest evaluation of what the bot trades in MLflow", async () => {
      let asked: Parameters<FindEvaluation> | undefined;
      const { exitCode, document, text } = await evidence(async (...words) => {
        asked = words;
        return { runId: "r", name: "evaluation refstrat01", startTime: Date.parse(at), metrics: { outOfSampleSharpe: 1.1, standardError: 0.4, probability: 0.99, maxDrawdown: 0.1, trades: 40 }, params: { ...words[2].params } };
      });
      const [address, experiment, { tags, params }] = asked!;
      expect([address, experiment, tags]).to.deep.equal(["http://127.0.0.1:8401", "paper/RefStrat_01", { kind: "evaluation", bot: "refstrat01" }]);
      expect(params!["configurationHash"]).to.match(/^[0-9a-f]{64}$/);
      const { items } = document as { items: { id: string; value: number; holds: boolean; source: string }[] };
      expect(items.find(({ id }) => id === "outOfSample.sharpe")).to.include({ value: 1.1, holds: true, source: 'MLflow run "evaluation refstrat01" of 2024-02-29 23:00' });
      const failing = items.filter(({ holds }) => !holds).map(({ id }) => id);
      // The comparison of the test is of another configuration, and no page answers.
      expect(failing.filter((id) => /^(outOfSample|paper|parity|feed)/.test(id))).to.deep.equal(["paper.limits", "parity.configuration", "parity.image", "feed.healthy", "feed.known", "feed.down", "feed.market", "feed.gaps"]);
      expect(failing).to.include.members(["operations.backup", "operations.restoreTest", "operations.haltDrill", "release.record"]);
      expect(exitCode).to.equal(1);
      expect(text).to.include("Not proven: 40 days of paper trading cannot prove a Sharpe ratio of 1.5");
    });

    it("counts an evaluation of another configuration as none of this one", async () => {
      const other = { runId: "r", name: "other", startTime: Date.parse(at), metrics: { outOfSampleSharpe: 1.1 }, params: { configurationHash: "other" } };
      const { document } = await evidence(async (_address, _experiment, { params }) => (params === undefined ? other : undefined));
      const { items } = document as { items: { id: string; holds: boolean }[] };
      expect(items.find(({ id }) => id === "outOfSample.configuration")!.holds).to.equal(false);
    });

    it("says that there is none, and why where MLflow is away", async () => {
      expect((await evidence(async () => undefined)).text).to.include("none: npx trading evaluate").and.not.include("Note:");
      expect((await evidence(async () => Promise.reject(new Error("fetch failed")))).text).to.include("Note: MLflow does not answer: fetch failed");
    });
  });
});
