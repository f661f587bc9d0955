import { expect } from "chai";
import { checkFeedSettings, feedSettingsSchema } from "../../../../services/feed/settings";
import { parseSettings } from "../../../../services/shared/settings";

const synthetic = { source: { kind: "synthetic", seed: 1, startTime: "2024-01-01T00:00:00Z" }, symbols: ["BTCUSDT"], interval: "1h", warmupBars: 300, speed: 1 };
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
    { title: "refuse an accelerated clock in live", mode: "live", value: { ...synthetic, speed: 2 }, problems: ["SETTINGS.speed: 2 - allowed in live: 1"] },
    {
      title: "refuse no clock at all, and a recording, in live",
      mode: "live",
      value: { ...recording, speed: "maximum" },
      problems: ['SETTINGS.speed: "maximum" - allowed in live: 1', 'SETTINGS.source.kind: "recording" - allowed in live: "synthetic"'],
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
    it(title, () => expect(problemsOf(mode, value)).to.deep.equal(problems));
  }
});
