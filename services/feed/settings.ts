import { z } from "zod";
import { faultSettings } from "../../domain/faultScript";
import { feedQualitySettings, type FeedQualityOptions } from "../../domain/feedQuality";
import { intervalMilliseconds } from "../../domain/intervals";
import { settingsError, type ServiceSettings } from "../shared/settings";

const symbol = z.string().regex(/^[A-Z0-9]{2,20}$/, "2 to 20 capital letters and digits, for example BTCUSDT");
const address = z.url({ protocol: /^https?$/, error: "an address such as https://example.org" });

/** Exchanges whose public data can be read. */
export const exchangeNames = ["binance", "coinbase", "kraken"] as const;
export type ExchangeName = (typeof exchangeNames)[number];

/** SETTINGS of the livefeed service. */
export const feedSettingsSchema = z.strictObject({
  source: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("synthetic"),
      /** The same seed gives the same candles. */
      seed: z.int().min(0),
      /** Opening time of the first candle. */
      startTime: z.iso.datetime({ error: "a time in UTC, for example 2024-01-01T00:00:00Z" }),
      /** What goes wrong with it, for tests and drills. */
      faults: z.array(faultSettings).max(1000).default([]),
    }),
    z.strictObject({
      kind: z.literal("recording"),
      /** Name of a CSV file, plain or gzipped, in the folder /recording. */
      file: z.string().regex(/^[^/\\]+$/, "a file name without folders"),
      symbol,
    }),
    z.strictObject({
      kind: z.literal("exchange"),
      exchange: z.enum(exchangeNames),
      /** Stands in place of scheme, host and port of the exchange's own address. */
      address: address.optional(),
    }),
    z.strictObject({
      kind: z.literal("external"),
      /** Of a feed that keeps docs/livefeed-contract.md. */
      address,
    }),
  ]),
  symbols: z.array(symbol).min(1),
  interval: z.string().regex(/^[1-9][0-9]{0,3}[mhd]$/, 'a count and one of m, h, d, such as "1h"'),
  /** Candles written at once before trading begins, for indicators to settle. */
  warmupBars: z.int().min(0).max(10_000),
  /** Market seconds that pass in one wall second; "maximum" does not wait at all. */
  speed: z.union([z.number().positive().max(1_000_000), z.literal("maximum")], {
    error: 'a number above 0 and up to 1000000, or "maximum"',
  }),
  /** When the feed counts as DEGRADED or DOWN. */
  quality: feedQualitySettings.prefault({}),
});

export type FeedSettings = z.infer<typeof feedSettingsSchema>;
export type SourceSettings = FeedSettings["source"];

/** A source that goes on in real time, as opposed to one that is replayed. */
export function isRunningMarket({ kind }: SourceSettings): boolean {
  return kind === "exchange" || kind === "external";
}

/**
 * What the shape of the settings alone cannot say.
 * @throws SettingsError listing every broken rule
 */
export function checkFeedSettings({ mode, settings }: Pick<ServiceSettings<FeedSettings>, "mode" | "settings">): void {
  const { source, symbols, speed } = settings;
  const problems: string[] = [];
  if (speed !== 1 && mode === "live") problems.push(`SETTINGS.speed: ${JSON.stringify(speed)} - allowed in live: 1`);
  else if (speed !== 1 && isRunningMarket(source)) problems.push(`SETTINGS.speed: ${JSON.stringify(speed)} - allowed with source.kind "${source.kind}": 1`);
  if (mode === "live" && source.kind === "recording") {
    problems.push('SETTINGS.source.kind: "recording" - allowed in live: "synthetic", "exchange", "external"');
  }
  if (mode === "live" && source.kind === "synthetic" && source.faults.length > 0) {
    problems.push(`SETTINGS.source.faults: ${source.faults.length} faults - allowed in live: []`);
  }
  if (new Set(symbols).size !== symbols.length) {
    problems.push(`SETTINGS.symbols: ${JSON.stringify(symbols)} - allowed: each symbol once`);
  }
  if (source.kind === "recording" && (symbols.length !== 1 || symbols[0] !== source.symbol)) {
    problems.push(`SETTINGS.symbols: ${JSON.stringify(symbols)} - allowed with this recording: ["${source.symbol}"]`);
  }
  if (problems.length > 0) throw settingsError(problems);
}

/** How a feed of these settings is judged. */
export function qualityOptions({ mode, settings }: Pick<ServiceSettings<FeedSettings>, "mode" | "settings">): FeedQualityOptions {
  const { quality, interval, speed, warmupBars } = settings;
  const live = mode === "live";
  return {
    interval: intervalMilliseconds(interval),
    settings: quality,
    speed,
    recoveryCandles: quality.recoveryCandles ?? (live ? 3 : 1),
    warmupCandles: warmupBars,
    acknowledgeDown: live,
  };
}
