import type { Candle } from "../../domain/candles";
import type { Ledger } from "../support/ledger";
import { eventually } from "../support/throwAwayStack";
import { market } from "../support/tradingProcesses";

/**
 * A feed that the test plays: it writes candles when the test says so, always HEALTHY and with a fresh lease, so that what
 * becomes of each is seen before the next one is there.
 */
export class HandFeed {
  /** @param candles of the market, ascending and without a gap; they are written in order, or left out */
  constructor(
    private readonly ledger: Ledger,
    readonly candles: readonly Candle[],
    private written = 0,
  ) {}

  /** Opens a replay and writes its warm-up. @param warmupBars as many candles are not traded on */
  async begin(warmupBars: number): Promise<void> {
    const [from, trade] = [this.candles[0]!, this.candles[warmupBars]!].map(({ openTime }) => new Date(openTime));
    await this.ledger.rows("INSERT INTO feed_sessions (source, settings, replay, warmup_from, trade_from) VALUES ('test', '{}', true, $1, $2)", from, trade);
    await this.ledger.rows("INSERT INTO feed_status (symbol, interval, state, reason) VALUES ($1, $2, 'HEALTHY', 'the test')", market.symbol, market.interval);
    this.written = warmupBars;
    await this.write(this.candles.slice(0, warmupBars));
  }

  /** The next candle of the market, not written yet. */
  get coming(): Candle {
    return this.candles[this.written]!;
  }

  /** Candles that were written or left out. */
  get passed(): readonly Candle[] {
    return this.candles.slice(0, this.written);
  }

  /** Writes the next candle, as the market has it but for what is given. @returns it */
  async next(changed: Partial<Candle> = {}): Promise<Candle> {
    const candle = { ...this.coming, ...changed };
    this.written++;
    await this.write([candle]);
    return candle;
  }

  /** Leaves the next candle out. @returns it */
  skip(): Candle {
    return this.candles[this.written++]!;
  }

  /** Writes a candle that was left out. */
  repair(candle: Candle): Promise<void> {
    return this.write([candle], 1);
  }

  /** Holds on the last bar for bots that the test plays, where they have not decided, so that nobody waits for them. */
  async hold(bots: readonly string[]): Promise<void> {
    await this.ledger.rows(
      `WITH held AS (
         INSERT INTO decisions (bot, bar, action, reason, indicators)
         SELECT bot, processed_bar, 'hold', 'the test', '{}' FROM accounts WHERE bot = ANY ($1) AND processed_bar IS NOT NULL
         ON CONFLICT DO NOTHING)
       SELECT pg_notify('decision', bot) FROM unnest($1::text[]) AS bot`,
      bots,
    );
  }

  /** Holds, writes the next candle and waits until the bots' accounts have worked it. @returns it */
  async step(bots: readonly string[]): Promise<Candle> {
    await this.hold(bots);
    const candle = await this.next();
    await eventually(`the accounts of ${bots.join(", ")} have worked ${new Date(candle.openTime).toISOString()}`, 30, async () => {
      const there = await this.ledger.rows("SELECT FROM accounts WHERE bot = ANY ($1) AND processed_bar = $2", bots, new Date(candle.openTime));
      return there.length === bots.length;
    });
    return candle;
  }

  /** As the feed does it: candles, state, lease and notice at once. */
  private async write(candles: readonly Candle[], repairs = 0): Promise<void> {
    const rows = candles.map(({ openTime, ...prices }) => ({ ...prices, open_time: new Date(openTime).toISOString() }));
    const payload = JSON.stringify({ ...market, openTime: candles.at(-1)!.openTime });
    await this.ledger.rows(
      `WITH written AS (
         INSERT INTO candles (symbol, interval, open_time, open, high, low, close, volume, source, received_at)
         SELECT $1, $2, open_time, open, high, low, close, volume, 'test', clock_timestamp()
         FROM jsonb_to_recordset($3) AS c(open_time timestamptz, open numeric, high numeric, low numeric, close numeric, volume numeric)),
       told AS (
         UPDATE feed_status SET lease_until = clock_timestamp() + interval '60 seconds', renewals = renewals + 1, repairs = repairs + $4,
           state = 'HEALTHY', reason = 'the test', last_open_time = greatest(last_open_time, $5))
       SELECT pg_notify('candle', $6)`,
      ...[market.symbol, market.interval, JSON.stringify(rows), repairs, new Date(candles.at(-1)!.openTime), payload],
    );
  }
}
