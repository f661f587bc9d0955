import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { readCandles, type Candle } from "../../domain/candles";
import { intervalMilliseconds } from "../../domain/intervals";
import { RandomMarket } from "../../domain/randomMarket";
import { SettingsError } from "../shared/settings";
import type { FeedSettings } from "./settings";

/** Something found about a row of the source, whether the row could be used or not. */
export interface Finding {
  kind: string;
  openTime: number | null;
  details: Record<string, unknown>;
}

export interface SymbolCandle {
  symbol: string;
  candle: Candle;
}

/** Candles by their number from 0, the same number giving the same candles whenever it is asked for. */
export interface CandleSource {
  /** Says where the candles come from; candles with different identities are never mixed. */
  readonly identity: string;
  /** The candles of one time, one for each symbol; undefined after the end. */
  at(index: number): SymbolCandle[] | undefined;
  /** What the reader of the source could put right by itself. */
  readonly findings: readonly Finding[];
}

/** A seeded made-up market that never ends; every symbol has its own. */
export function syntheticSource(
  settings: { seed: number; startTime: string },
  symbols: readonly string[],
  interval: string,
): CandleSource {
  const startTime = Date.parse(settings.startTime);
  const markets = symbols.map((symbol) => ({
    symbol,
    market: new RandomMarket({ seed: settings.seed, symbol, startTime, intervalMilliseconds: intervalMilliseconds(interval) }),
  }));
  return {
    identity: `synthetic seed ${settings.seed} from ${new Date(startTime).toISOString()}`,
    at: (index) => markets.map(({ symbol, market }) => ({ symbol, candle: market.candle(index) })),
    findings: [],
  };
}

const gzipMagic = Buffer.from([0x1f, 0x8b]);

/** The candles of a CSV text or its gzipped bytes. */
export function recordingSource(settings: { file: string; symbol: string }, content: Buffer): CandleSource {
  const bytes = content.subarray(0, 2).equals(gzipMagic) ? gunzipSync(content) : content;
  const { candles, findings } = readCandles(bytes.toString("utf8"));
  return {
    identity: `recording ${settings.file}`,
    at: (index) => {
      const candle = candles[index];
      return candle === undefined ? undefined : [{ symbol: settings.symbol, candle }];
    },
    // A row that contradicts itself is judged again, and rejected, when its time comes.
    findings: findings
      .filter((finding) => finding.kind !== "inconsistent")
      .map(({ kind, line, openTime }) => ({ kind, openTime, details: { line } })),
  };
}

/** @throws SettingsError when the recording cannot be read or has not enough candles for the warm-up */
export function openSource(settings: FeedSettings, folder = "/recording"): CandleSource {
  if (settings.source.kind === "synthetic") return syntheticSource(settings.source, settings.symbols, settings.interval);
  const path = join(folder, settings.source.file);
  let source: CandleSource;
  try {
    source = recordingSource(settings.source, readFileSync(path));
  } catch (error) {
    throw new SettingsError(`recording ${path}: ${(error as Error).message}`);
  }
  if (source.at(settings.warmupBars) === undefined) {
    throw new SettingsError(`recording ${path}: it has no candle after the ${settings.warmupBars} of the warm-up`);
  }
  return source;
}
