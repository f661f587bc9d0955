import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { backtest, type BacktestResult } from "../../domain/backtest";
import { parseCandles } from "../../domain/candles";
import { applyIntent, processBar } from "../../domain/execution";
import { openAccount, type Fill, type Intent, type Trade } from "../../domain/orders";
import { strategySettingsSchema } from "../../domain/strategies";
import { realCandlesFile } from "../support/candles";
import { TradingProcesses } from "../support/tradingProcesses";

const candleCount = 3000;
const warmupBars = 300;
const startingCash = 10_000;
const strategy = "RefStrat_01";
const strategySettings = strategySettingsSchema(strategy).parse({}) as object;
const stack = "replay";
/** One bot that nothing happens to, and one that is killed. */
const steady = "steady";
const shaken = "shaken";

describe("replay through feed, database, broker and bots", function () {
  this.timeout(180_000);

  const prefix = `trading-test-${randomBytes(4).toString("hex")}`;
  let processes: TradingProcesses;
  let database: pg.Client;
  let candles: ReturnType<typeof parseCandles>;
  let expected: BacktestResult;
  let last: number;

  before(async () => {
    candles = parseCandles(await readFile(await realCandlesFile(), "utf8")).slice(0, candleCount);
    expected = backtest(candles, { strategy, parameters: strategySettings, startingCash, startBar: candles[warmupBars]!.openTime });
    last = candles.at(-1)!.openTime;
    const rows = candles.map(({ openTime, open, high, low, close, volume }) => [openTime, open, high, low, close, volume].join(","));
    const recording = ["open_time_ms,open,high,low,close,volume", ...rows, ""].join("\n");
    processes = new TradingProcesses({
      ...{ prefix, stack, bots: [steady, shaken], recording, warmupBars, startingCash, strategy, strategySettings },
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
    for (const service of ["livefeed", "broker", `bot-${steady}`, `bot-${shaken}`]) {
      process.stderr.write(`--- ${service}\n${await processes.logs(service).catch(String)}\n`);
    }
  });

  it("trades what the backtest trades, also when the broker is killed in the middle", async () => {
    await Promise.all([processes.startBroker(), processes.startFeed()]);
    await Promise.all([processes.startBot(steady), processes.startBot(shaken)]);

    await reaches(steady, 0);
    const began = Date.now();
    await reaches(steady, 1000);
    const barsPerSecond = 1000 / ((Date.now() - began) / 1000);

    await processes.kill("broker");
    await processes.start("broker");
    await reaches(shaken, 1400);
    await processes.kill(`bot-${shaken}`);
    await reaches(shaken, 1450);
    await processes.start(`bot-${shaken}`);
    await Promise.all([decidedOn(steady, last), decidedOn(shaken, last)]);

    const memory = await Promise.all(["broker", `bot-${steady}`].map((service) => processes.memoryMegabytes(service)));
    process.stdout.write(
      `      ${Math.round(barsPerSecond)} bars/s with two bots; broker ${memory[0]!.toFixed(0)} MB, bot ${memory[1]!.toFixed(0)} MB\n`,
    );

    expect(await fillsOf(steady)).to.deep.equal(expected.fills.map((fill) => renamed(fill, steady)));
    expect(await tradesOf(steady)).to.deep.equal(expected.trades);
    expect(await decisionsOf(steady)).to.deep.equal(
      expected.decisions.map(({ bar, action, intent, indicators }) => ({ bar, action, intent, indicators, late: false })),
    );
    expect(await equityOf(steady)).to.deep.equal(expected.equity);
    expect(expected.trades.length).to.be.greaterThan(10);
  });

  it("goes on after a killed bot without a duplicate, and with holds for what it missed", async () => {
    const decisions = await decisionsOf(shaken);
    expect(decisions.map(({ bar }) => bar)).to.deep.equal(expected.equity.map(({ bar }) => bar));
    const late = decisions.filter((decision) => decision.late);
    expect(late).to.not.be.empty;
    expect(late.every(({ action, intent }) => action === "hold" && intent === null)).to.equal(true);

    // Its decisions, worked by the rules of the domain, give exactly the fills that the broker wrote.
    const accepted = new Set(
      (await rows<{ id: string }>("SELECT client_order_id AS id FROM orders WHERE bot = $1 AND status <> 'rejected'", shaken)).map(({ id }) => id),
    );
    const fills: Fill[] = [];
    let account = openAccount(startingCash);
    for (const [index, { bar, intent }] of decisions.entries()) {
      const result = processBar(account, candles[warmupBars + index]!);
      account = result.account;
      fills.push(...result.fills);
      const clientOrderId = `${stack}-${shaken}-${bar / 1000}-${intent?.action}`;
      if (intent !== null && accepted.has(clientOrderId)) account = applyIntent(account, intent, { clientOrderId, bar }).account;
    }
    expect(await fillsOf(shaken)).to.deep.equal(fills);
    expect(await equityOf(shaken)).to.have.length(expected.equity.length);
  });

  it("marks every fill as simulated", async () => {
    expect(await rows("SELECT DISTINCT simulated FROM fills")).to.deep.equal([{ simulated: true }]);
  });

  it("says it is ready", async () => {
    const broker = await processes.ask("broker", "/readyz");
    expect(JSON.parse(broker)).to.deep.equal({ ready: true, reason: "2 of 2 bots registered, fills are simulated" });
    const bot = await processes.ask(`bot-${steady}`, "/readyz");
    expect(JSON.parse(bot)).to.deep.equal({ ready: true, reason: `decided up to ${new Date(last).toISOString()}` });
  });

  it("takes an intent once, and none for a bar that is over", async () => {
    const [order] = await rows<{ id: string; bar: Date; quantity: string; stop: string }>(
      "SELECT client_order_id AS id, bar, quantity, stop_price AS stop FROM orders WHERE bot = $1 AND action = 'enter' ORDER BY bar LIMIT 1",
      steady,
    );
    const bar = order!.bar.getTime();
    const intent = { clientOrderId: order!.id, bar, action: "enter", quantity: Number(order!.quantity), stopPrice: Number(order!.stop) };
    const again = await processes.callBroker(steady, "/v1/intents", intent);
    expect(again).to.deep.equal({ status: 200, body: { status: "filled" } });
    const other = await processes.callBroker(steady, "/v1/intents", { ...intent, stopPrice: 1 });
    expect(other.status).to.equal(409);
    const stranger = await processes.callBroker(shaken, "/v1/intents", intent);
    expect(stranger.status).to.equal(422);

    const late = { clientOrderId: `${stack}-${steady}-${bar / 1000}-exit`, bar, action: "exit" };
    expect(await processes.callBroker(steady, "/v1/intents", late)).to.deep.equal({
      status: 422,
      body: {
        status: "rejected",
        reason: `too late: decided on bar ${new Date(bar).toISOString()}, but the account is at ${new Date(last).toISOString()}`,
      },
    });
  });

  it("stops on SIGTERM with exit code 0", async () => {
    expect(await processes.stop(`bot-${steady}`)).to.equal(0);
    expect(await processes.stop("broker")).to.equal(0);
  });

  async function rows<Row extends pg.QueryResultRow>(text: string, ...values: unknown[]): Promise<Row[]> {
    return (await database.query<Row>(text, values)).rows;
  }

  /** Waits until the account of a bot has come to a bar, counted from the start of trading. */
  async function reaches(bot: string, index: number): Promise<void> {
    await until(`${bot} at bar ${index}`, "SELECT processed_bar AS bar FROM accounts WHERE bot = $1", bot, candles[warmupBars + index]!.openTime);
  }

  async function decidedOn(bot: string, bar: number): Promise<void> {
    await until(`${bot} decided on the last bar`, "SELECT max(bar) AS bar FROM decisions WHERE bot = $1", bot, bar);
  }

  async function until(what: string, query: string, bot: string, bar: number): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const [row] = await rows<{ bar: Date | null }>(query, bot);
      if ((row?.bar?.getTime() ?? 0) >= bar) return;
      if (Date.now() > deadline) throw new Error(`not in time: ${what}, came to ${row?.bar?.toISOString()}`);
      await delay(50);
    }
  }

  async function fillsOf(bot: string): Promise<Fill[]> {
    const found = await rows("SELECT * FROM fills WHERE bot = $1 ORDER BY id", bot);
    return found.map((row) => ({
      ...{ clientOrderId: row.client_order_id, bar: row.bar.getTime(), side: row.side, price: Number(row.price) },
      ...{ quantity: Number(row.quantity), fee: Number(row.fee), slippage: Number(row.slippage), reason: row.reason },
    }));
  }

  async function tradesOf(bot: string): Promise<Trade[]> {
    const found = await rows("SELECT * FROM trades WHERE bot = $1 ORDER BY id", bot);
    return found.map((row) => ({
      ...{ entryBar: row.entry_bar.getTime(), exitBar: row.exit_bar.getTime(), quantity: Number(row.quantity) },
      ...{ entryPrice: Number(row.entry_price), exitPrice: Number(row.exit_price), fees: Number(row.fees) },
      ...{ profit: Number(row.profit), exitReason: row.exit_reason },
    }));
  }

  async function decisionsOf(
    bot: string,
  ): Promise<{ bar: number; action: string; intent: Intent | null; indicators: object; late: boolean }[]> {
    const found = await rows("SELECT bar, action, intent, indicators, late FROM decisions WHERE bot = $1 ORDER BY bar", bot);
    return found.map(({ bar, action, intent, indicators, late }) => ({ bar: bar.getTime(), action, intent, indicators, late }));
  }

  async function equityOf(bot: string): Promise<{ bar: number; equity: number }[]> {
    const found = await rows("SELECT bar, equity FROM equity WHERE bot = $1 ORDER BY bar", bot);
    return found.map((row) => ({ bar: row.bar.getTime(), equity: Number(row.equity) }));
  }
});

/** The backtest's orders have ids of their own. */
function renamed(fill: Fill, bot: string): Fill {
  return { ...fill, clientOrderId: fill.clientOrderId.replace(/^backtest-bot-/, `${stack}-${bot}-`) };
}
