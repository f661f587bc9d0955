import { expect } from "chai";
import { createHash } from "node:crypto";
import fc from "fast-check";
import * as fs from "node:fs";
import * as path from "node:path";
import { keepRun, keptRuns, newRunId, readRun, runsFolder, type KeptRun } from "../../../operations/runs";
import type { Recording } from "../../../operations/runsRecorded";
import { sendKeptRuns } from "../../../operations/runsToMlflow";
import { FakeMlflow, fates, type Fate } from "../mlflow/fakeMlflow";
import { container, FakeEngine, makeClone, PAPER_FILE, trading, type Told } from "./support";

const HOUR = 3_600_000;
const START = Date.parse("2024-01-01T00:00:00Z");
const QUICK = ["--set", "emaFast=2", "--set", "emaSlow=3", "--set", "atrPeriod=2", "--warmup-bars", "16"];

/** Falls, rises and falls again: one round trip. */
function csv(): string {
  const closes = [...Array.from({ length: 20 }, (_, index) => 1000 - index), ...Array.from({ length: 10 }, (_, index) => 981 + 5 * index), ...Array.from({ length: 10 }, (_, index) => 1026 - 5 * index)];
  const rows = closes.map((close, index) => {
    const open = closes[index - 1] ?? close;
    return [START + index * HOUR, open, Math.max(open, close) + 1, Math.min(open, close) - 1, close, 10].join(",");
  });
  return ["open_time_ms,open,high,low,close,volume", ...rows, ""].join("\n");
}

describe("backtests as runs in MLflow", () => {
  let root: string;
  let file: string;
  let folder: string;
  let mlflow: FakeMlflow;
  beforeEach(async () => {
    root = makeClone();
    file = path.join(root, "candles.csv");
    folder = runsFolder(root, "paper");
    fs.writeFileSync(file, csv());
    mlflow = await FakeMlflow.start();
    // A stack's MLflow is at the port after its first one.
    fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), PAPER_FILE.replace("8400", String(mlflow.portNumber - 1)));
  });
  afterEach(async () => {
    await mlflow.close();
    fs.rmSync(root, { recursive: true });
  });
  const backtest = (more: readonly string[] = [], engine = new FakeEngine()): Promise<Told> => trading(root, ["backtest", "--data", file, ...QUICK, ...more], { engine });
  const recording = (told: Told): Recording => (JSON.parse(told.out) as { mlflow: Recording }).mlflow;
  const lastLine = (told: Told): string => told.out.trimEnd().split("\n").at(-1)!;

  it("are recorded with parameters, figures, curve, trades, image and the file's hash", async () => {
    const told = await backtest(["--json"], new FakeEngine([container("bot-refstrat01", { imageId: "sha256:feed" })]));
    expect(told.exitCode).to.equal(0);
    const [run] = mlflow.activeRuns;
    expect(recording(told)).to.deep.equal({
      ...{ state: "recorded", experiment: "paper/RefStrat_01", name: run!.name, runId: "run1", version: null, waiting: 0, reason: null },
      url: `${mlflow.url}/#/experiments/1/runs/run1`,
    });
    const { from, to, configurationHash, ...params } = run!.params;
    expect([from, to]).to.deep.equal(["2024-01-01T16:00:00.000Z", "2024-01-02T16:00:00.000Z"]);
    expect(configurationHash).to.match(/^[0-9a-f]{64}$/);
    expect(params).to.deep.equal({
      ...{ emaFast: "2", emaSlow: "3", atrPeriod: "2", stopAtrMultiple: "3", riskFraction: "0.005", maxExposure: "1" },
      ...{ feeRate: "0.001", slippageRate: "0.0005", priceTick: "0.01", quantityStep: "0.00001", priceCollar: "0.02" },
      ...{ strategy: "RefStrat_01", symbol: "BTCUSDT", intervalMilliseconds: "3600000", startingCash: "10000", warmupBars: "16" },
      ...{ file: "candles.csv", fileHash: createHash("sha256").update(csv()).digest("hex"), candles: "40", missingCandles: "0", image: "sha256:feed" },
    });
    const { "trading.run": id, "trading.artifacts": artifacts, ...tags } = run!.tags;
    expect(JSON.parse(artifacts!)).to.have.all.keys("equity.csv", "trades.json");
    expect(id).to.match(/^[0-9a-f-]{36}$/);
    expect(tags).to.deep.equal({ kind: "backtest", stack: "paper", bot: "refstrat01", image: "sha256:feed" });
    const points = [...run!.points].map((point) => JSON.parse(point) as { key: string; value: number; step: number; timestamp: number });
    const curve = points.filter(({ key }) => key === "equity");
    expect(curve.map(({ step }) => step)).to.deep.equal(Array.from({ length: 24 }, (_, index) => index + 1));
    expect(curve[0]!.timestamp).to.equal(START + 17 * HOUR);
    const { profit, trades } = JSON.parse(told.out) as { profit: number; trades: { profit: number }[] };
    expect(points).to.deep.include({ key: "profit", value: profit, step: 24, timestamp: START + 40 * HOUR });
    expect(points).to.deep.include({ key: "trades", value: 1, step: 24, timestamp: START + 40 * HOUR });
    expect(JSON.parse(run!.artifacts["trades.json"]!)[0].profit).to.equal(trades[0]!.profit);
    expect(run!.artifacts["equity.csv"]!.split("\n")).to.have.length(26);
    expect([run!.status, keptRuns(folder)]).to.deep.equal(["FINISHED", []]);
  });

  it("say in one line where they are", async () => {
    const told = await backtest();
    expect(lastLine(told)).to.equal(`recorded in MLflow as "${mlflow.activeRuns[0]!.name}" in experiment paper/RefStrat_01: ${mlflow.url}/#/experiments/1/runs/run1`);
  });

  it("are kept while MLflow is down, and sent with the next one, oldest first", async () => {
    await mlflow.close();
    const first = await backtest();
    expect([first.exitCode, first.error]).to.deep.equal([0, ""]);
    expect(lastLine(first)).to.equal("kept, MLflow does not answer (fetch failed: ECONNREFUSED); sent with the next backtest");
    const second = await backtest(["--json"]);
    expect(recording(second)).to.include({ state: "kept", runId: null, url: null, waiting: 2 });
    expect(lastLine(await backtest())).to.match(/sent with the next backtest \(3 wait\)$/);
    const kept = keptRuns(folder);
    await mlflow.listen();
    expect(recording(await backtest(["--json"]))).to.include({ state: "recorded", waiting: 0 });
    expect(mlflow.activeRuns.map((run) => run.tags["trading.run"]).slice(0, 3)).to.deep.equal(kept);
    expect([mlflow.activeRuns.length, fs.readdirSync(folder)]).to.deep.equal([4, []]);
  });

  it("are sent although MLflow refuses an earlier one, which stays", async () => {
    mlflow.instead = (call) => (call === "runs/create" && mlflow.runs.size === 0 ? { status: 400, body: { error_code: "INVALID_PARAMETER_VALUE", message: "no" } } : undefined);
    expect(recording(await backtest(["--json"]))).to.include({ state: "kept", reason: "MLflow: 400 INVALID_PARAMETER_VALUE: no" });
    mlflow.instead = (call, body) => (call === "runs/create" && mlflow.runs.size === 0 && !refused ? ((refused = true), { status: 400, body: { error_code: "INVALID_PARAMETER_VALUE", message: body.run_name } }) : undefined);
    let refused = false;
    expect(recording(await backtest(["--json"]))).to.include({ state: "recorded", waiting: 1 });
  });

  it("leave nothing with --no-record", async () => {
    const told = await backtest(["--no-record", "--json"]);
    expect(JSON.parse(told.out).mlflow).to.equal(null);
    expect([mlflow.calls, fs.existsSync(folder)]).to.deep.equal([[], false]);
  });

  it("are not recorded in a clone that was never set up, and say so", async () => {
    fs.rmSync(path.join(root, ".trading"), { recursive: true });
    const told = await backtest();
    expect(told.exitCode).to.equal(0);
    expect(lastLine(told)).to.match(/^not recorded in MLflow: .+owner is missing: run `npm start` first/);
    expect(fs.existsSync(path.join(root, ".trading"))).to.equal(false);
  });

  it("do without an image when Docker does not answer, or the container is another clone's", async () => {
    const down = new FakeEngine();
    down.unreachable = true;
    await backtest([], down);
    await backtest([], new FakeEngine([container("bot-refstrat01", { owner: "another" })]));
    expect(mlflow.activeRuns.map((run) => "image" in run.tags)).to.deep.equal([false, false]);
  });

  it("that run at once are each recorded once", async () => {
    const told = await Promise.all([1, 2, 3, 4].map(() => backtest(["--json"])));
    expect(told.map((each) => each.exitCode)).to.deep.equal([0, 0, 0, 0]);
    const ids = mlflow.activeRuns.map((run) => run.tags["trading.run"]);
    expect([new Set(ids).size, ids.length, keptRuns(folder)]).to.deep.equal([4, 4, []]);
  });
});

describe("the folder of kept runs", () => {
  let root: string;
  let folder: string;
  let mlflow: FakeMlflow;
  beforeEach(async () => {
    root = makeClone();
    folder = runsFolder(root, "paper");
    mlflow = await FakeMlflow.start();
  });
  afterEach(async () => {
    await mlflow.close();
    fs.rmSync(root, { recursive: true });
  });

  function kept(startTime = 1): KeptRun {
    const start = { id: newRunId(), experiment: "paper/RefStrat_01", name: `run ${startTime}`, startTime, tags: { stack: "paper" }, params: {} };
    return { start, end: { status: "FINISHED", endTime: 2, metrics: [{ key: "profit", value: 1, timestamp: 1, step: 1 }], artifacts: { "equity.csv": "bar\n" } } };
  }
  const send = (requestMilliseconds = 3000): ReturnType<typeof sendKeptRuns> => sendKeptRuns(folder, { url: mlflow.url, requestMilliseconds });

  it("gives back what was written, and is empty before the first", () => {
    expect(keptRuns(folder)).to.deep.equal([]);
    const run = kept();
    keepRun(folder, run);
    expect(keptRuns(folder)).to.deep.equal([run.start.id]);
    expect(readRun(folder, run.start.id)).to.deep.equal(run);
    expect(readRun(folder, newRunId())).to.equal(undefined);
  });

  it("says which file is damaged, and sends the others", async () => {
    const [damaged, whole] = [kept(), kept()];
    keepRun(folder, damaged);
    keepRun(folder, whole);
    const file = path.join(folder, `${damaged.start.id}.json`);
    fs.writeFileSync(file, "{");
    const { sent, waiting, reason } = await send();
    expect([[...sent.keys()], waiting, reason]).to.deep.equal([[whole.start.id], 1, `${file} is damaged: remove it, the run in it is lost`]);
  });

  it("is cleared of what a killed command left half written, not of what is being written", async () => {
    fs.mkdirSync(folder, { recursive: true });
    const [old, fresh] = [`${newRunId()}.json.1.tmp`, `${newRunId()}.json.2.tmp`];
    for (const name of [old, fresh]) fs.writeFileSync(path.join(folder, name), "{");
    const long = new Date(Date.now() - 2 * HOUR);
    fs.utimesSync(path.join(folder, old), long, long);
    await send();
    expect(fs.readdirSync(folder)).to.deep.equal([fresh]);
  });

  it("stops at a server that hangs, in the time it has", async () => {
    for (const startTime of [1, 2, 3]) keepRun(folder, kept(startTime));
    mlflow.fate = () => "hang before";
    const { sent, waiting, reason } = await sendKeptRuns(folder, { url: mlflow.url, requestMilliseconds: 5000, totalMilliseconds: 50 });
    expect([sent.size, waiting, reason]).to.deep.equal([0, 3, "MLflow took no more within 0.05 s"]);
    // The second run is not tried: the server would hang again.
    expect(mlflow.calls.length).to.be.at.most(1);
  });

  it("has every run in MLflow exactly once in the end, whatever befalls the calls", async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom<Fate>(...fates), { maxLength: 14 }), async (befalls) => {
        mlflow.runs.clear();
        const left = [...befalls];
        mlflow.fate = () => left.shift() ?? "answer";
        const runs = [kept(1), kept(2)];
        for (const run of runs) keepRun(folder, run);
        while ((await send(50)).waiting > 0) {
          // The next backtest tries again.
        }
        expect(mlflow.activeRuns.map((run) => run.tags["trading.run"]).sort()).to.deep.equal(runs.map(({ start }) => start.id).sort());
        for (const run of mlflow.activeRuns) expect(run).to.deep.include({ status: "FINISHED", artifacts: { "equity.csv": "bar\n" } });
      }),
      { numRuns: 30 },
    );
  });
});
