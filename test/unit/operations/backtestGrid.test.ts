import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { defaultExecution } from "../../../domain/execution";
import { RandomMarket } from "../../../domain/randomMarket";
import type { BacktestReport } from "../../../operations/backtestReport";
import { keptRuns, runsFolder } from "../../../operations/runs";
import type { Recording } from "../../../operations/runsRecorded";
import { runTrials, threadsFor } from "../../../operations/sweep/runTrials";
import { sweepProgress } from "../../../operations/sweep/progress";
import type { SweepReport } from "../../../operations/sweep/sweepReport";
import { recordingOf } from "../../support/candles";
import { FakeMlflow } from "../mlflow/fakeMlflow";
import { makeClone, PAPER_FILE, trading } from "./support";

const candles = new RandomMarket({ seed: 5, symbol: "BTCUSDT", startTime: Date.UTC(2024, 0, 1) }).candles(0, 900);

describe("backtest --grid", () => {
  let root: string;
  let data: string;
  let file: string;
  beforeEach(() => {
    root = makeClone();
    data = path.join(root, "candles.csv");
    file = path.join(root, "grid.yaml");
    fs.writeFileSync(data, recordingOf(candles));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const grid = (text: string, ...more: string[]) => {
    fs.writeFileSync(file, text);
    return trading(root, ["backtest", "--data", data, "--grid", file, ...more]);
  };
  const report = async (text: string, ...more: string[]) => {
    const told = await grid(text, "--json", "--no-record", ...more);
    expect(told.error).to.equal("");
    return JSON.parse(told.out) as SweepReport;
  };
  const SMALL = "emaFast: [5, 10, 20]\nemaSlow: { from: 20, to: 40, step: 20 }\n";

  it("runs every set that is allowed and orders them by Sharpe ratio", async () => {
    const found = await report(SMALL, "--set", "atrPeriod=10");
    expect(found).to.deep.include({ combinations: 6, leftOut: [{ reason: "emaFast must be below emaSlow", combinations: 1 }], grid: { emaFast: [5, 10, 20], emaSlow: [20, 40] } });
    const sharpes = found.results.map(({ metrics }) => metrics.sharpe!);
    expect(sharpes).to.have.length(5).and.to.deep.equal([...sharpes].sort((one, other) => other - one));
    expect(found.results.map(({ rank }) => rank)).to.deep.equal([1, 2, 3, 4, 5]);
    expect(found.results.every(({ settings }) => settings["atrPeriod"] === 10)).to.equal(true);
  });

  it("comes to what a backtest of the same set and warm-up comes to", async () => {
    const { results, warmupBars } = await report(SMALL);
    const [best] = results;
    const set = Object.entries(best!.settings).flatMap(([key, value]) => ["--set", `${key}=${String(value)}`]);
    const one = await trading(root, ["backtest", "--data", data, "--no-record", "--json", "--warmup-bars", String(warmupBars), ...set]);
    expect((JSON.parse(one.out) as BacktestReport).metrics).to.deep.equal(best!.metrics);
  });

  it("gives all sets the same bars: a warm-up that is long enough for the slowest", async () => {
    const { warmupBars, results, from } = await report("emaSlow: [50, 100]\n");
    expect([warmupBars, from]).to.deep.equal([500, candles[500]!.openTime]);
    expect(results.map(({ metrics }) => metrics.bars)).to.deep.equal([400, 400]);
    expect((await report("emaSlow: [50, 100]\n", "--warmup-bars", "20")).warmupBars).to.equal(20);
  });

  it("reads JSON as well, and prints a table for people", async () => {
    const told = await grid('{ "emaFast": [5, 10], "emaSlow": [40] }', "--no-record");
    expect([told.exitCode, told.error]).to.deep.equal([0, ""]);
    const lines = told.out.split("\n");
    expect(lines[0]).to.equal(`Sweep of RefStrat_01 on ${data} (bot refstrat01 of stack paper: emaSlow=40, atrPeriod=14, stopAtrMultiple=3, riskFraction=0.005, maxExposure=1)`);
    expect(lines[1]).to.equal("2024-01-13 12:00 UTC to 2024-02-07 12:00 UTC, 300 candles of warm-up before; 2 combinations");
    expect(lines[3]).to.match(/^│ # │ emaFast │ Sharpe +│ return +│ max drawdown │ trades │ profit factor │$/);
    expect(lines.at(-2)).to.equal("The best of 2 looks better than it is: npx trading evaluate --grid measures the choosing itself.");
  });

  const wrong: [title: string, text: string, more: string[], message: string][] = [
    ["an unknown setting", "emafast: [5]", [], ": emafast = 5: unknown key; allowed here: emaFast, emaSlow, atrPeriod, stopAtrMultiple, riskFraction, maxExposure"],
    ["a value out of bounds", "emaFast: [5, 1]", [], ": emaFast = 1: allowed: at least 2"],
    ["a value out of bounds inside a range", "riskFraction: { from: 0.05, to: 0.15, step: 0.05 }", [], ": riskFraction = 0.15: allowed: at most 0.1"],
    ["half a number", "emaFast: { from: 5, to: 6, step: 0.5 }", [], ": emaFast = 5.5: allowed: a whole number"],
    ["a single value", "emaFast: 5", [], ": emaFast = 5: allowed: a list of values, or { from, to, step } with step above 0 and to not below from"],
    ["a range backwards", "emaFast: { from: 9, to: 5, step: 1 }", [], ': emaFast = {"from":9,"to":5,"step":1}: allowed: a list of values, or { from, to, step } with step above 0 and to not below from'],
    ["a range with more than it can have", "emaFast: { from: 5, to: 9, step: 1, by: 2 }", [], ': emaFast = {"from":5,"to":9,"step":1,"by":2}: allowed: a list of values, or { from, to, step } with step above 0 and to not below from'],
    ["no values", "emaFast: []", [], ": emaFast = []: has no value; allowed: a list of values, or { from, to, step } with step above 0 and to not below from"],
    ["a value twice", "emaFast: [5, 5]", [], ": emaFast = [5,5]: 5 is there twice; allowed: each value once"],
    ["a list", "[1, 2]", [], ": is no grid; allowed: settings with their values, for example emaFast: [10, 20] or emaFast: { from: 5, to: 50, step: 5 }"],
    ["nothing", "", [], ": is no grid; allowed: settings with their values, for example emaFast: [10, 20] or emaFast: { from: 5, to: 50, step: 5 }"],
    ["too many", "emaFast: { from: 2, to: 1000, step: 1 }\nemaSlow: { from: 3, to: 1000, step: 1 }", [], ": has 997002 combinations; allowed: at most 100000"],
    ["nothing left", "emaFast: [50, 60]\nemaSlow: [50]", [], ": none of the 2 combinations is allowed (2 x emaFast must be below emaSlow)"],
    ["too long a warm-up", "emaSlow: [1000]", [], "candles.csv: holds 900 candles and 5000 go into the warm-up; allowed: a longer file, or a smaller --warmup-bars"],
  ];
  for (const [title, text, more, message] of wrong) {
    it(`refuses ${title}: file, key, value, what is allowed, exit code 2`, async () => {
      const told = await grid(text, ...more);
      const shown = message.startsWith(":") ? `${file}${message}` : path.join(root, message);
      expect(told).to.deep.equal({ exitCode: 2, out: "", error: `error: ${shown}\n` });
    });
  }

  it("refuses a file that is not there, one that is no YAML, and a setting given twice", async () => {
    expect((await trading(root, ["backtest", "--data", data, "--grid", file])).error).to.equal(`error: ${file}: there is no such file\n`);
    expect((await grid("emaFast: [5")).error).to.match(/grid\.yaml: is neither JSON nor YAML: .+\n$/);
    expect((await grid("emaFast: [5]", "--set", "emaFast=6")).error).to.equal(`error: --set emaFast = 6: ${file} gives it as well; allowed: in one of them\n`);
    expect((await grid("emaFast: [5]", "--set", "emaSlow=x")).error).to.equal('error: --set emaSlow = "x": allowed: a value of type number\n');
  });

  describe("in MLflow", () => {
    let mlflow: FakeMlflow;
    beforeEach(async () => {
      mlflow = await FakeMlflow.start();
      fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), PAPER_FILE.replace("8400", String(mlflow.portNumber - 1)));
    });
    afterEach(() => mlflow.close());
    const MANY = "emaFast: { from: 4, to: 15, step: 1 }\nemaSlow: [20]\n";

    it("is a run with the whole table, its best ten are runs below it", async () => {
      const told = await grid(MANY, "--json");
      expect(told.error).to.equal("- handing it to MLflow\n");
      const { results, mlflow: recording } = JSON.parse(told.out) as SweepReport & { mlflow: Recording };
      expect(recording).to.include({ state: "recorded", waiting: 0, experiment: "paper/RefStrat_01" });
      const [parent, ...children] = mlflow.activeRuns;
      expect(recording.runId).to.equal(parent!.runId);
      expect(parent!.tags).to.include({ kind: "sweep", stack: "paper", bot: "refstrat01" });
      expect(parent!.params).to.include({ combinations: "12", leftOut: "0", candles: "900", grid: '{"emaFast":[4,5,6,7,8,9,10,11,12,13,14,15],"emaSlow":[20]}' });
      const table = parent!.artifacts["sweep.csv"]!.trim().split("\n").map((line) => line.split(","));
      expect(table[0]!.slice(0, 3)).to.deep.equal(["rank", "emaFast", "emaSlow"]);
      expect(table.slice(1).map(([, emaFast]) => Number(emaFast))).to.deep.equal(results.map(({ settings }) => settings["emaFast"]));
      expect(children).to.have.length(10);
      for (const [index, child] of children.entries()) {
        const { settings, metrics } = results[index]!;
        expect(child.tags).to.include({ "mlflow.parentRunId": parent!.runId, kind: "sweep set", rank: String(index + 1) });
        expect(child.params).to.include({ emaFast: String(settings["emaFast"]), fileHash: parent!.params["fileHash"] });
        expect([...child.points].map((point) => JSON.parse(point) as { key: string; value: number })).to.deep.include({ key: "sharpe", value: metrics.sharpe!, timestamp: candles.at(-1)!.openTime + 3_600_000, step: 600 });
        expect(child.artifacts["equity.csv"]!.trim().split("\n")).to.have.length(601);
        expect(JSON.parse(child.artifacts["trades.json"]!)).to.have.length(metrics.trades);
      }
    });

    it("is kept while MLflow is down, and whole afterwards, each run once", async () => {
      await mlflow.close();
      const told = await grid(MANY, "--json");
      expect([told.exitCode, (JSON.parse(told.out) as { mlflow: Recording }).mlflow.state]).to.deep.equal([0, "kept"]);
      await mlflow.listen();
      // Half of it arrives, then the server is gone.
      let calls = 0;
      mlflow.fate = () => (++calls > 40 ? "error 503" : "answer");
      await grid(MANY, "--json");
      mlflow.fate = () => "answer";
      await grid(MANY, "--json");
      expect(keptRuns(runsFolder(root, "paper"))).to.deep.equal([]);
      const parents = mlflow.activeRuns.filter(({ tags }) => tags["kind"] === "sweep");
      expect(parents).to.have.length(3);
      for (const { runId } of parents) expect(mlflow.activeRuns.filter(({ tags, status }) => tags["mlflow.parentRunId"] === runId && status === "FINISHED")).to.have.length(10);
      expect(mlflow.activeRuns).to.have.length(33);
    });

    it("stays away when somebody deleted it in MLflow before it was whole", async () => {
      let calls = 0;
      mlflow.fate = () => (++calls > 12 ? "error 503" : "answer");
      await grid(MANY, "--json");
      mlflow.fate = () => "answer";
      for (const run of mlflow.runs.values()) run.deleted = true;
      await grid("emaFast: [5, 6]\n", "--json");
      expect(mlflow.activeRuns).to.have.length(3);
      expect(keptRuns(runsFolder(root, "paper"))).to.deep.equal([]);
    });
  });
});

describe("runs on threads", () => {
  const sets = Array.from({ length: 12 }, (_, index) => ({ emaFast: 3 + index, emaSlow: 30 }));
  const plan = { strategy: "RefStrat_01", execution: defaultExecution, startingCash: 1000, warmupBars: 150, sets, windows: [{ from: 150, to: 500 }, { from: 500, to: 900 }] };

  it("come to the same on any number of threads", async function () {
    this.timeout(60_000);
    const alone = await runTrials(candles, plan, { threads: 0 });
    expect(alone.map((window) => window.length)).to.deep.equal([12, 12]);
    for (const threads of [1, 3]) expect(await runTrials(candles, plan, { threads })).to.deep.equal(alone);
  });

  it("tell how far they are, up to the end", async function () {
    this.timeout(60_000);
    for (const threads of [0, 2]) {
      const told: [number, number][] = [];
      await runTrials(candles, plan, { threads, onProgress: (done, all) => told.push([done, all]) });
      expect(told.at(-1)).to.deep.equal([24, 24]);
      expect(told.map(([done]) => done)).to.deep.equal(told.map(([done]) => done).sort((one, other) => one - other));
    }
  });

  it("fail as a whole with what one of them says", async function () {
    this.timeout(60_000);
    const broken = { ...plan, sets: [...sets, { emaFast: -1 }] };
    for (const threads of [0, 2]) {
      const error = await runTrials(candles, broken, { threads }).catch((reason: unknown) => reason as Error);
      expect((error as Error).message).to.contain("emaFast");
    }
  });

  it("are not given threads that are not worth their start", () => {
    expect([threadsFor(1), threadsFor(16)]).to.deep.equal([0, 0]);
    expect(threadsFor(1000)).to.be.at.least(1);
  });

  it("are told of every two seconds, with the time that is left", () => {
    const lines: string[] = [];
    let time = 0;
    const tell = sweepProgress((text) => lines.push(text), () => time);
    for (const [at, done] of [[0, 0], [1900, 10], [2100, 20], [3000, 30], [4200, 50], [9000, 100]] as const) {
      time = at;
      tell(done, 100);
    }
    expect(lines).to.deep.equal(["- 20 of 100 runs, about 8 s left\n", "- 50 of 100 runs, about 4 s left\n"]);
  });
});
