import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { backtest, type BacktestResult } from "../../domain/backtest";
import { parseCandles } from "../../domain/candles";
import { clientOrderId } from "../../domain/clientOrderId";
import type { Fill } from "../../domain/orders";
import { strategySettingsSchema } from "../../domain/strategies";
import { realCandlesFile, recordingOf } from "../support/candles";
import { expectSound, Ledger } from "../support/ledger";
import { TradingProcesses } from "../support/tradingProcesses";

/** The first of them are traded undisturbed by the bot, the rest after it was killed. */
const undisturbed = 3000;
const candleCount = 3200;
const warmupBars = 300;
const startingCash = 10_000;
const strategy = "RefStrat_01";
const strategySettings = strategySettingsSchema(strategy).parse({}) as object;
const stack = "replay";
const bot = "trader";
/** A bot that is configured and never comes. */
const absent = "absent";

describe("replay through feed, database, broker and bot", function () {
  this.timeout(600_000);

  const prefix = `trading-test-${randomBytes(4).toString("hex")}`;
  let processes: TradingProcesses;
  let database: pg.Client;
  const ledger = new Ledger(() => database, bot);
  let candles: ReturnType<typeof parseCandles>;
  let expected: BacktestResult;
  /** Open times: the last bar before the bot is killed, and the last one of all. */
  let until: number;
  let last: number;

  before(async () => {
    candles = parseCandles(await readFile(await realCandlesFile(), "utf8")).slice(0, candleCount);
    expected = backtest(candles.slice(0, undisturbed), {
      ...{ strategy, parameters: strategySettings, startingCash, startBar: candles[warmupBars]!.openTime },
    });
    until = candles[undisturbed - 1]!.openTime;
    last = candles.at(-1)!.openTime;
    const recording = recordingOf(candles);
    processes = new TradingProcesses({
      ...{ prefix, stack, bots: [bot, absent], recording, warmupBars, startingCash, strategy, strategySettings },
      speed: "maximum",
    });
    await processes.prepare();
    database = await processes.connect();
  });

  after(async () => {
    await database?.end();
    await processes?.remove();
  });

  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    for (const service of ["livefeed", "broker", `bot-${bot}`]) {
      process.stderr.write(`--- ${service}\n${await processes.logs(service).catch(String)}\n`);
    }
  });

  it("trades what the backtest trades, also when the broker is killed in the middle", async () => {
    await Promise.all([processes.startBroker(), processes.startFeed()]);
    await processes.startBot(bot);
    await comesTo(candles[warmupBars]!.openTime);
    const began = Date.now();
    await comesTo(candles[warmupBars + 1000]!.openTime);
    const seconds = (Date.now() - began) / 1000;

    await processes.kill("broker");
    await processes.start("broker");
    await comesTo(until);
    await processes.kill(`bot-${bot}`);

    const upTo = (time: number): boolean => time <= until;
    const { fills, trades, equity } = await ledger.book();
    expect(fills.filter((fill) => upTo(fill.bar))).to.deep.equal(expected.fills.map(renamed));
    expect(trades.filter((trade) => upTo(trade.exitBar))).to.deep.equal(expected.trades);
    expect(equity.filter((mark) => upTo(mark.bar))).to.deep.equal(expected.equity);
    // The decision on the very last bar may have fallen victim to the kill.
    expect((await ledger.decisions()).filter(({ bar }) => bar < until)).to.deep.equal(
      expected.decisions
        .filter((decision) => decision.bar < until)
        .map((decision) => ({ ...decision, late: false })),
    );
    expect(expected.trades.length).to.be.greaterThan(15);
    process.stdout.write(`      ${Math.round(1000 / seconds)} bars/s\n`);
  });

  it("goes on after the bot was killed, without a duplicate and with holds for what it missed", async () => {
    await comesTo(candles[undisturbed + 50]!.openTime);
    await processes.start(`bot-${bot}`);
    await comesTo(last, "SELECT max(bar) AS bar FROM decisions");

    await ledger.settled(30);

    // All decisions, worked by the rules of the domain, give exactly the fills that the broker wrote.
    const seen = await expectSound(ledger, { stack, startingCash, explained: /^too late: / });
    expect(seen.bars).to.equal(candleCount - warmupBars);
    expect(seen.late).to.be.greaterThan(40);
  });

  it("keeps within its memory", async () => {
    const [broker, own] = await Promise.all([processes.memoryMegabytes("broker"), processes.memoryMegabytes(`bot-${bot}`)]);
    process.stdout.write(`      broker ${broker!.toFixed(0)} MB, bot ${own!.toFixed(0)} MB\n`);
    expect(Math.max(broker!, own!)).to.be.at.most(120);
  });

  it("marks every fill as simulated", async () => {
    expect(await rows("SELECT DISTINCT simulated FROM fills")).to.deep.equal([{ simulated: true }]);
  });

  it("says it is ready", async () => {
    expect(JSON.parse(await processes.ask("broker", "/readyz"))).to.deep.equal({
      ready: true,
      reason: "1 of 2 bots registered, fills are simulated",
    });
    expect(JSON.parse(await processes.ask(`bot-${bot}`, "/readyz"))).to.deep.equal({
      ready: true,
      reason: `decided up to ${new Date(last).toISOString()}`,
    });
  });

  it("takes an intent once, from its own bot, and none for a bar that is over", async () => {
    const [order] = await rows("SELECT * FROM orders WHERE action = 'enter' ORDER BY bar LIMIT 1");
    const bar = order!.bar.getTime() as number;
    const id = order!.client_order_id as string;
    const intent = { clientOrderId: id, bar, action: "enter", quantity: Number(order!.quantity), stopPrice: Number(order!.stop_price) };
    expect(await processes.callBroker(bot, "/v1/intents", intent)).to.deep.equal({ status: 200, body: { status: "filled" } });
    expect(await processes.callBroker(bot, "/v1/intents", { ...intent, stopPrice: 1 })).to.deep.equal({
      status: 409,
      body: { status: "conflict", reason: "another intent is known under this clientOrderId" },
    });
    expect(await processes.callBroker(absent, "/v1/intents", intent)).to.deep.equal({
      status: 422,
      body: {
        status: "rejected",
        reason: `clientOrderId: "${id}" is not the id of this intent, "${clientOrderId(stack, absent, bar, "enter")}"`,
      },
    });
    const exit = { clientOrderId: clientOrderId(stack, bot, bar, "exit"), bar, action: "exit" };
    expect(await processes.callBroker(bot, "/v1/intents", exit)).to.deep.equal({
      status: 422,
      body: {
        status: "rejected",
        reason: `too late: decided on bar ${new Date(bar).toISOString()}, but the account is at ${new Date(last).toISOString()}`,
      },
    });
    expect(await rows("SELECT status FROM orders WHERE client_order_id = $1", exit.clientOrderId)).to.deep.equal([{ status: "rejected" }]);
  });

  it("shows a bot its own account", async () => {
    const { status, body } = await processes.callBroker(bot, "/v1/account");
    expect(status).to.equal(200);
    expect(body).to.include({ bot, startBar: candles[warmupBars]!.openTime, warmupFrom: candles[0]!.openTime, processedBar: last });
    expect(body).to.include({ startingCash, simulated: true });
    expect(await processes.callBroker(absent, "/v1/account")).to.deep.equal({
      status: 404,
      body: { error: `bot ${absent} has not registered` },
    });
  });

  it("hands an intent in that had not reached the broker when the bot was killed", async () => {
    await processes.kill(`bot-${bot}`);
    const id = clientOrderId(stack, bot, last, "exit");
    await rows(
      "UPDATE decisions SET action = 'exit', intent = $1, client_order_id = $2 WHERE bar = $3",
      ...[JSON.stringify({ action: "exit" }), id, new Date(last)],
    );
    await processes.start(`bot-${bot}`);
    const query = `SELECT bar FROM orders WHERE client_order_id = '${id}'`;
    await comesTo(last, query);
    expect(await rows(query)).to.have.length(1);
  });

  it("lets no entry through without the feed's lease, and holds back nothing else", async () => {
    expect(await processes.stop("livefeed")).to.equal(0);
    await rows("UPDATE feed_status SET lease_until = now() - interval '1 second'");
    const submit = (action: "enter" | "exit", rest: object) =>
      processes.callBroker(bot, "/v1/intents", { clientOrderId: clientOrderId(stack, bot, last, action), bar: last, action, ...rest });
    expect(await submit("enter", { quantity: 1, stopPrice: 1 })).to.deep.equal({
      status: 422,
      body: { status: "rejected", reason: "no entry without the feed's lease: the feed is DOWN (feed stopped)" },
    });
    expect(JSON.stringify(await submit("exit", {}))).to.not.contain("lease");
  });

  it("stops on SIGTERM with exit code 0", async () => {
    expect(await processes.stop(`bot-${bot}`)).to.equal(0);
    expect(await processes.stop("broker")).to.equal(0);
  });

  async function rows(text: string, ...values: unknown[]): Promise<any[]> {
    return (await database.query(text, values)).rows;
  }

  /** Waits until a cursor, the account's unless another is asked for, has come to a bar; fails when it stands still. */
  async function comesTo(bar: number, query = "SELECT processed_bar AS bar FROM accounts"): Promise<void> {
    let seen = 0;
    let since = Date.now();
    for (;;) {
      const now = ((await rows(query))[0]?.bar as Date | null | undefined)?.getTime() ?? 0;
      if (now >= bar) return;
      if (now !== seen) since = Date.now();
      seen = now;
      if (Date.now() - since > 60_000) throw new Error(`still at ${new Date(now).toISOString()} after a minute: ${query}`);
      await delay(50);
    }
  }
});

/** The backtest's orders have ids of their own. */
function renamed(fill: Fill): Fill {
  return { ...fill, clientOrderId: fill.clientOrderId.replace(/^backtest-bot-/, `${stack}-${bot}-`) };
}
