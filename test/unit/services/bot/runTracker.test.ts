import { expect } from "chai";
import { MlflowClient } from "../../../../services/bot/mlflow";
import { RunTracker } from "../../../../services/bot/RunTracker";
import { describeRun } from "../../../../services/bot/tracking";
import { createLogger } from "../../../../services/shared/log";
import { eventually, FakeServer, type Call } from "./support";

const log = createLogger("bot", "silent");
const run = {
  experiment: "paper/RefStrat_01",
  name: "refstrat01 2026-01-01T00:00:00.000Z",
  tags: { stack: "paper", bot: "refstrat01" },
  params: { emaFast: "20" },
};

/** MLflow with one run of an instance that was killed. */
function mlflow({ path }: Call): { status?: number; body: unknown } {
  if (path.includes("get-by-name")) {
    return { status: 404, body: { error_code: "RESOURCE_DOES_NOT_EXIST", message: "no such experiment" } };
  }
  if (path.endsWith("experiments/create")) return { body: { experiment_id: "7" } };
  if (path.endsWith("runs/search")) return { body: { runs: [{ info: { run_id: "stale" } }] } };
  if (path.endsWith("runs/create")) return { body: { run: { info: { run_id: "fresh" } } } };
  return { body: {} };
}

describe("run tracking in MLflow", () => {
  let server: FakeServer;
  afterEach(() => server.close());
  const calls = (): string[] => server.calls.map(({ method, path }) => `${method} ${path.replace("/api/2.0/mlflow/", "")}`);

  it("opens a run, ends the one of a killed instance, logs and finishes", async () => {
    server = await FakeServer.start(mlflow);
    const tracker = new RunTracker(new MlflowClient(server.url), run, log, 1000);
    tracker.add({ equity: 10_000, trades: 2 }, 40);
    await eventually(() => calls().filter((call) => call.endsWith("log-batch")).length === 2);
    await tracker.finish();
    expect(calls()).to.deep.equal([
      "GET experiments/get-by-name?experiment_name=paper%2FRefStrat_01",
      "POST experiments/create",
      "POST runs/search",
      "POST runs/update",
      "POST runs/create",
      "POST runs/log-batch",
      "POST runs/log-batch",
      "POST runs/update",
    ]);
    const [, created, search, stale, opened, params, metrics, ended] = server.calls.map((call) => call.body);
    expect(created).to.deep.equal({ name: "paper/RefStrat_01" });
    expect(search.filter).to.equal("attributes.status = 'RUNNING' AND tags.\"stack\" = 'paper' AND tags.\"bot\" = 'refstrat01'");
    expect(stale).to.include({ run_id: "stale", status: "KILLED" });
    expect(opened).to.deep.equal({
      experiment_id: "7",
      run_name: run.name,
      start_time: 1000,
      tags: [
        { key: "stack", value: "paper" },
        { key: "bot", value: "refstrat01" },
      ],
    });
    expect(params).to.deep.equal({ run_id: "fresh", params: [{ key: "emaFast", value: "20" }], metrics: [] });
    expect(metrics.metrics.map(({ key, value, step }: { key: string; value: number; step: number }) => ({ key, value, step }))).to.deep.equal([
      { key: "equity", value: 10_000, step: 40 },
      { key: "trades", value: 2, step: 40 },
    ]);
    expect(ended).to.include({ run_id: "fresh", status: "FINISHED" });
  });

  it("goes on when MLflow comes later", async () => {
    let up = false;
    server = await FakeServer.start((call) => (up ? mlflow(call) : { status: 503, body: {} }));
    const tracker = new RunTracker(new MlflowClient(server.url), run, log);
    await eventually(() => server.calls.length === 1);
    up = true;
    await eventually(() => calls().includes("POST runs/log-batch"));
    await tracker.finish();
    expect(server.calls.at(-1)?.body).to.include({ status: "FINISHED" });
  });

  it("keeps the newest metrics while MLflow is away", async () => {
    let up = false;
    server = await FakeServer.start((call) => (up ? mlflow(call) : { status: 503, body: {} }));
    const tracker = new RunTracker(new MlflowClient(server.url), run, log);
    for (let step = 0; step < 500; step++) tracker.add({ equity: step }, step);
    await eventually(() => server.calls.length === 1);
    up = true;
    await eventually(() => calls().filter((call) => call.endsWith("log-batch")).length === 2);
    await tracker.finish();
    const batch = server.calls.filter(({ path }) => path.endsWith("log-batch"))[1]!.body.metrics as { step: number }[];
    expect([batch.length, batch[0]!.step, batch.at(-1)!.step]).to.deep.equal([200, 300, 499]);
  });

  it("ends at once when MLflow was never there", async () => {
    server = await FakeServer.start(() => ({ status: 503, body: {} }));
    const tracker = new RunTracker(new MlflowClient(server.url), run, log);
    tracker.add({ equity: 1 }, 1);
    await eventually(() => server.calls.length === 1);
    const began = Date.now();
    await tracker.finish();
    expect(Date.now() - began).to.be.lessThan(1000);
  });

  it("describes a run", () => {
    const settings = {
      ...{ bot: "refstrat01", symbol: "BTCUSDT", interval: "1h", strategy: "RefStrat_01" as const, strategySettings: { emaFast: 20 } },
      ...{ brokerUrl: "http://broker:8080", mlflowUrl: null, imageId: "sha256:ab" },
    };
    expect(describeRun({ stack: "paper", settings, configurationHash: "0123" }, 0)).to.deep.equal({
      experiment: "paper/RefStrat_01",
      name: "refstrat01 1970-01-01T00:00:00.000Z",
      tags: { stack: "paper", bot: "refstrat01" },
      params: { emaFast: "20", symbol: "BTCUSDT", interval: "1h", configurationHash: "0123", imageId: "sha256:ab" },
    });
  });
});
