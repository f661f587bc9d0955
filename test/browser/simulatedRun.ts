import type pg from "pg";
import type { Candle } from "../../domain/candles";
import { clientOrderId } from "../../domain/clientOrderId";
import { applyIntent, processBar } from "../../domain/execution";
import { kpisOfSpan, SPANS } from "../../domain/kpis/spans";
import { openAccount, workingStop, type Account, type Fill, type Order, type Trade } from "../../domain/orders";
import { createStrategy, type Decision } from "../../domain/strategies";
import { kpiRow } from "../../services/performance/kpiRow";

export interface SimulatedRun {
  bot: string;
  symbol: string;
  candles: readonly Candle[];
  /** Index of the first candle that was traded on. */
  start: number;
  account: Account;
  decisions: Decision[];
  orders: Order[];
  fills: Fill[];
  trades: Trade[];
  equity: { bar: number; equity: number; cash: number; quantity: number; close: number }[];
}

const stack = "paper";
const startingCash = 10_000;

/** What bot and broker make of the candles, worked by the rules of the domain. */
export function simulateRun(bot: string, symbol: string, candles: readonly Candle[]): SimulatedRun {
  const strategy = createStrategy("RefStrat_01", {});
  const start = strategy.warmupBars;
  const orders = new Map<string, Order>();
  const run: Omit<SimulatedRun, "account" | "orders"> = { bot, symbol, candles, start, decisions: [], fills: [], trades: [], equity: [] };
  let account = openAccount(startingCash);
  for (const candle of candles.slice(0, start)) strategy.warmUp(candle);
  for (const candle of candles.slice(start)) {
    const result = processBar(account, candle, { interval: 3_600_000 });
    account = result.account;
    for (const order of result.orderUpdates) orders.set(order.clientOrderId, order);
    run.fills.push(...result.fills);
    run.trades.push(...result.trades);
    run.equity.push({ bar: candle.openTime, equity: result.equity, cash: account.cash, quantity: account.position?.quantity ?? 0, close: candle.close });
    const decision = strategy.onBar(candle, account);
    run.decisions.push(decision);
    if (decision.intent !== null) {
      const id = clientOrderId(stack, bot, decision.bar, decision.intent.action);
      const applied = applyIntent(account, decision.intent, { clientOrderId: id, bar: decision.bar, referencePrice: candle.close });
      account = applied.account;
      orders.set(id, applied.order);
    }
  }
  return { ...run, account, orders: [...orders.values()] };
}

const time = (epoch: number): string => new Date(epoch).toISOString();

async function insert(client: pg.Client, table: string, rows: readonly object[]): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(rows[0]!)
    .map((column) => `"${column}"`)
    .join(", ");
  await client.query(`INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1)`, [JSON.stringify(rows)]);
}

/** Writes a run as the services would have; the last decision is a few seconds old. */
export async function writeRun(client: pg.Client, run: SimulatedRun): Promise<void> {
  const { bot, symbol } = run;
  const bar = (candle: Candle | undefined): string => time(candle!.openTime);
  const now = Date.now();
  await insert(client, "feed_sessions", [
    { source: "recording btcusd-1h.csv", settings: {}, replay: true, warmup_from: bar(run.candles[0]), trade_from: bar(run.candles[run.start]), started_at: time(now - 3_600_000) },
  ]);
  await insert(
    client,
    "candles",
    run.candles.map(({ openTime, ...prices }) => ({ symbol, interval: "1h", open_time: time(openTime), ...prices, source: "recording", received_at: time(now) })),
  );
  await insert(client, "accounts", [accountRow(run, now)]);
  await insert(
    client,
    "decisions",
    run.decisions.map((decision, index) => ({
      ...{ bot, bar: time(decision.bar), action: decision.action, reason: decision.reason, indicators: decision.indicators, intent: decision.intent, late: false },
      client_order_id: decision.intent === null ? null : clientOrderId(stack, bot, decision.bar, decision.intent.action),
      decided_at: time(now - 3000 - (run.decisions.length - 1 - index) * 1000),
    })),
  );
  await insert(
    client,
    "orders",
    run.orders.map((order) => ({
      ...{ client_order_id: order.clientOrderId, bot, bar: time(order.bar), action: order.action, side: order.side, type: order.type },
      ...{ quantity: order.quantity, stop_price: order.stopPrice, reference_price: order.referencePrice, status: order.status, reason: order.reason, created_at: time(now), updated_at: time(now) },
    })),
  );
  await insert(
    client,
    "fills",
    run.fills.map((fill) => ({
      ...{ client_order_id: fill.clientOrderId, bot, bar: time(fill.bar), side: fill.side, price: fill.price, quantity: fill.quantity },
      ...{ fee: fill.fee, slippage: fill.slippage, reason: fill.reason, simulated: true, filled_at: time(fill.bar) },
    })),
  );
  await insert(
    client,
    "trades",
    run.trades.map((trade) => ({
      ...{ bot, entry_bar: time(trade.entryBar), exit_bar: time(trade.exitBar), quantity: trade.quantity, entry_price: trade.entryPrice },
      ...{ exit_price: trade.exitPrice, fees: trade.fees, profit: trade.profit, exit_reason: trade.exitReason },
    })),
  );
  await insert(client, "equity", run.equity.map((point) => ({ bot, ...point, bar: time(point.bar) })));
}

function accountRow({ bot, symbol, account, candles, start }: SimulatedRun, now: number): object {
  const { position } = account;
  return {
    ...{ bot, symbol, interval: "1h", strategy: "RefStrat_01", strategy_settings: {}, configuration_hash: "0".repeat(64), starting_cash: startingCash },
    ...{ cash: account.cash, quantity: position?.quantity ?? 0, entry_price: position?.entryPrice ?? null, entry_fee: position?.entryFee ?? null },
    entry_bar: position === null ? null : time(position.entryBar),
    stop_price: workingStop(account)?.stopPrice ?? null,
    warmup_from: time(candles[0]!.openTime),
    start_bar: time(candles[start]!.openTime),
    processed_bar: account.processedBar === null ? null : time(account.processedBar),
    updated_at: time(now),
  };
}

/** The figures of the run's last bar, and a comparison that found it equal to its replay. */
export async function writePerformance(client: pg.Client, run: SimulatedRun): Promise<void> {
  const { bot, equity, trades, fills, decisions } = run;
  const [first, last] = [equity[0]!.bar, equity.at(-1)!.bar];
  const ledger = { marks: equity.map((mark) => ({ bar: mark.bar, equity: mark.equity, held: mark.quantity > 0 })), trades, fills };
  const known = { trackingError: 0, meanDifference: 0, equityGap: 0, decisionMatch: 1 };
  const rows = SPANS.map((span) => kpiRow({ bot, span, bar: last }, kpisOfSpan(ledger, span, 3_600_000, trades.length / (equity.length / 720)), known));
  await insert(client, "kpis", rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]))));
  await client.query(
    `INSERT INTO parities (bot, from_bar, to_bar, configuration_hash, reference, decisions_compared, decisions_matched, trades_compared, trades_matched, refused, late,
       tracking_error, mean_difference, equity_gap, cause, verdict, frozen, reason, expected_trades, seconds)
     VALUES ($1, $2, $3, $4, 'image', $5, $5, $6, $6, 0, 0, 0, 0, 0, 'none', 'equal', false, $7, '{}', 0.6)`,
    [bot, time(first), time(last), "0".repeat(64), decisions.length, trades.length, `all ${decisions.length} decisions and ${trades.length} trades are the same`],
  );
}

/** The feed says it is healthy and hands out a lease for the next minute. */
export async function writeFeedStatus(client: pg.Client, run: SimulatedRun, state = "HEALTHY", reason = "candles arrive in order"): Promise<void> {
  await client.query(
    `INSERT INTO feed_status (symbol, interval, state, reason, last_open_time, updated_at, lease_until)
     VALUES ($1, '1h', $2, $3, $4, now(), now() + interval '60 seconds')
     ON CONFLICT (symbol, interval) DO UPDATE SET state = excluded.state, reason = excluded.reason, updated_at = now(), lease_until = excluded.lease_until`,
    [run.symbol, state, reason, time(run.candles.at(-1)!.openTime)],
  );
}

/** A state the feed came into so many wall minutes ago. */
export interface PastState {
  minutesAgo: number;
  state: "HEALTHY" | "DEGRADED" | "DOWN";
  reason: string;
}

/** What the feed was and what was found about it; findings are of the run's last candles. */
export async function writeFeedQuality(client: pg.Client, run: SimulatedRun, states: readonly PastState[], measures: object = {}): Promise<void> {
  const { symbol } = run;
  const ago = (minutes: number): string => time(Date.now() - minutes * 60_000);
  const candle = (fromEnd: number): string => time(run.candles.at(-fromEnd)!.openTime);
  await insert(client, "feed_states", states.map(({ minutesAgo, state, reason }, index) => ({ id: 1000 + index, symbol, interval: "1h", at: ago(minutesAgo), state, reason })));
  await insert(client, "feed_findings", [
    { id: 1001, at: ago(200), symbol, interval: "1h", open_time: candle(5), kind: "gap", severity: "DEGRADED", reason: "1 candle is missing", details: { missing: 1 } },
    { id: 1002, at: ago(199), symbol, interval: "1h", open_time: candle(5), kind: "backfilled", severity: "note", reason: "the missing candle came when it was asked for again", details: { seconds: 41.3 } },
    { id: 1003, at: ago(20), symbol, interval: "1h", open_time: candle(1), kind: "open jump", severity: "note", reason: "the open is 0.63 % from the close before", details: { change: 0.0063, open: 3711.2, closeBefore: 3688 } },
  ]);
  await client.query("UPDATE feed_status SET measures = $2, since = $3 WHERE symbol = $1", [symbol, JSON.stringify(measures), ago(states.at(-1)?.minutesAgo ?? 0)]);
}

/** What the broker counted of the run, and one intent that it refused some wall minutes ago. */
export async function writeBrokerCounts(client: pg.Client, run: SimulatedRun, refusedMinutesAgo: number, mismatch: string | null = null): Promise<void> {
  const { bot, decisions, orders } = run;
  const count = (status: string): number => orders.filter((order) => order.action !== "stop" && order.status === status).length;
  const intended = decisions.filter(({ intent }) => intent !== null).length;
  const open = count("accepted") + count("working");
  await client.query("DELETE FROM reconciliations WHERE bot = $1", [bot]);
  await insert(client, "reconciliations", [
    { bot, at: time(Date.now() - 4000), intended, sent: intended, rejected: count("rejected"), filled: count("filled"), cancelled: count("cancelled"), open, mismatch },
  ]);
  const refused = time(Date.now() - refusedMinutesAgo * 60_000);
  await client.query("DELETE FROM rejections WHERE bot = $1", [bot]);
  await insert(client, "rejections", [{ bot, kind: "lease", count: 2, first_at: refused, last_at: refused, last_reason: "no entry without the feed's lease: the feed is DEGRADED (1 candle is missing)" }]);
}

/** Limits that the runs of the tests keep to. */
export const shownLimits = { orderQuantity: 5, orderNotional: 12_000, positionQuantity: 5, positionNotional: 12_000, ordersPerHour: 10, ordersPerDay: 60, secondsBetweenEntries: 3600 };

/** Stands for a running bot: the session holds the bot's lock until it ends. */
export async function holdBotLock(client: pg.Client, bot: string): Promise<void> {
  await client.query("SELECT pg_advisory_lock(hashtext('trading.bot'), hashtext($1))", [bot]);
}
