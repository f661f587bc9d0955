import { expect } from "chai";
import fc from "fast-check";
import { RunSender } from "../../../../services/bot/RunSender";
import type { BotRun, CurvePoint, EquityMark } from "../../../../services/bot/runStore";
import { createLogger } from "../../../../services/shared/log";
import { FakeMlflow, fates, type Fate } from "../../mlflow/fakeMlflow";
import { eventually } from "./support";

const log = createLogger("bot", "silent");
const hour = 3_600_000;

function botRun(number: number, more: Partial<BotRun> = {}): BotRun {
  return {
    ...{ id: `00000000-0000-4000-8000-00000000000${number}`, image: "sha256:ab", params: { strategy: "RefStrat_01", emaFast: "20" } },
    ...{ startedAt: number * 1000, endedAt: number * 1000 + 500, status: "FINISHED" as const },
    ...{ fromBar: null, toBar: 3 * hour, startingEquity: 100, interval: "1h" },
    ...more,
  };
}

const marks: EquityMark[] = [1, 2, 3].map((bar) => ({ bar: bar * hour, equity: 100 + bar, cash: 100, quantity: 0, close: 7 }));
const trade = {
  ...{ entryBar: hour, exitBar: 3 * hour, quantity: 1, entryPrice: 2, exitPrice: 3 },
  ...{ fees: 0.1, profit: 0.9, exitReason: "exit" as const },
};

/** The bot's tables in memory. */
class Tables {
  readonly sent = new Map<string, string>();
  readonly noted = new Map<string, string>();
  constructor(public runs: BotRun[]) {}
  async unsent(excluded: readonly string[], limit: number): Promise<BotRun[]> {
    return this.runs.filter((run) => !this.sent.has(run.id) && !excluded.includes(run.id)).slice(0, limit);
  }
  async noteMlflowRun(id: string, runId: string): Promise<void> {
    this.noted.set(id, runId);
  }
  async markSent(id: string, runId: string): Promise<void> {
    this.sent.set(id, runId);
  }
  async curve(run: BotRun, afterStep = 0): Promise<CurvePoint[]> {
    const inRun = marks.filter((mark) => mark.bar <= (run.toBar ?? 0));
    return inRun.map(({ bar, equity }, index) => ({ step: index + 1, bar, equity, drawdown: 0, trades: 0 })).filter(({ step }) => step > afterStep);
  }
  async *equity(): AsyncGenerator<EquityMark[]> {
    yield marks;
  }
  async *trades(): AsyncGenerator<(typeof trade)[]> {
    yield [trade];
  }
}

describe("the bot's runs on their way to MLflow", () => {
  let mlflow: FakeMlflow;
  let senders: RunSender[];
  beforeEach(async () => {
    senders = [];
    mlflow = await FakeMlflow.start();
  });
  afterEach(async () => {
    await Promise.all(senders.map((sender) => sender.finish(0)));
    await mlflow.close();
  });
  const send = (store: Tables, requestMilliseconds = 5000): RunSender => {
    const sender = new RunSender({ ...{ stack: "paper", bot: "one", url: mlflow.url, store, log }, backoffMilliseconds: [5, 20], requestMilliseconds });
    senders.push(sender);
    return sender;
  };

  it("sends what has ended, oldest first, with figures and files", async () => {
    const tables = new Tables([botRun(1, { status: "KILLED" }), botRun(2)]);
    send(tables);
    await eventually(() => tables.sent.size === 2);
    const [killed, finished] = mlflow.activeRuns;
    expect([killed!.status, killed!.endTime, finished!.status]).to.deep.equal(["KILLED", 1500, "FINISHED"]);
    expect(JSON.parse(finished!.tags["trading.artifacts"]!)).to.have.all.keys("equity.csv", "trades.json");
    expect(finished).to.deep.include({
      ...{ name: "one 1970-01-01T00:00:02.000Z", startTime: 2000, params: { strategy: "RefStrat_01", emaFast: "20" } },
      tags: { kind: "bot", stack: "paper", bot: "one", image: "sha256:ab", "trading.run": tables.runs[1]!.id, "trading.artifacts": finished!.tags["trading.artifacts"]! },
      artifacts: {
        "equity.csv": [
          "bar,equity,cash,quantity,close",
          "1970-01-01T01:00:00.000Z,101,100,0,7",
          "1970-01-01T02:00:00.000Z,102,100,0,7",
          "1970-01-01T03:00:00.000Z,103,100,0,7",
          "",
        ].join("\n"),
        "trades.json": `[\n${JSON.stringify({ ...trade, entryBar: "1970-01-01T01:00:00.000Z", exitBar: "1970-01-01T03:00:00.000Z" })}\n]\n`,
      },
    });
    const points = [...finished!.points].map((point) => JSON.parse(point));
    expect(points).to.deep.include({ key: "equity", value: 103, timestamp: 4 * hour, step: 3 });
    expect(points).to.deep.include({ key: "totalReturn", value: 1.03 - 1, timestamp: 4 * hour, step: 3 });
    expect([...mlflow.experiments.keys()]).to.deep.equal(["paper/RefStrat_01"]);
  });

  it("follows the run that goes on, and completes it when it ends", async () => {
    const tables = new Tables([botRun(1, { status: "RUNNING", endedAt: null, toBar: hour })]);
    const sender = send(tables);
    await eventually(() => mlflow.activeRuns[0]?.points.size === 3);
    tables.runs = [botRun(1, { status: "RUNNING", endedAt: null, toBar: 2 * hour })];
    sender.wake();
    await eventually(() => mlflow.activeRuns[0]!.points.size === 6);
    expect(mlflow.activeRuns[0]!.status).to.equal("RUNNING");
    expect(tables.noted.get(tables.runs[0]!.id)).to.equal("run1");
    tables.runs = [botRun(1)];
    await sender.finish(5000);
    expect([...tables.sent.values()]).to.deep.equal(["run1"]);
    expect(mlflow.activeRuns.map(({ status }) => status)).to.deep.equal(["FINISHED"]);
  });

  it("makes the running run again when MLflow lost it", async () => {
    const tables = new Tables([botRun(1, { status: "RUNNING", endedAt: null, toBar: hour })]);
    const sender = send(tables);
    await eventually(() => mlflow.activeRuns[0]?.points.size === 3);
    mlflow.runs.clear();
    tables.runs = [botRun(1, { status: "RUNNING", endedAt: null, toBar: 2 * hour })];
    sender.wake();
    await eventually(() => mlflow.activeRuns[0]?.points.size === 6);
  });

  it("leaves a run that MLflow refuses, and sends the next", async () => {
    const tables = new Tables([botRun(1), botRun(2)]);
    mlflow.instead = (path, body) =>
      path === "runs/create" && String(body.run_name).includes("00:00:01") ? { status: 400, body: { error_code: "INVALID_PARAMETER_VALUE", message: "no" } } : undefined;
    send(tables);
    await eventually(() => tables.sent.size === 1);
    expect([...tables.sent.keys()]).to.deep.equal([tables.runs[1]!.id]);
  });

  it("sends more runs than it looks at in one go", async () => {
    const runs = Array.from({ length: 23 }, (_, index) => botRun(1, { id: `00000000-0000-4000-8000-0000000000${10 + index}`, startedAt: index }));
    const tables = new Tables(runs);
    send(tables);
    await eventually(() => tables.sent.size === 23);
    expect(mlflow.activeRuns.map(({ startTime }) => startTime)).to.deep.equal(runs.map(({ startedAt }) => startedAt));
  });

  for (const fate of ["cut before", "hang before", "error 500"] as const) {
    it(`holds nobody up and sends later what MLflow did not take: ${fate}`, async () => {
      mlflow.fate = () => fate;
      const tables = new Tables([botRun(1)]);
      const sender = send(tables, 30);
      // Nothing of the sender is awaited by anybody: these return at once.
      sender.wake();
      await eventually(() => mlflow.calls.length >= 3);
      expect(tables.sent.size).to.equal(0);
      mlflow.fate = () => "answer";
      await eventually(() => tables.sent.size === 1);
      expect(mlflow.activeRuns).to.have.length(1);
    });
  }

  it("goes on when MLflow was down from the beginning", async () => {
    await mlflow.close();
    const tables = new Tables([botRun(1)]);
    send(tables);
    await new Promise((resolve) => setImmediate(resolve));
    await mlflow.listen();
    await eventually(() => tables.sent.size === 1);
  });

  it("goes on when the database gave no answer for a while", async () => {
    const tables = new Tables([botRun(1)]);
    const unsent = tables.unsent.bind(tables);
    let failures = 3;
    tables.unsent = async (...query) => {
      if (failures-- > 0) throw new Error("the database is away");
      return unsent(...query);
    };
    send(tables);
    await eventually(() => tables.sent.size === 1);
  });

  it("ends although MLflow hangs, and the next start sends", async () => {
    mlflow.fate = () => "hang after";
    const tables = new Tables([botRun(1)]);
    const sender = send(tables);
    await eventually(() => mlflow.calls.length === 1);
    await sender.finish(20);
    mlflow.fate = () => "answer";
    send(tables);
    await eventually(() => tables.sent.size === 1);
    expect(mlflow.activeRuns).to.have.length(1);
  });

  it("has every run in MLflow exactly once in the end, whatever befalls the calls and the senders", async function () {
    this.timeout(60_000);
    const fate = fc.constantFrom<Fate>(...fates);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fate, { maxLength: 8 }), { maxLength: 3 }), async (starts) => {
        mlflow.runs.clear();
        const tables = new Tables([botRun(1, { status: "KILLED" }), botRun(2)]);
        for (const befalls of starts) {
          const left = [...befalls];
          mlflow.fate = () => left.shift() ?? "hang after";
          const calls = mlflow.calls.length;
          const sender = send(tables, 20);
          await eventually(() => tables.sent.size === 2 || mlflow.calls.length > calls + befalls.length);
          await sender.finish(0);
        }
        mlflow.fate = () => "answer";
        const last = send(tables);
        await eventually(() => tables.sent.size === 2);
        await last.finish(1000);
        const runs = mlflow.activeRuns;
        expect(runs.map((run) => [run.tags["trading.run"], run.status]).sort()).to.deep.equal(tables.runs.map((run) => [run.id, run.status]));
        for (const run of runs) {
          expect(tables.sent.get(run.tags["trading.run"]!)).to.equal(run.runId);
          expect(Object.keys(run.artifacts).sort()).to.deep.equal(["equity.csv", "trades.json"]);
        }
      }),
      { numRuns: 30 },
    );
  });
});
