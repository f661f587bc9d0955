import { z } from "zod";
import { settingsError, type ServiceSettings } from "../shared/settings";

const symbol = z.string().regex(/^[A-Z0-9]{2,20}$/, "2 to 20 capital letters and digits, for example BTCUSDT");

/** SETTINGS of the livefeed service. */
export const feedSettingsSchema = z.strictObject({
  source: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("synthetic"),
      /** The same seed gives the same candles. */
      seed: z.int().min(0),
      /** Opening time of the first candle. */
      startTime: z.iso.datetime({ error: "a time in UTC, for example 2024-01-01T00:00:00Z" }),
    }),
    z.strictObject({
      kind: z.literal("recording"),
      /** Name of a CSV file, plain or gzipped, in the folder /recording. */
      file: z.string().regex(/^[^/\\]+$/, "a file name without folders"),
      symbol,
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
});

export type FeedSettings = z.infer<typeof feedSettingsSchema>;
export type SourceSettings = FeedSettings["source"];

/**
 * What the shape of the settings alone cannot say.
 * @throws SettingsError listing every broken rule
 */
export function checkFeedSettings({ mode, settings }: Pick<ServiceSettings<FeedSettings>, "mode" | "settings">): void {
  const { source, symbols, speed } = settings;
  const problems: string[] = [];
  if (mode === "live" && speed !== 1) problems.push(`SETTINGS.speed: ${JSON.stringify(speed)} - allowed in live: 1`);
  if (mode === "live" && source.kind === "recording") {
    problems.push('SETTINGS.source.kind: "recording" - allowed in live: "synthetic"');
  }
  if (new Set(symbols).size !== symbols.length) {
    problems.push(`SETTINGS.symbols: ${JSON.stringify(symbols)} - allowed: each symbol once`);
  }
  if (source.kind === "recording" && (symbols.length !== 1 || symbols[0] !== source.symbol)) {
    problems.push(`SETTINGS.symbols: ${JSON.stringify(symbols)} - allowed with this recording: ["${source.symbol}"]`);
  }
  if (problems.length > 0) throw settingsError(problems);
}
