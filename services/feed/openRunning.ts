import { sameValues, type Candle } from "../../domain/candles";
import { handOver } from "./handOver";
import { readHistory } from "./history";
import { SourceFailure } from "./liveSource";
import { checkSource, SourceChangedError } from "./resume";
import type { RunningParts } from "./running";
import type { RunningMarket } from "./runningMarket";
import { agreement, type SourceClock } from "./sourceClock";
import type { Session, StoredCandle } from "./store";

export interface OpeningParts extends RunningParts {
  readonly markets: readonly RunningMarket[];
  readonly clock: SourceClock;
  /** Length of a candle in milliseconds. */
  readonly interval: number;
}

/** What an earlier run left of a market. */
export interface Left {
  readonly market: RunningMarket;
  readonly stored: readonly StoredCandle[];
  /** By the monotonic clock, in milliseconds: until then a feed that was HEALTHY may go on as if it had not been away. */
  readonly healthyUntil: number;
}

/** Stored candles that are compared with what the source gives now. */
const comparedCandles = 20;
/** A source may lack some candles of the warm-up, which the judge sees as gaps, but not much of it. */
const warmupShare = 0.9;

/** Reads from the database where an earlier run came to, and lets the judges begin there. */
export async function readLeft({ settings, source, book, store, markets, clocks }: OpeningParts): Promise<Left[]> {
  const { quality, warmupBars } = settings;
  const left: Left[] = [];
  for (const market of markets) {
    const { judge } = market;
    const stored = await book.retry(() => store.stored(judge.symbol, warmupBars + quality.gapWindowCandles + 1));
    const word = await book.retry(() => store.lastWord(judge.symbol));
    checkSource(source.identity, judge.symbol, stored);
    const unacknowledged = word?.measures["unacknowledged"];
    judge.resume(stored, 0, typeof unacknowledged === "string" ? unacknowledged : null, clocks.monotonic());
    const oldest = stored[0]?.openTime;
    const revisions = oldest === undefined ? [] : await book.retry(() => store.revisions(judge.symbol, oldest));
    market.remember(stored, revisions);
    const wasHealthy = word !== undefined && word.measures["judged"] === "HEALTHY";
    const healthyUntil = wasHealthy ? clocks.monotonic() + (quality.lateSeconds.down - word.ageSeconds) * 1000 : Number.NEGATIVE_INFINITY;
    left.push({ market, stored, healthyUntil });
  }
  return left;
}

/**
 * Fetches what happened since, or the warm-up at the first start, opens the session and hands the candles to the judges.
 * @throws SourceFailure when the source does not answer, or lacks the warm-up
 * @throws SourceChangedError when it does not have the candles that are stored
 */
export async function openRunning(parts: OpeningParts, left: readonly Left[]): Promise<void> {
  const { settings, source, clock, interval, book, store, clocks } = parts;
  const { speed: _speed, quality: _quality, ...lasting } = settings;
  await source.open();
  await clock.prove(() => source.time());
  const now = clock.proven as number;
  const closedBy = now - agreement;
  const present = Math.floor(now / interval) * interval;
  const histories: { left: Left; history: Candle[] }[] = [];
  for (const one of left) {
    const { symbol } = one.market.judge;
    const last = one.stored.at(-1);
    const from = last === undefined ? present - Math.max(1, settings.warmupBars) * interval : last.openTime - comparedCandles * interval;
    const history = await readHistory(source, symbol, { from, to: present }, interval, closedBy);
    if (last === undefined && history.length < warmupShare * Math.max(1, settings.warmupBars)) {
      throw new SourceFailure(`${source.identity} gives ${history.length} of the ${settings.warmupBars} candles of ${symbol} for the warm-up`);
    }
    compare(one, history, source.identity);
    histories.push({ left: one, history });
  }
  const session = (await book.retry(() => store.newestSession(lasting))) ?? sessionOf(histories, settings.warmupBars, present, interval);
  await book.retry(() => store.openSession(session, lasting, false));
  for (const { left: one, history } of histories) {
    const { market, stored, healthyUntil } = one;
    const at = clocks.monotonic();
    if (at < healthyUntil) market.judge.resume(stored, Math.min(stored.length, market.judge.recoveryCandles), null, at);
    market.judge.tell((quality) => quality.heard(at));
    // What came while the feed was away is late.
    market.expect(now, at);
    await handOver(market, history, parts);
  }
}

function compare({ market, stored }: Left, history: readonly Candle[], identity: string): void {
  const known = new Map(stored.map((candle) => [candle.openTime, candle]));
  const both = history.filter(({ openTime }) => known.has(openTime));
  // One revised candle is a finding; when not a single one is the same, it is another market.
  if (both.length < 2 || both.some((candle) => sameValues(candle, known.get(candle.openTime) as Candle))) return;
  throw new SourceChangedError(
    `"${identity}" gives other values for each of the last ${both.length} candles of ${market.judge.symbol} that the database holds. ` +
      "Candles of two sources are never mixed: set the source back, or delete this stack's data and begin anew.",
  );
}

function sessionOf(histories: readonly { left: Left; history: readonly Candle[] }[], warmupBars: number, present: number, interval: number): Session {
  const firsts = histories.map(({ left: { stored }, history }) => (stored.length === 0 ? history[0] : stored[Math.max(0, stored.length - warmupBars)])?.openTime ?? present);
  const lasts = histories.flatMap(({ left: { stored } }) => stored.slice(-1).map(({ openTime }) => openTime + interval));
  return { warmupFrom: Math.min(...firsts), tradeFrom: lasts.length > 0 ? Math.min(...lasts) : present };
}
