import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { readCandles, type Candle, type CandleFinding } from "../../domain/candles";
import { FaultyMarket, type Arrival, type Fault } from "../../domain/faultScript";
import type { FeedFinding } from "../../domain/feedQuality";
import { intervalMilliseconds } from "../../domain/intervals";
import { RandomMarket } from "../../domain/randomMarket";
import { SettingsError } from "../shared/settings";

/**
 * A market that is played: what arrives with each slot, one interval long and counted from 0, the same whenever it is
 * asked for.
 */
export interface ReplaySource {
  /** Says where the candles come from; candles with different identities are never mixed. */
  readonly identity: string;
  /** Open time of slot 0, epoch ms. */
  readonly firstOpenTime: number;
  /** From this open time on bots may trade. */
  readonly tradeFrom: number;
  /** Number of slots; infinite when it never ends. */
  readonly slots: number;
  /** What reaches the feed when the slot closes; nothing when its candle is missing. */
  arrivals(symbol: string, slot: number): readonly Arrival[];
  /** Market milliseconds after the slot's close in which nothing at all is heard of the source; 0 for none. */
  silence(symbol: string, slot: number): number;
  /** A candle that is asked for once more; null when it cannot be had. */
  backfill(symbol: string, openTime: number): Candle | null;
  /** What the reader of the source could put right by itself. */
  readonly findings: readonly FeedFinding[];
}

interface SyntheticSettings {
  readonly seed: number;
  readonly startTime: string;
  readonly faults: readonly Fault[];
}

/** A seeded made-up market that never ends, with its scripted faults; every symbol has its own. */
export function syntheticSource(settings: SyntheticSettings, symbols: readonly string[], interval: string, warmupBars: number): ReplaySource {
  const startTime = Date.parse(settings.startTime);
  const length = intervalMilliseconds(interval);
  const markets = new Map(
    symbols.map((symbol) => {
      const market = new RandomMarket({ seed: settings.seed, symbol, startTime, intervalMilliseconds: length });
      return [symbol, new FaultyMarket((index) => market.candle(index), settings.faults)];
    }),
  );
  return {
    identity: `synthetic seed ${settings.seed} from ${new Date(startTime).toISOString()}`,
    firstOpenTime: startTime,
    tradeFrom: startTime + warmupBars * length,
    slots: Number.POSITIVE_INFINITY,
    arrivals: (symbol, slot) => markets.get(symbol)?.arrivals(slot) ?? [],
    silence: (symbol, slot) => markets.get(symbol)?.silence(slot) ?? 0,
    backfill: (symbol, openTime) => markets.get(symbol)?.backfill(openTime) ?? null,
    findings: [],
  };
}

/** What the reader of a recording put right. */
const rowReasons: Readonly<Record<CandleFinding["kind"], string>> = {
  "out of order": "the candle stood after a newer one",
  duplicate: "the candle came again",
  inconsistent: "its prices contradict each other",
};

const gzipMagic = Buffer.from([0x1f, 0x8b]);

/**
 * The candles of a CSV text or its gzipped bytes.
 * @throws Error when it cannot be read or has not enough candles for the warm-up
 */
export function recordingSource(settings: { file: string; symbol: string }, content: Buffer, interval: string, warmupBars: number): ReplaySource {
  const bytes = content.subarray(0, 2).equals(gzipMagic) ? gunzipSync(content) : content;
  const { candles, findings } = readCandles(bytes.toString("utf8"));
  const trade = candles[warmupBars];
  if (trade === undefined) throw new Error(`it has no candle after the ${warmupBars} of the warm-up`);
  const length = intervalMilliseconds(interval);
  const slotOf = ({ openTime }: Candle): number => Math.floor(openTime / length);
  const first = slotOf(candles[0] as Candle);
  const arrivals = new Map<number, Arrival[]>();
  for (const candle of candles) {
    const slot = slotOf(candle) - first;
    const there = arrivals.get(slot);
    const arrival = { kind: "candle", candle, delay: 0 } as const;
    if (there === undefined) arrivals.set(slot, [arrival]);
    else there.push(arrival);
  }
  return {
    identity: `recording ${settings.file}`,
    firstOpenTime: first * length,
    tradeFrom: trade.openTime,
    slots: slotOf(candles.at(-1) as Candle) - first + 1,
    arrivals: (_symbol, slot) => arrivals.get(slot) ?? [],
    silence: () => 0,
    backfill: () => null,
    // A row that contradicts itself is judged, and rejected, when its time comes.
    findings: findings
      .filter((finding) => finding.kind !== "inconsistent")
      .map(({ kind, line, openTime }) => ({ kind, severity: "note", openTime, reason: `line ${line} of the recording: ${rowReasons[kind]}`, details: { line } })),
  };
}

/** @throws SettingsError when the recording cannot be read or has not enough candles for the warm-up */
export function openRecording(settings: { file: string; symbol: string }, interval: string, warmupBars: number, folder = "/recording"): ReplaySource {
  const path = join(folder, settings.file);
  try {
    return recordingSource(settings, readFileSync(path), interval, warmupBars);
  } catch (error) {
    throw new SettingsError(`recording ${path}: ${(error as Error).message}`);
  }
}
