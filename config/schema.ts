import { z } from "zod";
import { faultSettings } from "../domain/faultScript";
import { feedQualitySettings } from "../domain/feedQuality/settings";
import { strategyNames } from "../domain/strategies";
import { alerts } from "./alertsSchema";
import { liveBackup, paperBackup, pattern } from "./backupSchema";
import { liveDeploy, paperDeploy } from "./deploySchema";
import { liveGuard, paperGuard } from "./guardSchema";
import { promotion, promotionIssues } from "./promotionSchema";
import { liveRelease, liveSoak, paperRelease, paperSoak } from "./releaseSchema";

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

/** Public data of an exchange, in real time; no key is needed. */
const exchange = {
  source: z.literal("exchange"),
  exchange: z.enum(["binance", "coinbase", "kraken"]).default("binance"),
  /** Another address of the same API, for example a mirror of its public data. */
  address: z.url({ protocol: /^https?$/, error: "allowed: an address such as https://data-api.binance.vision" }).optional(),
};
/** A LiveFeed of the owner's; it keeps docs/livefeed-contract.md, and its candles are judged like any other's. */
const external = {
  source: z.literal("external"),
  address: z.url({ protocol: /^https?$/, error: "allowed: an address such as http://host.docker.internal:8600" }),
};
/** When a feed counts as DEGRADED or DOWN; defaults for everything. */
const quality = { quality: feedQualitySettings.prefault({}) };
/** Scripted faults of the synthetic market, for tests and drills. */
const faults = { faults: z.array(faultSettings).max(1000).default([]) };

/** Upper bounds of one bot's orders; an entry beyond any of them is refused. */
const botLimits = z.strictObject({
  /** Of one order, in the base currency. */
  orderQuantity: z.number().positive().max(1e9),
  /** Of one order, in the quote currency at the last trusted close. */
  orderNotional: z.number().positive().max(1e9),
  /** Of the position an entry would lead to; those of one order when left out. */
  positionQuantity: z.number().positive().max(1e9).optional(),
  positionNotional: z.number().positive().max(1e9).optional(),
  /** Orders of any kind in an hour and a day of market time. */
  ordersPerHour: z.int().min(1).max(1000).default(10),
  ordersPerDay: z.int().min(1).max(10_000).default(60),
  /** Market seconds between two entries. */
  secondsBetweenEntries: z.int().min(0).max(604_800).default(3600),
});

/** Upper bounds over all bots of the stack. */
const stackLimits = z.strictObject({
  /** Open positions and entries under way, in the quote currency; the sum of the bots' own when left out. */
  exposureNotional: z.number().positive().max(1e9).optional(),
  ordersPerHour: z.int().min(1).max(10_000).default(100),
  ordersPerDay: z.int().min(1).max(100_000).default(600),
});

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
  limits: botLimits,
  // A replay beside the decisions takes some 45 MB for a second or two: it must never cost the bot its life.
  memoryMegabytes: megabytes(160),
});

const shared = {
  /** First of the ports on 127.0.0.1: the page, then MLflow. */
  portBase: z.int().min(1024).max(65_500),
  interval: z.literal("1h").default("1h"),
  bots: z.array(bot).min(1).max(20),
  limits: stackLimits.prefault({}),
  broker: z
    .strictObject({
      /** Fee of each side as a fraction of its value. */
      feeRate: z.number().min(0).max(0.05).default(0.001),
      /** How much worse than the reference price a simulated market order fills, as a fraction. */
      slippageRate: z.number().min(0).max(0.05).default(0.0005),
      priceTick: z.number().positive().max(1000).default(0.01),
      quantityStep: z.number().positive().max(1000).default(0.00001),
      /** How far from the last trusted close an entry may fill, as a fraction. */
      priceCollar: z.number().positive().max(0.2).default(0.02),
      /** With a market in real time, a decision made later than this after its bar closed holds. */
      decisionWindowSeconds: z.int().min(10).max(3600).default(300),
      /** Longest wait for a running bot's decision before the next bar is worked without it. */
      decisionGraceSeconds: z.int().min(1).max(600).default(10),
      memoryMegabytes: megabytes(128),
    })
    .prefault({}),
  database: z.strictObject({ memoryMegabytes: megabytes(512) }).prefault({}),
  mlflow: z.strictObject({ memoryMegabytes: megabytes(640) }).prefault({}),
  performance: z
    .strictObject({
      /** When every bot is compared with a replay of the recorded candles. */
      parity: pattern.default("20 1 * * *"),
      /** Newest days that are compared each time. */
      parityDays: z.int().min(1).max(1100).default(30),
      // A year of decisions, three times over, took it to 128 MB.
      memoryMegabytes: megabytes(192),
    })
    .prefault({}),
  gui: z.strictObject({ memoryMegabytes: megabytes(128) }).prefault({}),
  livefeed: z.strictObject({ memoryMegabytes: megabytes(192) }).prefault({}),
  alerts: alerts.prefault({}),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
};

export const paperSchema = z.strictObject({
  mode: z.literal("paper"),
  ...shared,
  backup: paperBackup.prefault({}),
  guard: paperGuard.prefault({}),
  release: paperRelease.prefault({}),
  soak: paperSoak.prefault({}),
  deploy: paperDeploy.prefault({}),
  feed: z.discriminatedUnion("source", [
    z.strictObject({ ...synthetic, ...faults, ...warmupBars, ...speed, ...quality }),
    z.strictObject({ ...recording, ...warmupBars, ...speed, ...quality }),
    z.strictObject({ ...exchange, ...warmupBars, ...quality }),
    z.strictObject({ ...external, ...warmupBars, ...quality }),
  ]),
});

/** Live knows no replay speed and no scripted faults: neither can be written there. */
export const liveSchema = z.strictObject({
  mode: z.literal("live"),
  ...shared,
  backup: liveBackup.prefault({}),
  guard: liveGuard.prefault({}),
  release: liveRelease.prefault({}),
  soak: liveSoak.prefault({}),
  promotion: promotion.prefault({}),
  deploy: liveDeploy.prefault({}),
  feed: z.discriminatedUnion("source", [
    z.strictObject({ ...synthetic, ...warmupBars, ...quality }),
    z.strictObject({ ...exchange, ...warmupBars, ...quality }),
    z.strictObject({ ...external, ...warmupBars, ...quality }),
  ]),
});

export const stackSchema = z.discriminatedUnion("mode", [paperSchema, liveSchema]);

type Parsed = z.infer<typeof stackSchema>;
type Full<T> = { [Key in keyof T]-?: NonNullable<T[Key]> };
export type ParsedLimits = Parsed["bots"][number]["limits"];
/** A bot's limits with none left out. */
export type BotLimits = Full<ParsedLimits>;
/** A bot with its strategy's settings and its limits complete. */
export type BotConfiguration = Omit<Parsed["bots"][number], "limits"> & {
  readonly limits: BotLimits;
  /** Hash over strategy and settings: equal hashes trade alike. */
  readonly configurationHash: string;
};
/** What is complete beyond what was written: bots and limits. */
interface Completed {
  bots: BotConfiguration[];
  limits: Full<Parsed["limits"]>;
}
type Complete<Mode extends Parsed> = Omit<Mode, keyof Completed> & Completed;
export type StackConfiguration = Complete<Extract<Parsed, { mode: "paper" }>> | Complete<Extract<Parsed, { mode: "live" }>>;
export type FeedConfiguration = Parsed["feed"];

/** Kraken's public API answers with its newest 720 candles, the one under way among them, whatever it is asked for. */
const KRAKEN_CANDLES = 700;

/** What zod's shapes cannot say: rules between keys. Each entry is one line for the owner. */
export function crossKeyIssues(configuration: Parsed): string[] {
  const lines: string[] = [];
  const { feed } = configuration;
  if (feed.source === "exchange" && feed.exchange === "kraken" && feed.warmupBars > KRAKEN_CANDLES) {
    lines.push(`  trading:feed.warmupBars = ${feed.warmupBars}: more than kraken gives; allowed: at most ${KRAKEN_CANDLES}`);
  }
  if (configuration.mode === "live") lines.push(...promotionIssues(configuration.promotion));
  const seen = new Set<string>();
  configuration.bots.forEach((entry, index) => {
    const at = `trading:bots[${index}]`;
    if (seen.has(entry.name)) lines.push(`  ${at}.name = "${entry.name}": already used by another bot; allowed: a name of its own`);
    seen.add(entry.name);
    for (const [position, order] of [["positionQuantity", "orderQuantity"], ["positionNotional", "orderNotional"]] as const) {
      const [most, least] = [entry.limits[position], entry.limits[order]];
      if (most !== undefined && most < least) lines.push(`  ${at}.limits.${position} = ${most}: below ${order}; allowed: at least ${least}`);
    }
    if (configuration.feed.source === "recording" && entry.symbol !== configuration.feed.symbol) {
      lines.push(`  ${at}.symbol = "${entry.symbol}": the recording has no such symbol; allowed: ${configuration.feed.symbol}`);
    }
  });
  return lines;
}
