import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { RandomMarket } from "../../../domain/randomMarket";
import type { EvaluationReport } from "../../../operations/evaluation/evaluationReport";
import { alignAliases, aliasText, modelName, type DeployedBot } from "../../../operations/modelAliases";
import { keptRuns, runsFolder } from "../../../operations/runs";
import type { Recording } from "../../../operations/runsRecorded";
import { recordingOf } from "../../support/candles";
import { FakeMlflow } from "../mlflow/fakeMlflow";
import { makeClone, PAPER_FILE, trading } from "./support";

const hour = 3_600_000;
const candles = new RandomMarket({ seed: 5, symbol: "BTCUSDT", startTime: Date.UTC(2024, 0, 1) }).candles(0, 1500);
const QUICK = ["--set", "emaFast=5", "--set", "emaSlow=20"];

describe("evaluate", () => {
  let root: string;
  let data: string;
  beforeEach(() => {
    root = makeClone();
    data = path.join(root, "candles.csv");
    fs.writeFileSync(data, recordingOf(candles));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const evaluate = (...more: string[]) => trading(root, ["evaluate", "--data", data, ...more]);
  const report = async (...more: string[]) => {
    const told = await evaluate("--no-record", "--json", ...more);
    // What takes long, as it may on a machine that does much else, says how far it is.
    const said = told.error.split("\n").filter((line) => !/^- \d+ of \d+ runs/.test(line)).join("\n");
    expect([told.exitCode, said]).to.deep.equal([0, ""]);
    return JSON.parse(told.out) as EvaluationReport;
  };
  const gridFile = (text: string) => {
    const file = path.join(root, "grid.yaml");
    fs.writeFileSync(file, text);
    return file;
  };

  it("measures the stack's configuration on every fold, with split, embargo and seed in the report", async () => {
    const found = await report(...QUICK);
    expect(found.split).to.deep.equal({ folds: 5, inSampleFraction: 0.5, anchored: false, embargoBars: 12, seed: 1, resamples: 1000, blockBars: 168 });
    expect(found).to.deep.include({ grid: null, sets: 1, leftOut: [], candles: 1500, missingCandles: 0 });
    expect(found.configuration!.settings).to.include({ emaFast: 5, emaSlow: 20 });
    expect(found.dataHash).to.match(/^[0-9a-f]{64}$/);
    expect(found.folds.map(({ number }) => number)).to.deep.equal([1, 2, 3, 4, 5]);
    for (const { inSample, outOfSample } of found.folds) expect(outOfSample.from - inSample.to).to.equal(12 * hour);
    expect(found.folds.at(-1)!.outOfSample.to).to.equal(candles.at(-1)!.openTime + hour);
    const measured = candles.filter(({ openTime }) => openTime >= found.folds[0]!.outOfSample.from);
    expect(found.equity.map(({ bar }) => bar)).to.deep.equal(measured.map(({ openTime }) => openTime));
    expect(found.outOfSample).to.deep.include({ bars: measured.length, from: measured[0]!.openTime, to: candles.at(-1)!.openTime + hour });
    expect(found.outOfSample.trades.trades).to.equal(found.folds.reduce((sum, { outOfSample }) => sum + outOfSample.trades, 0)).and.to.be.above(3);
    const growth = found.folds.reduce((product, { outOfSample }) => product * (1 + outOfSample.totalReturn), 1);
    expect(found.outOfSample.totalReturn).to.be.closeTo(growth - 1, 1e-12);
    expect(found.equity.at(-1)!.equity).to.be.closeTo(10_000 * growth, 1e-8);
  });

  it("lets each fold choose from a grid on what it may see alone", async () => {
    const grid = gridFile("emaFast: [3, 5, 8]\nemaSlow: [8, 20, 30]\n");
    const found = await report("--grid", grid, "--folds", "3");
    expect(found).to.deep.include({ sets: 8, leftOut: [{ reason: "emaFast must be below emaSlow", combinations: 1 }] });
    for (const { settings, inSample } of found.folds) {
      const file = path.join(root, "in.csv");
      const warmup = candles.findIndex(({ openTime }) => openTime === inSample.from) - found.warmupBars;
      fs.writeFileSync(file, recordingOf(candles.slice(warmup, candles.findIndex(({ openTime }) => openTime === inSample.to))));
      const sweep = await trading(root, ["backtest", "--data", file, "--grid", grid, "--no-record", "--json", "--warmup-bars", String(found.warmupBars)]);
      const [best] = (JSON.parse(sweep.out) as { results: { settings: unknown; metrics: { sharpe: number } }[] }).results;
      expect({ settings, sharpe: inSample.sharpe }).to.deep.equal({ settings: best!.settings, sharpe: best!.metrics.sharpe });
    }
  });

  it("chooses and measures the same when what comes later is another, and does not look into the embargo to choose", async () => {
    const grid = gridFile("emaFast: [3, 5, 8]\nemaSlow: [20, 30]\n");
    const before = await report("--grid", grid, "--folds", "2");
    const { outOfSample, inSample } = before.folds[0]!;
    const change = (from: number) => fs.writeFileSync(data, recordingOf(candles.map((candle) => (candle.openTime < from ? candle : { ...candle, open: candle.open * 2, high: candle.high * 2, low: candle.low * 2, close: candle.close * 2 }))));
    change(outOfSample.to);
    expect((await report("--grid", grid, "--folds", "2")).folds[0]).to.deep.equal(before.folds[0]);
    change(inSample.to);
    const embargoed = (await report("--grid", grid, "--folds", "2")).folds[0]!;
    expect([embargoed.settings, embargoed.inSample]).to.deep.equal([before.folds[0]!.settings, inSample]);
  });

  it("says for people what was measured and what is not proven", async () => {
    const told = await evaluate("--no-record", ...QUICK, "--folds", "2", "--anchored", "--embargo", "30", "--seed", "7");
    const lines = told.out.split("\n");
    expect(lines[0]).to.equal(`Evaluation of RefStrat_01 on ${data} (bot refstrat01 of stack paper: emaFast=5, emaSlow=20, atrPeriod=14, stopAtrMultiple=3, riskFraction=0.005, maxExposure=1)`);
    expect(lines[1]).to.equal("2 folds, each choosing from the beginning on, 30 candles of embargo between");
    expect(told.out).to.match(/│ fold │ in sample +│ Sharpe +│ out of sample +│ Sharpe +│ return +│ trades +│/);
    expect(told.out).to.match(/│ 90 % interval +│ -?\d+\.\d\d to -?\d+\.\d\d \(records drawn again, seed 7\)/);
    const sentences = lines.slice(lines.indexOf("What these data cannot prove:") + 1, -1);
    expect(sentences.length).to.be.at.least(3);
    expect(sentences[0]).to.match(/^- (That the|A) Sharpe ratio .+ (is not proven|is not: it may be)/);
  });

  const wrong: [title: string, more: string[], message: string | RegExp][] = [
    ["too many folds", ["--folds", "50"], /candles\.csv: 1200 candles leave 11 a fold to measure on; allowed: at least 24, by more candles, fewer folds, a smaller part in sample or a shorter embargo\n$/],
    ["no fold", ["--folds", "0"], "error: option '--folds <count>' argument '0' is invalid. Allowed: a whole number from 1 to 100.\n"],
    ["all in sample", ["--in-sample", "1"], "error: option '--in-sample <fraction>' argument '1' is invalid. Allowed: a fraction from 0.1 to 0.9.\n"],
    ["half an embargo", ["--embargo", "0.5"], "error: option '--embargo <bars>' argument '0.5' is invalid. Allowed: a whole number from 0 on.\n"],
    ["a wrong setting", ["--set", "emaFast=90"], "error: --set emaFast = 90: emaFast must be below emaSlow\n"],
  ];
  for (const [title, more, message] of wrong) {
    it(`refuses ${title} with exit code 2`, async () => {
      const told = await evaluate("--no-record", ...more);
      expect([told.exitCode, told.out]).to.deep.equal([2, ""]);
      if (typeof message === "string") expect(told.error).to.equal(message);
      else expect(told.error).to.match(message);
    });
  }

  describe("in MLflow", () => {
    let mlflow: FakeMlflow;
    beforeEach(async () => {
      mlflow = await FakeMlflow.start();
      fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), PAPER_FILE.replace("8400", String(mlflow.portNumber - 1)));
    });
    afterEach(() => mlflow.close());
    const recorded = async (...more: string[]) => JSON.parse((await evaluate("--json", ...more)).out) as EvaluationReport & { mlflow: Recording };

    it("is a run with split, seed, figures, curve, trades and what is not proven", async () => {
      const found = await recorded(...QUICK);
      const [run] = mlflow.activeRuns;
      expect(found.mlflow).to.deep.include({ state: "recorded", runId: run!.runId, version: { model: "RefStrat_01-BTCUSDT", version: 1 } });
      expect(run!.tags).to.include({ kind: "evaluation", stack: "paper", bot: "refstrat01" });
      expect(run!.params).to.include({ folds: "5", embargoBars: "12", seed: "1", anchored: "false", inSampleFraction: "0.5", emaFast: "5", configurationHash: found.configuration!.hash, dataHash: found.dataHash });
      const points = [...run!.points].map((point) => JSON.parse(point) as { key: string; value: number; step: number });
      const of = (key: string) => points.filter((point) => point.key === key).map(({ value }) => value);
      expect(of("outOfSampleSharpe")).to.deep.equal([found.outOfSample.sharpe!.sharpe]);
      for (const key of ["standardError", "probability", "maxDrawdown", "trades"]) expect(of(key), key).to.have.length(1);
      expect(of("foldSharpe")).to.deep.equal(found.folds.flatMap(({ outOfSample }) => outOfSample.sharpe ?? []));
      expect(run!.artifacts["equity.csv"]!.trim().split("\n")).to.have.length(1 + found.outOfSample.bars);
      expect(JSON.parse(run!.artifacts["trades.json"]!)).to.have.length(found.outOfSample.trades.trades);
      expect((JSON.parse(run!.artifacts["evaluation.json"]!) as EvaluationReport).unproven).to.deep.equal(found.unproven);
    });

    it("makes a version of the configuration once, however often it is evaluated, and another for other candles", async () => {
      await recorded(...QUICK);
      await recorded(...QUICK, "--folds", "3");
      expect(mlflow.registry.versions).to.have.length(1);
      expect(mlflow.registry.versions[0]!.tags).to.include({ strategy: "RefStrat_01", symbol: "BTCUSDT", evaluationRun: mlflow.activeRuns[1]!.runId });
      expect(JSON.parse(mlflow.registry.versions[0]!.tags["configuration"]!)).to.include({ emaFast: 5, emaSlow: 20 });
      fs.writeFileSync(data, recordingOf(candles.slice(0, -1)));
      expect((await recorded(...QUICK)).mlflow.version!.version).to.equal(2);
      expect((await evaluate(...QUICK)).out).to.match(/; the configuration is version 2 of the model RefStrat_01-BTCUSDT\n/);
    });

    it("makes none when the folds chose differently: no single configuration was measured", async () => {
      const found = await recorded("--grid", gridFile("emaFast: [3, 5, 8, 12]\nemaSlow: [20, 30, 40]\nstopAtrMultiple: [2, 3, 4]\n"));
      expect(new Set(found.folds.map(({ settings }) => JSON.stringify(settings))).size).to.be.above(1);
      expect([found.configuration, found.mlflow.version, mlflow.registry.versions]).to.deep.equal([null, null, []]);
      expect(mlflow.activeRuns[0]!.params).to.include({ sets: "36" });
    });

    it("is kept with its version while MLflow is down", async () => {
      await mlflow.close();
      expect((await recorded(...QUICK)).mlflow).to.include({ state: "kept", version: null });
      await mlflow.listen();
      expect((await recorded(...QUICK, "--seed", "2")).mlflow).to.deep.include({ state: "recorded", version: { model: "RefStrat_01-BTCUSDT", version: 1 } });
      expect([mlflow.activeRuns.length, mlflow.registry.versions.length, keptRuns(runsFolder(root, "paper"))]).to.deep.equal([2, 1, []]);
    });

    it("waits with its run until the version is there as well", async () => {
      mlflow.instead = (call) => (call === "model-versions/create" ? { status: 503, body: "out of order" } : undefined);
      expect((await recorded(...QUICK)).mlflow.state).to.equal("kept");
      mlflow.instead = () => undefined;
      await recorded(...QUICK, "--set", "emaFast=6");
      expect(mlflow.registry.versions.map(({ tags }) => (JSON.parse(tags["configuration"]!) as { emaFast: number }).emaFast)).to.deep.equal([5, 6]);
      expect(mlflow.activeRuns).to.have.length(2);
    });

    describe("the aliases of a stack", () => {
      const bot = (configurationHash: string | null, more: Partial<DeployedBot> = {}): DeployedBot => ({ name: "refstrat01", strategy: "RefStrat_01", symbol: "BTCUSDT", configurationHash, ...more });
      const align = (...bots: DeployedBot[]) => alignAliases("paper", mlflow.portNumber - 1, async () => bots);

      it("say which version each bot runs, and leave a version that is not run any more", async () => {
        const hash = (await recorded(...QUICK)).configuration!.hash;
        const outcome = await align(bot(hash), bot("other", { name: "second" }), bot(null, { name: "third" }));
        expect(outcome).to.deep.equal({
          aliases: [
            { bot: "refstrat01", model: "RefStrat_01-BTCUSDT", alias: "paper", version: 1 },
            { bot: "second", model: "RefStrat_01-BTCUSDT", alias: "paper-second", version: null },
          ],
          reason: null,
        });
        expect([...mlflow.registry.aliases]).to.deep.equal([["RefStrat_01-BTCUSDT paper", 1]]);
        expect(aliasText(outcome)).to.equal("bot refstrat01 trades version 1 of RefStrat_01-BTCUSDT: alias paper\nbot second trades a configuration that was never evaluated\n");
        const calls = mlflow.calls.length;
        await align(bot(hash));
        expect(mlflow.calls.slice(calls).every((call) => call.startsWith("GET"))).to.equal(true);
        await align(bot("changed"));
        expect([...mlflow.registry.aliases]).to.deep.equal([]);
      });

      it("take the newest version of a configuration that was measured on several candles", async () => {
        const hash = (await recorded(...QUICK)).configuration!.hash;
        fs.writeFileSync(data, recordingOf(candles.slice(0, -5)));
        await recorded(...QUICK);
        expect((await align(bot(hash))).aliases).to.deep.include({ bot: "refstrat01", model: "RefStrat_01-BTCUSDT", alias: "paper", version: 2 });
      });

      it("stay as they are, and say why, when the stack or MLflow does not answer", async () => {
        expect(await alignAliases("paper", mlflow.portNumber - 1)).to.deep.equal({ aliases: [], reason: "the stack's page does not say what its bots run" });
        await mlflow.close();
        const outcome = await align(bot("any"));
        expect(outcome).to.deep.equal({ aliases: [], reason: "fetch failed: ECONNREFUSED" });
        expect(aliasText(outcome)).to.equal("which version the stack runs is not known: fetch failed: ECONNREFUSED\n");
      });

      it("are of models whose names MLflow takes", () => expect(modelName("RefStrat_01", "BTC/USDT:USDT")).to.equal("RefStrat_01-BTC-USDT-USDT"));
    });
  });
});
