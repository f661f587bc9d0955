/** Runs one statement as superuser in the trading database. */
export type Query = (sql: string) => Promise<unknown>;

/** Candles, trades and equity of several years and many bots, about 5 million rows. */
export const LARGE = { symbols: 100, hours: 20_000, bots: 60, tradesOfABot: 25_000, barsOfABot: 25_000 } as const;

const rowsOf = { candles: LARGE.symbols * LARGE.hours, trades: LARGE.bots * LARGE.tradesOfABot, equity: LARGE.bots * LARGE.barsOfABot };
export const LARGE_ROWS = rowsOf.candles + rowsOf.trades + rowsOf.equity;

/** Prices that wander within a range, with two decimals as an exchange has them. */
const price = (index: string) => `round((30000 + 9000 * sin(${index} / 700.0) + 400 * random())::numeric, 2)`;

/**
 * Fills the trading database with rows as the services write them: candles have an exchange's decimals, what is computed
 * (prices of fills, fees, profits, equity) has all the digits of a double.
 */
export async function fillLarge(query: Query): Promise<void> {
  const from = "timestamptz '2023-01-01'";
  await query(`INSERT INTO trading.candles (symbol, interval, open_time, open, high, low, close, volume, source, received_at)
    SELECT 'COIN' || symbol, '1h', ${from} + hour * interval '1 hour', p, p + 60, p - 60, p + round((50 * random())::numeric, 2), round((1000 * random())::numeric, 5), 'bench', ${from} + hour * interval '1 hour'
    FROM generate_series(1, ${LARGE.symbols}) AS symbol, generate_series(1, ${LARGE.hours}) AS hour, LATERAL (SELECT ${price("(hour + symbol)")} AS p) AS each`);
  await query(`INSERT INTO trading.accounts (bot, symbol, interval, strategy, strategy_settings, configuration_hash, starting_cash, cash, warmup_from, start_bar)
    SELECT 'bot' || bot, 'COIN' || bot, '1h', 'RefStrat_01', '{}', md5(bot::text), 10000, 10000, ${from}, ${from} FROM generate_series(1, ${LARGE.bots}) AS bot`);
  await addTrades(query, 1, LARGE.tradesOfABot);
  await query(`INSERT INTO trading.equity (bot, bar, equity, cash, quantity, close)
    SELECT 'bot' || bot, ${from} + bar * interval '1 hour', (10000 + 2000 * random())::text::numeric, (10000 * random())::text::numeric, round(random()::numeric, 5), ${price("bar")}
    FROM generate_series(1, ${LARGE.bots}) AS bot, generate_series(1, ${LARGE.barsOfABot}) AS bar`);
  await query("VACUUM ANALYZE");
  await query("CHECKPOINT");
}

/** One per cent of everything anew, as trading adds it: at the end. */
export async function changeOnePercent(query: Query): Promise<void> {
  const each = Math.ceil(LARGE_ROWS / 100 / LARGE.bots);
  await addTrades(query, LARGE.tradesOfABot + 1, LARGE.tradesOfABot + each);
}

async function addTrades(query: Query, first: number, last: number): Promise<void> {
  await query(`INSERT INTO trading.trades (bot, entry_bar, exit_bar, quantity, entry_price, exit_price, fees, profit, exit_reason)
    SELECT 'bot' || bot, bar, bar + interval '7 hours', round(random()::numeric, 5) + 0.00001, (p * (1 + 0.0005 * random()))::text::numeric, (p * (1 + 0.0005 * random()))::text::numeric, (20 * random())::text::numeric, (200 * random() - 100)::text::numeric, 'crossed'
    FROM generate_series(1, ${LARGE.bots}) AS bot, generate_series(${first}, ${last}) AS number, LATERAL (SELECT ${price("number")} AS p, timestamptz '2021-01-01' + number * interval '1 hour' AS bar) AS each`);
}
