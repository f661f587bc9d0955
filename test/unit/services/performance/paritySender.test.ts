import { expect } from "chai";
import { ParitySender } from "../../../../services/performance/ParitySender";
import type { ParityEvidence, UnsentParity } from "../../../../services/performance/unsentParities";
import { createLogger } from "../../../../services/shared/log";
import { FakeMlflow } from "../../mlflow/fakeMlflow";
import { eventually } from "../bot/support";

const hour = 3_600_000;
const log = createLogger("performance", "silent");

function parity(number: number): UnsentParity {
  return {
    ...{ id: number, bot: "one", at: new Date(number * 1000), fromBar: new Date(hour), toBar: new Date(3 * hour), image: "sha256:ab", configurationHash: "c1", reference: "image", note: null },
    ...{ decisionsCompared: 3, decisionsMatched: 2, tradesCompared: 0, tradesMatched: 0, refused: 1, late: 0 },
    ...{ trackingError: 0.5, meanDifference: null, equityGap: 0, slippageMedian: 5, slippageP95: 6, referenceSlippageMedian: null, referenceSlippageP95: null },
    ...{ firstDifference: { kind: "decision", bar: 2 * hour }, cause: "one bar late", verdict: "differs", frozen: true, reason: "decisions differ", expectedTrades: {}, seconds: 1 },
    ...{ runId: `00000000-0000-4000-8000-00000000000${number}`, sent: false, symbol: "BTCUSDT", interval: "1h", strategy: "RefStrat_01" },
  };
}

/** The tables in memory. */
class Tables {
  readonly sent: number[] = [];
  constructor(private readonly rows: readonly UnsentParity[]) {}
  async next(except: readonly number[]): Promise<UnsentParity | undefined> {
    return this.rows.find(({ id }) => !this.sent.includes(id) && !except.includes(id));
  }
  async markSent(id: number): Promise<void> {
    this.sent.push(id);
  }
  async evidence(): Promise<ParityEvidence> {
    const trade = { entryBar: hour, exitBar: 3 * hour, quantity: 1, entryPrice: 2, exitPrice: 3, fees: 0.1, profit: 0.9, exitReason: "exit" as const };
    return { equity: [1, 2, 3].map((bar) => ({ bar: bar * hour, equity: 100 + bar })), trades: [trade] };
  }
}

describe("comparisons on their way to MLflow", () => {
  let mlflow: FakeMlflow;
  let senders: ParitySender[];
  beforeEach(async () => {
    senders = [];
    mlflow = await FakeMlflow.start();
  });
  afterEach(async () => {
    await Promise.all(senders.map((sender) => sender.close()));
    await mlflow.close();
  });
  const send = (store: Tables): ParitySender => {
    const sender = new ParitySender({ ...{ stack: "paper", url: mlflow.url, store, log }, retryMilliseconds: 5, requestMilliseconds: 200 });
    senders.push(sender);
    sender.wake();
    return sender;
  };

  it("are runs of stack and strategy, with figures, curve, trades and image", async () => {
    const tables = new Tables([parity(1)]);
    send(tables);
    await eventually(() => tables.sent.length === 1);
    expect([...mlflow.experiments.keys()]).to.deep.equal(["paper/RefStrat_01"]);
    const [run] = mlflow.activeRuns;
    expect(run).to.deep.include({ name: "one parity 1970-01-01T00:00:01.000Z", status: "FINISHED", startTime: 1000, endTime: 1000 });
    expect(run!.tags).to.include({ kind: "parity", stack: "paper", bot: "one", image: "sha256:ab" });
    expect(run!.params).to.include({ configurationHash: "c1", reference: "image", image: "sha256:ab", from: "1970-01-01T01:00:00.000Z", to: "1970-01-01T03:00:00.000Z" });
    const points = [...run!.points].map((point) => JSON.parse(point) as { key: string; value: number; step: number });
    expect(points.filter(({ key }) => key === "equity").map(({ value, step }) => [step, value])).to.deep.equal([[1, 101], [2, 102], [3, 103]]);
    const figures = Object.fromEntries(points.filter(({ step }) => step === 0).map(({ key, value }) => [key, value]));
    expect(figures).to.include({ decisionMatch: 2 / 3, trackingError: 0.5, frozen: 1 }).and.not.have.any.keys("tradeMatch", "meanDifference");
    expect(run!.artifacts["equity.csv"]).to.equal("bar,equity\n1970-01-01T01:00:00.000Z,101\n1970-01-01T02:00:00.000Z,102\n1970-01-01T03:00:00.000Z,103\n");
    expect(JSON.parse(run!.artifacts["trades.json"]!)).to.have.length(1);
    expect(JSON.parse(run!.artifacts["verdict.json"]!)).to.deep.include({ verdict: "differs", cause: "one bar late", frozen: true });
  });

  it("wait for an MLflow that is down, and come once, in their order", async () => {
    const tables = new Tables([parity(1), parity(2)]);
    let calls = 0;
    mlflow.fate = () => (calls++ < 4 ? "cut after" : "answer");
    send(tables);
    await eventually(() => tables.sent.length === 2);
    expect(tables.sent).to.deep.equal([1, 2]);
    expect(mlflow.activeRuns.map(({ startTime }) => startTime)).to.deep.equal([1000, 2000]);
  });

  it("that MLflow refuses hold up no other", async () => {
    const tables = new Tables([parity(1), parity(2)]);
    mlflow.instead = (path, body) => (path === "runs/create" && String(body.run_name).includes("00:00:01") ? { status: 400, body: { error_code: "INVALID_PARAMETER_VALUE", message: "no" } } : undefined);
    send(tables);
    await eventually(() => tables.sent.length === 1);
    expect(tables.sent).to.deep.equal([2]);
  });

  it("end with the service, however long MLflow says nothing", async () => {
    mlflow.fate = () => "hang before";
    const sender = send(new Tables([parity(1)]));
    await eventually(() => mlflow.calls.length > 0);
    await sender.close();
  });
});
