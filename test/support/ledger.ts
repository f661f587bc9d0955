import { expect } from "chai";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { Candle } from "../../domain/candles";
import { clientOrderId } from "../../domain/clientOrderId";
import { applyIntent, processBar } from "../../domain/execution";
import { intervalMilliseconds } from "../../domain/intervals";
import { openAccount, workingStop, type Fill, type Order, type Trade } from "../../domain/orders";
import type { Decision } from "../../domain/strategies";
import { market } from "./tradingProcesses";

/** Length of a bar of the market that the tests trade, in milliseconds. */
const interval = intervalMilliseconds(market.interval);

export type LateDecision = Decision & { readonly late: boolean };

/** Fills, trades and equity as they are written, and as the domain computes them. Times are epoch milliseconds. */
export interface Book {
  readonly fills: Fill[];
  readonly trades: Trade[];
  readonly equity: { readonly bar: number; readonly equity: number }[];
}

/** What the trading database holds of one bot, for tests. Prices and amounts as numbers, times in epoch milliseconds. */
export class Ledger {
  constructor(
    private readonly database: () => pg.Client,
    readonly bot: string,
  ) {}

  async rows(text: string, ...values: unknown[]): Promise<any[]> {
    return (await this.database().query(text, values)).rows;
  }

  /** The candles of the account's market from its first bar on, or from the warm-up's. */
  async candles(from: "start_bar" | "warmup_from" = "start_bar"): Promise<Candle[]> {
    const found = await this.rows(
      `SELECT c.* FROM candles AS c JOIN accounts AS a ON a.symbol = c.symbol AND a.interval = c.interval
       WHERE a.bot = $1 AND c.open_time >= a.${from} ORDER BY c.open_time`,
      this.bot,
    );
    return found.map((row) => ({
      ...{ openTime: row.open_time.getTime(), open: Number(row.open), high: Number(row.high), low: Number(row.low) },
      ...{ close: Number(row.close), volume: Number(row.volume) },
    }));
  }

  async decisions(): Promise<LateDecision[]> {
    const found = await this.rows(
      "SELECT bar, action, reason, indicators, intent, late FROM decisions WHERE bot = $1 ORDER BY bar",
      this.bot,
    );
    return found.map((row) => ({ ...row, bar: row.bar.getTime() }));
  }

  async orders(): Promise<Order[]> {
    const found = await this.rows("SELECT * FROM orders WHERE bot = $1 ORDER BY bar, created_at", this.bot);
    return found.map((row) => ({
      ...{ clientOrderId: row.client_order_id, bar: row.bar.getTime(), action: row.action, side: row.side, type: row.type },
      ...{ quantity: numberOf(row.quantity), stopPrice: numberOf(row.stop_price), status: row.status, reason: row.reason },
      ...{ sizeLimit: numberOf(row.size_limit), referencePrice: numberOf(row.reference_price) },
    }));
  }

  async book(): Promise<Book> {
    const fills = await this.rows("SELECT * FROM fills WHERE bot = $1 ORDER BY id", this.bot);
    const trades = await this.rows("SELECT * FROM trades WHERE bot = $1 ORDER BY id", this.bot);
    const equity = await this.rows("SELECT bar, equity FROM equity WHERE bot = $1 ORDER BY bar", this.bot);
    return {
      fills: fills.map((row) => ({
        ...{ clientOrderId: row.client_order_id, bar: row.bar.getTime(), side: row.side, price: Number(row.price) },
        ...{ quantity: Number(row.quantity), fee: Number(row.fee), slippage: Number(row.slippage), reason: row.reason },
      })),
      trades: trades.map((row) => ({
        ...{ entryBar: row.entry_bar.getTime(), exitBar: row.exit_bar.getTime(), quantity: Number(row.quantity) },
        ...{ entryPrice: Number(row.entry_price), exitPrice: Number(row.exit_price), fees: Number(row.fees) },
        ...{ profit: Number(row.profit), exitReason: row.exit_reason },
      })),
      equity: equity.map((row) => ({ bar: row.bar.getTime(), equity: Number(row.equity) })),
    };
  }

  /** Positions that no working stop protects; there must never be one. */
  async unprotected(): Promise<number> {
    const [row] = await this.rows(
      `SELECT count(*)::int FROM accounts AS a WHERE quantity > 0
       AND NOT EXISTS (SELECT FROM orders AS o WHERE o.bot = a.bot AND o.type = 'stop' AND o.status = 'working')`,
    );
    return row.count as number;
  }

  /** Waits until the account has worked every candle, every bar is decided on, and every intent has its order. */
  async settled(seconds: number): Promise<void> {
    const query = `SELECT (SELECT max(open_time) FROM candles AS c WHERE c.symbol = a.symbol AND c.interval = a.interval) AS newest,
        processed_bar, (SELECT max(bar) FROM decisions AS d WHERE d.bot = a.bot) AS decided,
        (SELECT count(*)::int FROM decisions AS d WHERE d.bot = a.bot AND intent IS NOT NULL
          AND NOT EXISTS (SELECT FROM orders AS o WHERE o.client_order_id = d.client_order_id)) AS unanswered
      FROM accounts AS a WHERE bot = $1`;
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const [row] = await this.rows(query, this.bot);
      const at = row && [row.newest, row.processed_bar, row.decided].map((time: Date | null) => time?.getTime());
      if (at && at[0] === at[1] && at[1] === at[2] && row.unanswered === 0) return;
      if (Date.now() > deadline) throw new Error(`not settled after ${seconds} s: ${JSON.stringify(row)}`);
      await delay(20);
    }
  }
}

/** What the rules of the domain make of decisions, where the broker took the orders it took. */
export function worked(
  candles: readonly Candle[],
  decisions: readonly LateDecision[],
  orders: readonly Order[],
  { stack, bot, startingCash }: { stack: string; bot: string; startingCash: number },
): Book & { readonly cash: number; readonly quantity: number; readonly stopPrice: number | null } {
  const taken = new Map(orders.filter(({ status }) => status !== "rejected").map((order) => [order.clientOrderId, order]));
  const book: Book = { fills: [], trades: [], equity: [] };
  let account = openAccount(startingCash);
  for (const [index, { bar, intent }] of decisions.entries()) {
    const result = processBar(account, candles[index]!, { interval });
    account = result.account;
    book.fills.push(...result.fills);
    book.trades.push(...result.trades);
    book.equity.push({ bar, equity: result.equity });
    const order = intent && taken.get(clientOrderId(stack, bot, bar, intent.action));
    if (order) account = applyIntent(account, intent!, order).account;
  }
  return { ...book, cash: account.cash, quantity: account.position?.quantity ?? 0, stopPrice: workingStop(account)?.stopPrice ?? null };
}

/**
 * What has to hold of a settled bot after whatever happened to it: one decision a bar, one order an intent, and every
 * fill, trade, mark of equity and the account itself as the rules of the domain give them.
 */
export async function expectSound(ledger: Ledger, options: { stack: string; startingCash: number; explained: RegExp }): Promise<{ late: number; refused: number; trades: number; bars: number }> {
  const [candles, decisions, orders, book] = [await ledger.candles(), await ledger.decisions(), await ledger.orders(), await ledger.book()];
  expect(decisions.map(({ bar }) => bar), "one decision a bar").to.deep.equal(candles.map(({ openTime }) => openTime));
  const late = decisions.filter((decision) => decision.late);
  expect(late.every(({ action, intent }) => action === "hold" && intent === null), "late decisions hold").to.equal(true);

  const intended = decisions.flatMap(({ bar, intent }) => (intent === null ? [] : [clientOrderId(options.stack, ledger.bot, bar, intent.action)]));
  const own = orders.filter(({ action }) => action !== "stop");
  expect(own.map((order) => order.clientOrderId).sort(), "one order an intent").to.deep.equal([...intended].sort());
  const refused = own.filter(({ status }) => status === "rejected");
  for (const { clientOrderId: id, reason } of refused) expect(reason, `${id} was refused`).to.match(options.explained);

  const { cash, quantity, stopPrice, ...expected } = worked(candles, decisions, orders, { ...options, bot: ledger.bot });
  expect(book.fills, "fills").to.deep.equal(expected.fills);
  expect(book.trades, "trades").to.deep.equal(expected.trades);
  expect(book.equity, "equity").to.deep.equal(expected.equity);
  const [account] = await ledger.rows("SELECT cash::float, quantity::float, stop_price::float FROM accounts WHERE bot = $1", ledger.bot);
  expect(account, "account").to.deep.equal({ cash, quantity, stop_price: stopPrice });
  return { late: late.length, refused: refused.length, trades: book.trades.length, bars: candles.length };
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** Looks ten times a second, over a connection of its own, for positions without a stop, until `end`. */
export async function watchStops(processes: { connect(): Promise<pg.Client> }, bot: string): Promise<{ end(): Promise<{ looks: number; unprotected: number }> }> {
  const database = await processes.connect();
  const ledger = new Ledger(() => database, bot);
  const seen = { looks: 0, unprotected: 0 };
  let ended = false;
  const watching = (async () => {
    for (; !ended; seen.looks++) {
      seen.unprotected += await ledger.unprotected();
      await delay(100);
    }
    await database.end();
  })();
  return {
    end: async () => {
      ended = true;
      await watching;
      return seen;
    },
  };
}
