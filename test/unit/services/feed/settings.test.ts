import { expect } from "chai";
import { checkFeedSettings, feedSettingsSchema, qualityOptions } from "../../../../services/feed/settings";
import { parseSettings } from "../../../../services/shared/settings";

const synthetic = { source: { kind: "synthetic", seed: 1, startTime: "2024-01-01T00:00:00Z" }, symbols: ["BTCUSDT"], interval: "1h", warmupBars: 300, speed: 1 };
const exchange = { ...synthetic, source: { kind: "exchange", exchange: "kraken" } };
const external = { ...synthetic, source: { kind: "external", address: "http://livefeed:8080" } };
const recording = { ...synthetic, source: { kind: "recording", file: "candles.csv.gz", symbol: "BTCUSDT" } };

function problemsOf(mode: "paper" | "live", value: object): string[] {
  const parsed = parseSettings(feedSettingsSchema, JSON.stringify(value));
  if ("problems" in parsed) return parsed.problems;
  try {
    checkFeedSettings({ mode, settings: parsed.value });
    return [];
  } catch (error) {
    return (error as Error).message.split("\n  ").slice(1);
  }
}

describe("feed settings", () => {
  const cases: { title: string; mode?: "paper" | "live"; value: object; problems: string[] }[] = [
    { title: "take a synthetic market", value: synthetic, problems: [] },
    { title: "take a recording", value: recording, problems: [] },
    { title: "take any speed in paper", value: { ...synthetic, speed: "maximum" }, problems: [] },
    { title: "take real time in live", mode: "live", value: synthetic, problems: [] },
    { title: "take an exchange", mode: "live", value: exchange, problems: [] },
    { title: "take an exchange at another address", value: { ...exchange, source: { ...exchange.source, address: "https://example.org" } }, problems: [] },
    { title: "take another livefeed", mode: "live", value: external, problems: [] },
    {
      title: "refuse to accelerate a running market",
      value: { ...exchange, speed: 720 },
      problems: ['SETTINGS.speed: 720 - allowed with source.kind "exchange": 1'],
    },
    {
      title: "refuse an exchange nobody knows",
      value: { ...exchange, source: { kind: "exchange", exchange: "nyse" } },
      problems: ['SETTINGS.source.exchange: "nyse" - allowed: "binance", "coinbase", "kraken"'],
    },
    {
      title: "refuse a path for an address",
      value: { ...external, source: { kind: "external", address: "livefeed" } },
      problems: ['SETTINGS.source.address: "livefeed" - allowed: an address such as https://example.org'],
    },
    {
      title: "refuse scripted faults in live",
      mode: "live",
      value: { ...synthetic, source: { ...synthetic.source, faults: [{ kind: "jump", bar: 3 }] } },
      problems: ["SETTINGS.source.faults: 1 faults - allowed in live: []"],
    },
    {
      title: "refuse a fault nobody knows",
      value: { ...synthetic, source: { ...synthetic.source, faults: [{ kind: "flood", bar: 3 }] } },
      problems: [
        'SETTINGS.source.faults[0].kind: "flood" - allowed: "gap", "duplicate", "revision", "outOfOrder", "stale", "flat", "jump", "clockSkew", "reconnectStorm"',
      ],
    },
    { title: "refuse a quality rule nobody knows", value: { ...synthetic, quality: { patience: 3 } }, problems: ["SETTINGS.quality.patience: unknown key (3) - allowed: "] },
    { title: "refuse an accelerated clock in live", mode: "live", value: { ...synthetic, speed: 2 }, problems: ["SETTINGS.speed: 2 - allowed in live: 1"] },
    {
      title: "refuse no clock at all, and a recording, in live",
      mode: "live",
      value: { ...recording, speed: "maximum" },
      problems: ['SETTINGS.speed: "maximum" - allowed in live: 1', 'SETTINGS.source.kind: "recording" - allowed in live: "synthetic", "exchange", "external"'],
    },
    { title: "refuse a speed of 0", value: { ...synthetic, speed: 0 }, problems: ["SETTINGS.speed: 0 - allowed: more than 0"] },
    {
      title: "refuse a word for a speed",
      value: { ...synthetic, speed: "fast" },
      problems: ['SETTINGS.speed: "fast" - allowed: a number above 0 and up to 1000000, or "maximum"'],
    },
    {
      title: "refuse a file in another folder",
      value: { ...recording, source: { ...recording.source, file: "../candles.csv" } },
      problems: ['SETTINGS.source.file: "../candles.csv" - allowed: a file name without folders'],
    },
    {
      title: "refuse a symbol twice",
      value: { ...synthetic, symbols: ["BTCUSDT", "BTCUSDT"] },
      problems: ['SETTINGS.symbols: ["BTCUSDT","BTCUSDT"] - allowed: each symbol once'],
    },
    {
      title: "refuse symbols that the recording has not",
      value: { ...recording, symbols: ["BTCUSDT", "ETHUSDT"] },
      problems: ['SETTINGS.symbols: ["BTCUSDT","ETHUSDT"] - allowed with this recording: ["BTCUSDT"]'],
    },
    {
      title: "refuse a local time",
      value: { ...synthetic, source: { ...synthetic.source, startTime: "2024-01-01T00:00:00" } },
      problems: ['SETTINGS.source.startTime: "2024-01-01T00:00:00" - allowed: a time in UTC, for example 2024-01-01T00:00:00Z'],
    },
  ];
  for (const { title, mode = "paper", value, problems } of cases) {
    it(title, () => {
      const found = problemsOf(mode, value);
      expect(found).to.have.length(problems.length);
      problems.forEach((problem, index) => expect(found[index]).to.satisfy((text: string) => text === problem || (problem.endsWith("allowed: ") && text.startsWith(problem))));
    });
  }

  const recoveries: { mode: "paper" | "live"; quality: object; recoveryCandles: number }[] = [
    { mode: "paper", quality: {}, recoveryCandles: 1 },
    { mode: "live", quality: {}, recoveryCandles: 3 },
    { mode: "live", quality: { recoveryCandles: 5 }, recoveryCandles: 5 },
  ];
  for (const { mode, quality, recoveryCandles } of recoveries) {
    it(`let a feed in ${mode} recover after ${recoveryCandles} clean candles with ${JSON.stringify(quality)}`, () => {
      const settings = feedSettingsSchema.parse({ ...synthetic, quality });
      expect(qualityOptions({ mode, settings })).to.deep.include({ recoveryCandles, acknowledgeDown: mode === "live", interval: 3_600_000, warmupCandles: 300, speed: 1 });
    });
  }
});
