import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { backtest, type BacktestResult } from "../../domain/backtest";
import { parseCandles } from "../../domain/candles";
import { clientOrderId } from "../../domain/clientOrderId";
import { strategySettingsSchema } from "../../domain/strategies";
import { mismatchesOf } from "../../services/broker/books";
import { readBooks } from "../../services/broker/reconcileQuery";
import { realCandlesFile, recordingOf } from "../support/candles";
import { attack, beginAttack, buildHostileImage, resultOf } from "../support/hostileBot";
import { kyselyOn } from "../support/kyselyOn";
import { execute } from "../support/throwAwayStack";
import { generousLimits, market, TradingProcesses } from "../support/tradingProcesses";

/** At the end of them the reference bot holds a position. */
const candleCount = 2330;
const warmupBars = 300;
const startingCash = 10_000;
const strategy = "RefStrat_01";
const strategySettings = strategySettingsSchema(strategy).parse({}) as object;
const stack = "hostile";
const hour = 3_600_000;
/** The reference bot, which must not notice anything. */
const good = "good";
const hostile = "hostile";
const limits = { ...generousLimits.bot, orderQuantity: 0.05, orderNotional: 200, secondsBetweenEntries: 86_400 };

interface Answer {
  readonly status: number;
  readonly reason: string;
}

describe("a hostile bot beside the reference bot", function () {
  this.timeout(300_000);

  const prefix = `trading-test-${randomBytes(4).toString("hex")}`;
  const service = `bot-${hostile}`;
  let processes: TradingProcesses;
  let database: pg.Client;
  let candles: ReturnType<typeof parseCandles>;
  let expected: BacktestResult;

  before(async () => {
    candles = parseCandles(await readFile(await realCandlesFile(), "utf8")).slice(0, candleCount);
    expected = backtest(candles, { strategy, parameters: strategySettings, startingCash, startBar: candles[warmupBars]!.openTime });
    processes = new TradingProcesses({
      ...{ prefix, stack, bots: [good, hostile], warmupBars, startingCash, strategy, strategySettings, speed: "maximum" },
      recording: recordingOf(candles),
    });
    await processes.prepare();
    const image = await buildHostileImage(await processes.image("bot"), `${prefix}:hostile`);
    database = await processes.connect();
    const account = { ...market, startingCash, strategy, strategySettings, configurationHash: "0123" };
    await processes.startBroker({
      settings: { bots: [{ ...account, name: good, limits: generousLimits.bot }, { ...account, name: hostile, limits }] },
    });
    await processes.startFeed();
    const keys = await rows("SELECT (hashtext('trading.bot')::bigint << 32 | (hashtext($1)::bigint & 4294967295))::text AS key", good);
    await processes.startBot(hostile, { image, settings: { victim: good, foreignLockKey: keys[0]!.key as string } });
    await comesTo("SELECT 1 FROM feed_status WHERE last_open_time IS NOT NULL");
  });

  after(async () => {
    await database?.end();
    await processes?.remove();
    await execute("docker", ["rmi", "--force", `${prefix}:hostile`]);
  });

  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    for (const name of ["livefeed", "broker", service, `bot-${good}`]) {
      process.stderr.write(`--- ${name}\n${await processes.logs(name).catch(String)}\n`);
    }
  });

  it("cannot write, lock or become what is another's", async () => {
    const { held } = await attack<{ held: boolean }>(processes, service, "begin");
    expect(held).to.equal(true);
    // Now the reference bot trades, while all of what follows goes on.
    await processes.startBot(good);
    await comesTo("SELECT 1 FROM decisions WHERE bot = 'good'");
    const { othersDecisionsSeen, ...tried } = await attack<Record<string, unknown>>(processes, service, "database");
    expect(othersDecisionsSeen).to.equal(0);
    // 42501: not allowed.
    for (const [what, code] of Object.entries(tried)) expect(code, what).to.equal("42501");
  });

  it("floods the broker with 10,000 orders and the database with connections, while its rows are as odd as can be", async () => {
    await beginAttack(processes, service, "flood");
    const connections = await attack<{ held: number; refused: string }>(processes, service, "connections");
    // 53300: too many connections for the role.
    expect(connections.refused).to.equal("53300");
    expect(connections.held).to.be.at.most(7);
    expect(await resultOf(processes, service, "flood")).to.deep.equal({ sent: 10_000 });
    await delay(3000);
    const { tries, ...meanwhile } = await attack<Record<string, unknown>>(processes, service, "rows");
    // 23514: against a check of the table; nobody reads endless times or megabytes of text then.
    expect(tries).to.deep.equal(["23514", "23514", "23514", "23514"]);
    expect(meanwhile).to.deep.equal({ registeredMeanwhile: 200, judgedMeanwhile: 422 });
  });

  it("gets every wrong order refused for what is wrong with it, and only its bound entry filled", async () => {
    const answers = await attack<Record<string, Answer>>(processes, service, "orders");
    const status: Record<string, number> = Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, answer.status]));
    expect(status).to.deep.equal({
      ...{ sizeTimesHundred: 422, huge: 422, stopAboveClose: 422, stopOutOfReach: 422, negative: 422, noStopPrice: 422, notANumber: 400 },
      ...{ withoutDecision: 422, otherThanDecided: 422, good: 201, again: 200, otherContent: 409, second: 422, entryInPosition: 422 },
      ...{ exit: 201, tooSoon: 422, oldBar: 422, barToCome: 422, othersId: 422, guessedToken: 401, noToken: 401 },
    });
    const reasons: Record<string, RegExp> = {
      ...{ sizeTimesHundred: /order quantity would be 1, the limit is 0.05/, huge: /order quantity would be 100000000000/ },
      ...{ stopAboveClose: /is not below the last close/, stopOutOfReach: /half of the last close/, negative: /must be a positive number/ },
      ...{ withoutDecision: /there is no decision/, otherThanDecided: /holds another intent/, second: /holds another intent|too late/ },
      ...{ tooSoon: /s of market time before, the limit is 86400 s/, oldBar: /too late/, othersId: /is not the id of this intent/ },
    };
    for (const [name, reason] of Object.entries(reasons)) expect(answers[name]!.reason, name).to.match(reason);

    const fills = await rows("SELECT side, price, quantity FROM fills WHERE bot = 'hostile' ORDER BY id");
    expect(fills.map(({ side, quantity }) => [side, Number(quantity)])).to.deep.equal([["buy", 0.01], ["sell", 0.01]]);
    for (const { price, quantity } of fills) expect(Number(price) * Number(quantity)).to.be.below(limits.orderNotional);
  });

  it("leaves the reference bot's decisions and trades exactly those of the backtest, none of them late", async () => {
    await comesTo(`SELECT 1 FROM decisions WHERE bot = 'good' AND bar = to_timestamp(${candles.at(-1)!.openTime / 1000})`);
    const decisions = await rows("SELECT bar, action, reason, indicators, intent, late FROM decisions WHERE bot = 'good' ORDER BY bar");
    expect(decisions.map((row) => ({ ...row, bar: row.bar.getTime() }))).to.deep.equal(
      expected.decisions.map((decision) => ({ ...decision, late: false })),
    );
    const trades = await rows("SELECT * FROM trades WHERE bot = 'good' ORDER BY id");
    expect(trades.map(tradeOf)).to.deep.equal(expected.trades);
    expect(trades.length).to.be.greaterThan(8);
    const equity = await rows("SELECT bar, equity FROM equity WHERE bot = 'good' ORDER BY bar");
    expect(equity.map((row) => ({ bar: row.bar.getTime(), equity: Number(row.equity) }))).to.deep.equal(expected.equity);
    const metrics = await processes.ask("broker", "/metrics");
    expect(metrics).to.not.match(/trading_broker_bars_without_decision_total\{bot="good"/);
  });

  it("gets no entry without the feed's lease", async () => {
    expect(await processes.stop("livefeed")).to.equal(0);
    await rows("UPDATE feed_status SET lease_until = now() - interval '1 second'");
    const { status, reason } = await attack<Answer>(processes, service, "withoutLease");
    expect([status, reason]).to.deep.equal([422, "no entry without the feed's lease: the feed is DOWN (feed stopped)"]);
  });

  it("has everything counted that was refused, in the table as in the metrics", async () => {
    const answers = await attack<Record<string, number>>(processes, service, "answers");
    const count = (...statuses: number[]) => statuses.reduce((sum, status) => sum + (answers[status] ?? 0), 0);
    expect(Object.keys(answers).filter((status) => Number(status) >= 500)).to.deep.equal([]);
    const of = async () => Object.fromEntries((await rows("SELECT bot, kind, count FROM rejections")).map((row) => [`${row.bot}/${row.kind}`, Number(row.count)]));
    // Counts are written once a second.
    const total = count(400, 401, 409, 413, 422, 429);
    await comesTo(`SELECT 1 FROM rejections HAVING sum(count) = ${total}`);
    const counted = await of();
    const sum = (match: (key: string) => boolean) => Object.entries(counted).reduce((all, [key, value]) => all + (match(key) ? value : 0), 0);
    expect(counted["hostile/throttled"]).to.equal(count(429));
    expect(counted["hostile/conflict"]).to.equal(count(409));
    expect(counted["unknown/authentication"]).to.equal(count(401));
    expect(sum((key) => key.startsWith("hostile/"))).to.equal(count(400, 409, 413, 422, 429));
    expect(sum((key) => key.startsWith("good/"))).to.equal(0);
    expect(total).to.be.greaterThan(10_000);
    const metrics = await processes.ask("broker", "/metrics");
    const measured = [...metrics.matchAll(/^trading_broker_rejections_total\{bot="(\w+)",kind="([^"]+)"\} (\d+)$/gm)];
    expect(Object.fromEntries(measured.map(([, bot, kind, value]) => [`${bot}/${kind}`, Number(value)]))).to.deep.equal(counted);
    process.stdout.write(`      ${JSON.stringify(counted)}\n`);
  });

  it("leaves the books of both in order, and the broker ready", async () => {
    await comesTo("SELECT 1 FROM reconciliations HAVING count(*) FILTER (WHERE at > now() - interval '70 seconds') = 2");
    const books = await rows("SELECT bot, sent, filled, cancelled, open, mismatch FROM reconciliations ORDER BY bot");
    for (const { sent, filled, cancelled, open, mismatch } of books) {
      expect(mismatch).to.equal(null);
      expect(Number(sent)).to.equal(Number(filled) + Number(cancelled) + Number(open));
    }
    expect(JSON.parse(await processes.ask("broker", "/readyz"))).to.include({ ready: true });
  });

  it("shows books that do not fit together as soon as the broker is back, for that bot alone", async () => {
    await rows("UPDATE accounts SET cash = cash + 1 WHERE bot = 'hostile'");
    await processes.kill("broker");
    await processes.start("broker");
    await comesTo("SELECT 1 FROM reconciliations WHERE bot = 'hostile' AND mismatch IS NOT NULL");
    const found = await rows("SELECT bot, mismatch FROM reconciliations ORDER BY bot");
    expect(found[0]).to.deep.equal({ bot: good, mismatch: null });
    expect(found[1]!.mismatch).to.match(/^the fills make a cash of [\d.]+, the account holds [\d.]+$/);
    const { ready, reason } = JSON.parse(await processes.ask("broker", "/readyz")) as { ready: boolean; reason: string };
    expect([ready, reason]).to.deep.equal([false, `the books of ${hostile} do not fit together: ${found[1]!.mismatch as string}`]);
    await rows("UPDATE accounts SET cash = cash - 1 WHERE bot = 'hostile'");
  });

  it("would be as bound with a running market: no late entry, and no exit at an open that is long known", async () => {
    expect(await processes.stop(`bot-${good}`)).to.equal(0);
    const bar = candles.at(-1)!.openTime;
    expect(expected.account.position).to.not.equal(null);
    await rows("UPDATE feed_sessions SET replay = false");
    await rows("UPDATE feed_status SET lease_until = now() + interval '60 seconds', renewals = renewals + 1");
    const late = { clientOrderId: clientOrderId(stack, good, bar, "enter"), bar, action: "enter", quantity: 0.01, stopPrice: 4000 };
    const refused = await processes.callBroker(good, "/v1/intents", late);
    expect(refused.status).to.equal(422);
    expect((refused.body as Answer).reason).to.match(/^too late: handed in \d+ s after the bar's close, entries have 300 s$/);

    const exit = { clientOrderId: clientOrderId(stack, good, bar, "exit"), bar, action: "exit" };
    await rows("UPDATE decisions SET action = 'exit', intent = '{\"action\": \"exit\"}', client_order_id = $1 WHERE bot = 'good' AND bar = $2", exit.clientOrderId, new Date(bar));
    expect(await processes.callBroker(good, "/v1/intents", exit)).to.deep.equal({ status: 201, body: { status: "accepted" } });
    const { close } = candles.at(-1)!;
    // One bar that opened years before the exit was handed in, and one that is yet to open.
    const yetToOpen = Math.ceil(Date.now() / hour) * hour + hour;
    for (const openTime of [bar + hour, yetToOpen]) {
      await rows(
        "INSERT INTO candles (symbol, interval, open_time, open, high, low, close, volume, source, received_at) VALUES ($1, $2, $3, $4, $4, $4, $4, 1, 'test', $5)",
        // Each came when it closed: the clock is right.
        ...[market.symbol, market.interval, new Date(openTime), close, new Date(openTime + hour)],
      );
      await comesTo(`SELECT 1 FROM accounts WHERE bot = 'good' AND processed_bar = to_timestamp(${openTime / 1000})`);
      const order = await rows("SELECT status FROM orders WHERE client_order_id = $1", exit.clientOrderId);
      expect(order).to.deep.equal([{ status: openTime === yetToOpen ? "filled" : "accepted" }]);
    }
    const [fill] = await rows("SELECT bar, reason FROM fills WHERE client_order_id = $1", exit.clientOrderId);
    expect([fill.bar.getTime(), fill.reason]).to.deep.equal([yetToOpen, "exit"]);
  });

  it("is killed when it does not stop on SIGTERM, and the broker stops in order", async () => {
    expect(await processes.stop(service)).to.equal(137);
    expect(await processes.stop("broker")).to.equal(0);
  });

  const entryOf = "(SELECT bar FROM orders WHERE bot = 'good' AND action = 'enter' ORDER BY bar LIMIT 1)";
  const firstFill = "(SELECT id FROM fills WHERE bot = 'good' ORDER BY id LIMIT 1)";
  const tampered: [string, string | null, RegExp[]][] = [
    ["nothing", null, []],
    ["a decision is gone", `DELETE FROM decisions WHERE bot = 'good' AND bar = ${entryOf}`, [/^no decision of the same content/]],
    ["a decision is of another size", intentWith("1.5"), [/^no decision of the same content/]],
    ["a decision holds a number that no double does", intentWith("1e400"), [/^no decision of the same content/]],
    ["a decision holds text for a number", intentWith('"0.01"'), [/^no decision of the same content/]],
    ["a decision holds anything but an intent", "UPDATE decisions SET intent = '{}' WHERE intent IS NOT NULL", [/^no decision of the same content/]],
    ["a fill is gone", `DELETE FROM fills WHERE id = ${firstFill}`, [/^the fills of order/, /^the fills make a position/, /^the fills make a cash/]],
    ["a fill is larger", `UPDATE fills SET quantity = quantity * 2 WHERE id = ${firstFill}`, [/^the fills of order/, /^the fills make a position/, /^the fills make a cash/]],
    ["an order is not filled after all", `UPDATE orders SET status = 'cancelled' WHERE bot = 'good' AND bar = ${entryOf} AND action = 'enter'`, [/^the fills of order/]],
    ["the cash is a cent too much", "UPDATE accounts SET cash = cash + 0.01 WHERE bot = 'good'", [/^the fills make a cash/]],
  ];
  for (const [name, statement, mismatches] of tampered) {
    it(`has books in which is seen that ${name}${statement === null ? " was changed" : ""}`, async () => {
      await rows("BEGIN");
      try {
        if (statement !== null) await rows(statement);
        const found = mismatchesOf((await readBooks(kyselyOn(database), good))!);
        expect(found).to.have.length(mismatches.length);
        mismatches.forEach((pattern, index) => expect(found[index]).to.match(pattern));
      } finally {
        await rows("ROLLBACK");
      }
    });
  }

  it("cannot have a position without its stop: the database itself takes none", async () => {
    const refused = await rows("UPDATE accounts SET quantity = 1, entry_price = 1, entry_bar = now(), entry_fee = 0, stop_price = NULL WHERE quantity = 0")
      .catch((error: Error & { constraint?: string }) => error.constraint);
    expect(refused).to.equal("accounts_position");
  });

  async function rows(text: string, ...values: unknown[]): Promise<any[]> {
    return (await database.query(text, values)).rows;
  }

  /** Waits until a query finds something; fails when it does not within 90 s. */
  async function comesTo(query: string): Promise<void> {
    const until = Date.now() + 90_000;
    while ((await rows(query)).length === 0) {
      if (Date.now() > until) throw new Error(`not within 90 s: ${query}`);
      await delay(100);
    }
  }
});

/** Changes the size in the decision of the reference bot's first entry. */
function intentWith(quantity: string): string {
  return `UPDATE decisions SET intent = jsonb_set(intent, '{quantity}', '${quantity}') WHERE bot = 'good' AND bar =
    (SELECT bar FROM orders WHERE bot = 'good' AND action = 'enter' ORDER BY bar LIMIT 1)`;
}

function tradeOf(row: any): object {
  return {
    ...{ entryBar: row.entry_bar.getTime(), exitBar: row.exit_bar.getTime(), quantity: Number(row.quantity) },
    ...{ entryPrice: Number(row.entry_price), exitPrice: Number(row.exit_price), fees: Number(row.fees) },
    ...{ profit: Number(row.profit), exitReason: row.exit_reason },
  };
}
