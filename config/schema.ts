import { z } from "zod";
import { strategyNames } from "../domain/strategies";

export const DEFAULT_STRATEGY = "RefStrat_01";

const botName = z.string().regex(/^[a-z][a-z0-9]{0,30}$/, "allowed: a lower-case letter, then up to 30 lower-case letters and digits");
const symbol = z.string().regex(/^[A-Z0-9]{2,20}$/, "allowed: 2 to 20 capital letters and digits, for example BTCUSDT");
const megabytes = (standard: number) => z.int().min(64).max(65536).default(standard);
const time = z.iso.datetime({ error: "allowed: a time in UTC, for example 2024-01-01T00:00:00Z" });

const synthetic = {
  source: z.literal("synthetic"),
  /** The same seed gives the same candles. */
  seed: z.int().min(0).max(2 ** 31 - 1).default(1),
  /** Opening time of the first candle. */
  startTime: time.default("2024-01-01T00:00:00Z"),
};
const recording = {
  source: z.literal("recording"),
  /** CSV file (also .csv.gz), relative to the project's folder. */
  file: z.string().min(1),
  symbol: symbol.default("BTCUSDT"),
};
/** Candles before trading begins, for the indicators to settle. */
const warmupBars = { warmupBars: z.int().min(0).max(10_000).default(300) };
/** Market seconds that pass in one second; `maximum` does not wait at all. */
const speed = { speed: z.union([z.number().positive().max(1_000_000), z.literal("maximum")], { error: 'allowed: a number above 0 and up to 1000000, or "maximum"' }).default(720) };

const bot = z.strictObject({
  name: botName,
  /** A first-party bot is built from this project; any other image keeps the bot contract and is named by digest or id. */
  image: z
    .string()
    .regex(/^(reference|sha256:[0-9a-f]{64}|[^\s@]+@sha256:[0-9a-f]{64})$/, "allowed: reference, a local image id sha256:<64 hex>, or name@sha256:<64 hex>; never a tag")
    .default("reference"),
  strategy: z.enum(strategyNames()).default(DEFAULT_STRATEGY),
  /** Settings of the strategy; what is left out has the strategy's default. */
  settings: z.record(z.string(), z.unknown()).prefault({}),
  symbol: symbol.default("BTCUSDT"),
  /** Cash the bot's simulated account starts with, in the quote currency. */
  startingCash: z.number().positive().max(1_000_000_000).default(10_000),
  memoryMegabytes: megabytes(128),
});

const shared = {
  /** First of the ports on 127.0.0.1: the page, then MLflow. */
  portBase: z.int().min(1024).max(65_500),
  interval: z.literal("1h").default("1h"),
  bots: z.array(bot).min(1).max(20),
  broker: z
    .strictObject({
      /** Fee of each side as a fraction of its value. */
      feeRate: z.number().min(0).max(0.05).default(0.001),
      /** How much worse than the reference price a simulated market order fills, as a fraction. */
      slippageRate: z.number().min(0).max(0.05).default(0.0005),
      priceTick: z.number().positive().max(1000).default(0.01),
      quantityStep: z.number().positive().max(1000).default(0.00001),
      /** Longest wait for a running bot's decision before the next bar is worked without it. */
      decisionGraceSeconds: z.int().min(1).max(600).default(10),
      memoryMegabytes: megabytes(128),
    })
    .prefault({}),
  database: z.strictObject({ memoryMegabytes: megabytes(512) }).prefault({}),
  mlflow: z.strictObject({ memoryMegabytes: megabytes(640) }).prefault({}),
  gui: z.strictObject({ memoryMegabytes: megabytes(128) }).prefault({}),
  livefeed: z.strictObject({ memoryMegabytes: megabytes(192) }).prefault({}),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
};

export const paperSchema = z.strictObject({
  mode: z.literal("paper"),
  ...shared,
  feed: z.discriminatedUnion("source", [
    z.strictObject({ ...synthetic, ...warmupBars, ...speed }),
    z.strictObject({ ...recording, ...warmupBars, ...speed }),
  ]),
});

/** Live knows no replay speed: an accelerated clock cannot be written there. */
export const liveSchema = z.strictObject({
  mode: z.literal("live"),
  ...shared,
  feed: z.discriminatedUnion("source", [z.strictObject({ ...synthetic, ...warmupBars })]),
});

export const stackSchema = z.discriminatedUnion("mode", [paperSchema, liveSchema]);

type Parsed = z.infer<typeof stackSchema>;
/** A bot with its strategy's settings complete. */
export type BotConfiguration = Parsed["bots"][number] & {
  /** Hash over strategy and settings: equal hashes trade alike. */
  readonly configurationHash: string;
};
export type StackConfiguration = Omit<Extract<Parsed, { mode: "paper" }>, "bots"> & { bots: BotConfiguration[] } | Omit<Extract<Parsed, { mode: "live" }>, "bots"> & { bots: BotConfiguration[] };
export type FeedConfiguration = Parsed["feed"];

/** What zod's shapes cannot say: rules between keys. Each entry is one line for the owner. */
export function crossKeyIssues(configuration: Parsed): string[] {
  const lines: string[] = [];
  const seen = new Set<string>();
  configuration.bots.forEach((entry, index) => {
    const at = `trading:bots[${index}]`;
    if (seen.has(entry.name)) lines.push(`  ${at}.name = "${entry.name}": already used by another bot; allowed: a name of its own`);
    seen.add(entry.name);
    if (configuration.feed.source === "recording" && entry.symbol !== configuration.feed.symbol) {
      lines.push(`  ${at}.symbol = "${entry.symbol}": the recording has no such symbol; allowed: ${configuration.feed.symbol}`);
    }
  });
  return lines;
}
