import type { Kysely } from "kysely";
import { SPANS, spanStart, type Span } from "../../domain/kpis/spans";
import { tradesPer30Days } from "../../domain/kpis/trades";
import { compareRecords, type BotRecord, type Parity } from "../../domain/parity/compare";
import { replay, type ReplayRequest } from "../../domain/parity/replay";
import { verdictOf, type Verdict } from "../../domain/parity/verdict";
import type { ExecutionParameters } from "../../domain/execution";
import { toDate } from "../shared/database";
import type { TradingSchema } from "../shared/schema";
import { replayInImage, type ReplayAddress } from "./imageReplay";
import { insertParity, type NewParity, type ParityRow } from "./parityStore";
import { readRecorded, type Recorded } from "./recordReader";
import type { WatchedBot } from "./settings";

export interface ParityParts {
  readonly db: Kysely<TradingSchema>;
  readonly execution: ExecutionParameters;
  /** Newest days that are compared. */
  readonly days: number;
  /** What the bot's image lets a replay in by. */
  readonly token: string;
  /** Ends a replay when the service stops. */
  readonly signal: AbortSignal;
}

interface Comparison {
  readonly reference: "image" | "program";
  readonly parity: Parity;
  readonly verdict: Verdict;
}

/** Candles that a request may name one by one; a record with more exceptions than that is compared with its newest ones. */
const mostExceptions = 4000;

/**
 * Compares a bot with a replay through its own image, and with one by this program: an image that is wrong in itself
 * replays as wrongly as it trades. Stores the worse of the two.
 * @returns undefined before the bot has anything to compare
 */
export async function runParity({ db, execution, days, token, signal }: ParityParts, bot: WatchedBot): Promise<ParityRow | undefined> {
  const started = performance.now();
  const recorded = await readRecorded(db, bot.name, days);
  if (recorded === undefined) return undefined;
  const request = requestOf(recorded, execution);
  const image = await withImage({ address: bot.address, token }, recorded, request, signal);
  signal.throwIfAborted();
  const replayed = replay(recorded.candles, request, recorded.strategy);
  const program = compare("program", recorded, replayed);
  const worst = "note" in image || rank(program.verdict) > rank(image.verdict) ? program : image;
  const row = rowOf(bot, recorded, worst, "note" in image ? image.note : null);
  return insertParity(db, { ...row, expectedTrades: JSON.stringify(expectedTrades(replayed, recorded)), seconds: (performance.now() - started) / 1000 });
}

/** The image's record is compared and let go of before there is another: each may be of years. */
async function withImage(address: ReplayAddress, recorded: Recorded, request: ReplayRequest, signal: AbortSignal): Promise<Comparison | { readonly note: string }> {
  const image = await replayInImage(address, request, signal);
  return "note" in image ? image : compare("image", recorded, image.record);
}

function requestOf({ from, to, startBar, warmupFrom, startingCash, refused, late, sizeLimits, unseen }: Recorded, execution: ExecutionParameters): ReplayRequest {
  const withoutEffect = [...new Set([...refused, ...late])].sort((one, other) => one - other);
  const smaller = sizeLimits.length === 0 ? {} : { sizeLimits: sizeLimits.slice(-mostExceptions) };
  return { from, to, startBar, warmupFrom, startingCash, execution, withoutEffect: withoutEffect.slice(-mostExceptions), ...smaller, unseen: unseen.slice(-mostExceptions) };
}

function compare(reference: Comparison["reference"], { record, revised }: Recorded, replayed: BotRecord): Comparison {
  const parity = compareRecords(record, replayed, revised);
  return { reference, parity, verdict: verdictOf(parity) };
}

/** Higher is worse. */
function rank({ kind, frozen }: Verdict): number {
  return ["nothing to compare", "equal", "costs", "differs"].indexOf(kind) + (frozen ? 10 : 0);
}

function rowOf(bot: WatchedBot, recorded: Recorded, { reference, parity, verdict }: Comparison, note: string | null): Omit<NewParity, "expectedTrades" | "seconds"> {
  const { from, to, decisions, trades, tracking, slippage, first, cause } = parity;
  const compared = (bar: number) => bar >= recorded.from;
  return {
    bot: bot.name,
    fromBar: from === undefined ? null : toDate(from),
    toBar: to === undefined ? null : toDate(to),
    image: bot.image ?? recorded.image,
    configurationHash: recorded.configurationHash,
    ...{ reference, note, cause },
    decisionsCompared: decisions.compared,
    decisionsMatched: decisions.matched,
    tradesCompared: trades.compared,
    tradesMatched: trades.matched,
    refused: recorded.refused.filter(compared).length,
    late: recorded.late.filter(compared).length,
    trackingError: tracking?.trackingError ?? null,
    meanDifference: tracking?.meanDifference ?? null,
    equityGap: tracking?.equityGap ?? null,
    slippageMedian: slippage.own?.median ?? null,
    slippageP95: slippage.own?.percentile95 ?? null,
    referenceSlippageMedian: slippage.reference?.median ?? null,
    referenceSlippageP95: slippage.reference?.percentile95 ?? null,
    firstDifference: first === null ? null : JSON.stringify({ ...first, candles: candlesAround(recorded, first.bar) }),
    ...{ verdict: verdict.kind, frozen: verdict.frozen, reason: verdict.reason },
  };
}

/** What was there to decide on: the candle of the bar, and the one before it, as they are recorded now. */
function candlesAround({ candles }: Recorded, bar: number): object {
  const index = candles.findIndex(({ openTime }) => openTime === bar);
  return { before: candles[index - 1] ?? null, at: candles[index] ?? null };
}

/** Trades in 30 days that the replay has in each window which ends where it does. */
function expectedTrades({ trades, equity }: BotRecord, { barMilliseconds, candles, startBar, to }: Recorded): Partial<Record<Span, number>> {
  const marks = candles.filter(({ openTime }) => openTime >= startBar && openTime <= to).map(({ openTime }) => ({ bar: openTime, equity: 0, held: false }));
  if (equity.length === 0) return {};
  const entries = SPANS.flatMap((span): [Span, number][] => {
    const start = spanStart(marks, span, barMilliseconds);
    const rate = start === undefined ? undefined : tradesPer30Days(trades.filter(({ exitBar }) => exitBar >= start).length, to + barMilliseconds - start);
    return rate === undefined ? [] : [[span, rate]];
  });
  return Object.fromEntries(entries);
}
