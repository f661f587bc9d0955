import { expect } from "chai";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import type pg from "pg";
import { parseCandles } from "../../domain/candles";
import { strategySettingsSchema } from "../../domain/strategies";
import { MlflowClient, ownConnection } from "../../mlflow/client";
import { aliasedVersion, versionsWith } from "../../mlflow/registry";
import type { EvaluationReport } from "../../operations/evaluation/evaluationReport";
import { alignAliases } from "../../operations/modelAliases";
import type { Recording } from "../../operations/runsRecorded";
import type { SweepReport } from "../../operations/sweep/sweepReport";
import { realCandlesFile, recordingOf } from "../support/candles";
import { statusFor } from "../support/statusFor";
import { eventually } from "../support/throwAwayStack";
import { TradingProcesses } from "../support/tradingProcesses";
import { makeClone, PAPER_FILE, trading } from "../unit/operations/support";

const warmupBars = 300;
const candleCount = 3000;
const startingCash = 10_000;
const strategy = "RefStrat_01";
const strategySettings = strategySettingsSchema(strategy).parse({}) as object;
const stack = "tracked";
const bot = "trader";

interface Run {
  readonly info: { readonly run_id: string; readonly run_name: string; readonly status: string; readonly start_time: number; readonly end_time?: number };
  readonly data: { readonly metrics?: { key: string; value: number; step: number }[]; readonly params?: { key: string; value: string }[]; readonly tags: { key: string; value: string }[] };
}

describe("runs in MLflow", function () {
  this.timeout(300_000);

  const prefix = `trading-test-${randomBytes(4).toString("hex")}`;
  let processes: TradingProcesses;
  let database: pg.Client;
  let mlflowUrl: string;
  let recording: string;

  before(async () => {
    const candles = parseCandles(await readFile(await realCandlesFile(), "utf8")).slice(0, candleCount);
    recording = recordingOf(candles);
    processes = new TradingProcesses({
      ...{ prefix, stack, bots: [bot], recording, warmupBars, startingCash, strategy, strategySettings },
      // Slow enough to last as long as the test.
      speed: 8 * 3600,
    });
    await processes.prepare();
    database = await processes.connect();
    mlflowUrl = await processes.startMlflow();
    await Promise.all([processes.startBroker(), processes.startFeed(), mlflowAnswers()]);
  });

  after(async () => {
    await database?.end();
    await processes?.remove();
  });

  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    for (const service of ["broker", `bot-${bot}`, "mlflow"]) {
      process.stderr.write(`--- ${service}\n${await processes.logs(service).catch(String)}\n`);
    }
  });

  it("its server is one process, which answers to its own names alone", async () => {
    const address = `http://127.0.0.1:${await processes.publishedPort("mlflow", 5000)}`;
    const search = `${address}/api/2.0/mlflow/experiments/search?max_results=1`;
    expect(await statusFor(search, "mlflow:5000")).to.equal(200);
    for (const url of [search, `${address}/`, `${address}/ajax-api/2.0/mlflow/experiments/search?max_results=1`]) expect(await statusFor(url, "trading.example.org"), url).to.equal(403);
    expect(await processes.execute("mlflow", "sh", "-c", "cat /proc/[0-9]*/comm | grep -c python")).to.equal("1");
  });

  it("a start of the bot is a run from its beginning, complete when it has ended", async () => {
    await processes.startBot(bot, { mlflowUrl });
    const image = await processes.image("bot");
    const running = await eventually("a run in MLflow", 60, async () => (await runs()).find(({ data }) => data.params !== undefined));
    expect(running.info.status).to.equal("RUNNING");
    expect(pairs(running.data.tags)).to.include({ kind: "bot", stack, bot, image });
    expect(pairs(running.data.params)).to.include({ strategy, symbol: "BTCUSD", interval: "1h", emaFast: "20", configurationHash: "0123", image });
    await decisionsAfter(40);
    expect(await processes.stop(`bot-${bot}`)).to.equal(0);

    const [row, ...others] = await rows("SELECT * FROM runs");
    expect([row!.status, row!.sent, row!.mlflow_run_id, others.length]).to.deep.equal(["FINISHED", true, running.info.run_id, 0]);
    const ended = (await runs())[0]!;
    expect(ended.info).to.include({ status: "FINISHED", start_time: row!.started_at.getTime(), end_time: row!.ended_at.getTime() });
    const marks = await rows("SELECT bar, equity FROM equity WHERE bar > coalesce($1::timestamptz, '-infinity') AND bar <= $2 ORDER BY bar", row!.from_bar, row!.to_bar);
    expect(pairs(ended.data.metrics)).to.include({ bars: marks.length, startingCash, finalEquity: Number(marks.at(-1)!.equity) });
    const curve = (await artifact(ended, "equity.csv")).trim().split("\n").slice(1).map((line) => line.split(",").slice(0, 2));
    expect(curve).to.deep.equal(marks.map(({ bar, equity }) => [bar.toISOString(), String(Number(equity))]));
    const trades = await rows("SELECT exit_bar FROM trades WHERE exit_bar <= $1 ORDER BY exit_bar", row!.to_bar);
    expect((JSON.parse(await artifact(ended, "trades.json")) as { exitBar: string }[]).map(({ exitBar }) => exitBar)).to.deep.equal(trades.map(({ exit_bar }) => exit_bar.toISOString()));
  });

  it("MLflow may be gone while the bot starts, trades, is killed and stops: nothing waits for it", async () => {
    await processes.kill("mlflow");
    await processes.start(`bot-${bot}`);
    await rowsOfRuns(2);
    await decisionsAfter(20);
    await processes.kill(`bot-${bot}`);
    await processes.start(`bot-${bot}`);
    await rowsOfRuns(3);
    await decisionsAfter(20);
    expect(await processes.stop(`bot-${bot}`)).to.equal(0);
    const found = await rows("SELECT status, sent, ended_at >= seen_at AS ended FROM runs ORDER BY started_at");
    expect(found).to.deep.equal([
      { status: "FINISHED", sent: true, ended: true },
      { status: "KILLED", sent: false, ended: true },
      { status: "FINISHED", sent: false, ended: true },
    ]);
  });

  it("what MLflow missed is sent by the next start, each run exactly once", async () => {
    await processes.start("mlflow");
    await mlflowAnswers();
    await processes.start(`bot-${bot}`);
    await eventually("all ended runs are sent", 90, async () => (await rows("SELECT 1 FROM runs WHERE sent")).length === 3);
    await eventually("the run of this start is in MLflow", 60, async () => (await rows("SELECT 1 FROM runs WHERE mlflow_run_id IS NOT NULL")).length === 4);
    const told = await rows("SELECT id, status, mlflow_run_id FROM runs ORDER BY started_at");
    const known = await runs();
    expect(known.map((run) => ({ id: pairs(run.data.tags)["trading.run"], status: run.info.status, mlflow_run_id: run.info.run_id }))).to.deep.equal(told);
    expect(told.map(({ status }) => status)).to.deep.equal(["FINISHED", "KILLED", "FINISHED", "RUNNING"]);
    await processes.stop(`bot-${bot}`);
    for (const run of known.slice(0, 3)) {
      expect((await artifact(run, "equity.csv")).startsWith("bar,equity,cash,quantity,close\n")).to.equal(true);
      expect(JSON.parse(await artifact(run, "trades.json"))).to.be.an("array");
    }
  });

  it("a backtest that MLflow was not there for is sent with the next one", async () => {
    const root = makeClone();
    try {
      const file = path.join(root, "candles.csv");
      fs.writeFileSync(file, recording);
      const backtest = async (): Promise<Recording> => {
        const { out, exitCode } = await trading(root, ["backtest", "--data", file, "--json"]);
        expect(exitCode).to.equal(0);
        return (JSON.parse(out) as { mlflow: Recording }).mlflow;
      };
      const port = await processes.publishedPort("mlflow", 5000);
      fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), PAPER_FILE.replace("8400", String(port - 1)));
      await processes.kill("mlflow");
      expect(await backtest()).to.include({ state: "kept", waiting: 1 });
      await processes.start("mlflow");
      const again = await mlflowAnswers();
      fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), PAPER_FILE.replace("8400", String(again - 1)));
      expect(await backtest()).to.include({ state: "recorded", waiting: 0, reason: null });
      const found = (await runs()).filter((run) => pairs(run.data.tags)["kind"] === "backtest");
      expect(found.map((run) => run.info.status)).to.deep.equal(["FINISHED", "FINISHED"]);
      for (const run of found) {
        expect((await artifact(run, "equity.csv")).trim().split("\n")).to.have.length(1 + candleCount - warmupBars);
        expect(pairs(run.data.params)).to.include({ candles: String(candleCount), file: "candles.csv" });
      }
    } finally {
      fs.rmSync(root, { recursive: true });
    }
  });

  it("a sweep is a run with its best ten below it, an evaluation is a version of a model, and the alias says what the stack runs", async () => {
    const root = makeClone();
    try {
      const [file, grid] = [path.join(root, "candles.csv"), path.join(root, "grid.yaml")];
      fs.writeFileSync(file, recording);
      fs.writeFileSync(grid, "emaFast: { from: 5, to: 15, step: 1 }\n");
      const portBase = (await mlflowAnswers()) - 1;
      fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), PAPER_FILE.replace("8400", String(portBase)));
      const command = async <Document>(...words: string[]): Promise<Document> => {
        const { out, exitCode, error } = await trading(root, [...words, "--data", file, "--json"]);
        if (exitCode !== 0) throw new Error(error);
        return JSON.parse(out) as Document;
      };

      const sweep = await command<SweepReport & { mlflow: Recording }>("backtest", "--grid", grid);
      expect(sweep.mlflow).to.include({ state: "recorded", waiting: 0, reason: null });
      const all = await runs();
      const parent = all.find((run) => run.info.run_id === sweep.mlflow.runId)!;
      expect((await artifact(parent, "sweep.csv")).trim().split("\n")).to.have.length(12);
      const children = all.filter((run) => pairs(run.data.tags)["mlflow.parentRunId"] === parent.info.run_id).sort((one, other) => Number(pairs(one.data.tags)["rank"]) - Number(pairs(other.data.tags)["rank"]));
      expect(children.map((run) => pairs(run.data.params)["emaFast"])).to.deep.equal(sweep.results.slice(0, 10).map(({ settings }) => String(settings["emaFast"])));
      for (const child of children) {
        expect(child.info.status).to.equal("FINISHED");
        expect((await artifact(child, "equity.csv")).trim().split("\n")).to.have.length(1 + candleCount - warmupBars);
      }

      type Evaluation = EvaluationReport & { mlflow: Recording };
      const evaluate = (...more: string[]) => command<Evaluation>("evaluate", ...more);
      const evaluation = await evaluate();
      expect(evaluation.mlflow).to.deep.include({ state: "recorded", reason: null, version: { model: "RefStrat_01-BTCUSDT", version: 1 } });
      const run = (await runs()).find(({ info }) => info.run_id === evaluation.mlflow.runId)!;
      expect(pairs(run.data.params)).to.include({ seed: "1", folds: "5", embargoBars: "27", dataHash: evaluation.dataHash });
      expect(pairs(run.data.metrics)["outOfSampleSharpe"]).to.equal(evaluation.outOfSample.sharpe!.sharpe);
      expect((JSON.parse(await artifact(run, "evaluation.json")) as EvaluationReport).unproven).to.deep.equal(evaluation.unproven);
      // The same configuration and candles again: the same version, that tells of the newer run.
      const again = await evaluate("--folds", "3");
      const other = await evaluate("--set", "emaFast=12");
      expect([again.mlflow.version!.version, other.mlflow.version!.version]).to.deep.equal([1, 2]);

      const client = new MlflowClient(await address());
      const model = "RefStrat_01-BTCUSDT";
      const known = await versionsWith(client, model, {});
      expect(known.map(({ version, tags }) => [version, tags["evaluationRun"], tags["configurationHash"]])).to.deep.equal([
        [1, again.mlflow.runId, evaluation.configuration!.hash],
        [2, other.mlflow.runId, other.configuration!.hash],
      ]);
      const align = (configurationHash: string) => alignAliases("paper", portBase, async () => [{ name: "refstrat01", strategy, symbol: "BTCUSDT", configurationHash }]);
      for (const [hash, version] of [[evaluation.configuration!.hash, 1], [other.configuration!.hash, 2], [other.configuration!.hash, 2]] as const) {
        expect(await align(hash)).to.deep.equal({ aliases: [{ bot: "refstrat01", model, alias: "paper", version }], reason: null });
        expect(await aliasedVersion(client, model, "paper")).to.equal(version);
      }
      expect((await align("never evaluated")).aliases[0]!.version).to.equal(null);
      expect(await aliasedVersion(client, model, "paper")).to.equal(undefined);
    } finally {
      fs.rmSync(root, { recursive: true });
    }
  });

  async function rows(text: string, ...values: unknown[]): Promise<any[]> {
    return (await database.query(text, values)).rows;
  }

  /** Waits until the bot has decided on so many more bars in time. */
  async function decisionsAfter(more: number): Promise<void> {
    const count = async (): Promise<number> => Number((await rows("SELECT count(*) AS n FROM decisions WHERE NOT late"))[0]!.n);
    const before = await count();
    await eventually(`${more} more decisions`, 90, async () => (await count()) >= before + more);
  }

  async function rowsOfRuns(count: number): Promise<void> {
    await eventually(`${count} rows of runs`, 60, async () => (await rows("SELECT 1 FROM runs")).length === count);
  }

  /** @returns the port it answers at */
  async function mlflowAnswers(): Promise<number> {
    return eventually("MLflow answers", 120, async () => {
      const { ok } = await fetch(`${await address()}/api/2.0/mlflow/experiments/search?max_results=1`, { headers: ownConnection });
      return ok && processes.publishedPort("mlflow", 5000);
    });
  }

  async function address(): Promise<string> {
    return `http://127.0.0.1:${await processes.publishedPort("mlflow", 5000)}`;
  }

  async function get<Answer>(where: string, body?: object): Promise<Answer> {
    const init = body === undefined ? { headers: ownConnection } : { method: "POST", headers: { "content-type": "application/json", ...ownConnection }, body: JSON.stringify(body) };
    const response = await fetch(`${await address()}/${where}`, init);
    if (!response.ok) throw new Error(`${where}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  /** Every run of every experiment that is not deleted, oldest first. */
  async function runs(): Promise<Run[]> {
    const { experiments = [] } = await get<{ experiments?: { experiment_id: string }[] }>("api/2.0/mlflow/experiments/search?max_results=100");
    const found = await get<{ runs?: Run[] }>("api/2.0/mlflow/runs/search", { experiment_ids: experiments.map((each) => each.experiment_id), max_results: 100, order_by: ["attributes.start_time ASC"] });
    return found.runs ?? [];
  }

  async function artifact(run: Run, name: string): Promise<string> {
    const response = await fetch(`${await address()}/get-artifact?${new URLSearchParams({ run_id: run.info.run_id, path: name }).toString()}`, { headers: ownConnection });
    if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    return response.text();
  }
});

function pairs<T>(list: readonly { key: string; value: T }[] = []): Record<string, T> {
  return Object.fromEntries(list.map(({ key, value }) => [key, value]));
}
