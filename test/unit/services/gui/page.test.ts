import { expect } from "chai";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isAllowedHost } from "../../../../services/gui/hosts";
import { canaryFacts, measureTexts, qualityFacts, reconciliationFacts } from "../../../../services/gui/page/feed";
import { ageText, durationText, minuteText, numberText, percentText, secondText, signedText } from "../../../../services/gui/page/format";
import { tilesOf } from "../../../../services/gui/page/tiles";
import { guiSettingsSchema } from "../../../../services/gui/settings";
import { statusView } from "../../../../services/gui/status";
import { parseSettings } from "../../../../services/shared/settings";
import { botRows, brokerRows, hour, now, qualityRows, rejection, settings, statusInput, statusRows } from "./rows";

describe("gui: allowed hosts", () => {
  for (const host of ["localhost", "localhost:8400", "LOCALHOST:1", "127.0.0.1:8400", "[::1]", "[::1]:8400", "gui:8080"]) {
    it(`serves ${host}`, () => expect(isAllowedHost(host)).to.equal(true));
  }
  for (const host of [undefined, "", "example.org", "localhost.example.org", "127.0.0.1.example.org:8400", "gui", "gui:8081", "127.0.0.2", "localhost:8400@example.org", "[::2]"]) {
    it(`refuses ${host ?? "no name"}`, () => expect(isAllowedHost(host)).to.equal(false));
  }
});

describe("gui: settings", () => {
  it("takes what the program gives", () => {
    expect(parseSettings(guiSettingsSchema, JSON.stringify(settings))).to.deep.equal({ value: settings });
  });

  it("lists every wrong key", () => {
    const wrong = { ...settings, bots: [], brokerUrl: "file:///etc/passwd", colour: "red", configuration: {} };
    expect(parseSettings(guiSettingsSchema, JSON.stringify(wrong))).to.deep.equal({
      problems: [
        "SETTINGS.bots: [] - allowed: at least 1 entries",
        'SETTINGS.brokerUrl: "file:///etc/passwd" - allowed: an address that begins with http:// or https://',
        "SETTINGS.configuration.hash: missing - allowed: a value of type string",
        'SETTINGS.colour: unknown key ("red") - allowed: bots, brokerUrl, livefeedUrl, backupUrl, guardUrl, mlflowPageUrl, configuration, canary, notices',
      ],
    });
  });
});

describe("gui: texts", () => {
  it("writes times in UTC", () => {
    expect(minuteText(now)).to.equal("2026-01-02 03:04 UTC");
    expect(secondText(now)).to.equal("2026-01-02 03:04:05 UTC");
    expect(minuteText(null)).to.equal("–");
  });

  for (const [milliseconds, text] of [
    [-5, "0 s"],
    [119_999, "119 s"],
    [120_000, "2 min"],
    [7_199_999, "119 min"],
    [7_200_000, "2 h"],
    [172_800_000, "2 d"],
  ] as const) {
    it(`calls ${milliseconds} ms "${text}"`, () => expect(durationText(milliseconds)).to.equal(text));
  }

  it("writes ages, numbers and fractions", () => {
    expect(ageText(now - 3000, now)).to.equal("3 s ago");
    expect(ageText(null, now)).to.equal("never");
    expect(numberText(1234567.891)).to.equal("1,234,567.89");
    expect(numberText(-0.001)).to.equal("0.00");
    expect(numberText(null)).to.equal("–");
    expect(signedText(12.3)).to.equal("+12.30");
    expect(signedText(0.001)).to.equal("0.00");
    expect(signedText(-12.3)).to.equal("-12.30");
    expect(percentText(0.01234)).to.equal("1.23 %");
    expect(percentText(null)).to.equal("–");
  });

  it("answers the most important questions in six tiles", () => {
    const view = statusView(statusInput());
    const tiles = tilesOf(view, view.bots[0]!, now);
    expect(tiles.map((tile) => [tile.label, tile.value, ...tile.details])).to.deep.equal([
      ["Bot refstrat01", "running", "RefStrat_01 on BTCUSDT 1h"],
      ["Feed", "HEALTHY", "candles arrive in order", "last candle 2025-01-02 03:00 UTC", "entries allowed for 55 s more"],
      ["Position", "long 0.05000", "entry 100,000.00", "+85.00 unrealised", "stop 99,000.00, 140.00 less if hit"],
      ["Equity", "10,090.00", "+0.90 % since start", "drawdown 1.08 % now, 5.00 % at worst", "4 trades, 1 won, -12.50 realised"],
      ["Last decision", "2 s ago", "hold: in position", "on candle 2025-01-02 03:00 UTC"],
      ["Services", "all answer", "database, broker, livefeed"],
    ]);
  });
});

describe("gui: quality of the feed", () => {
  for (const [measures, texts] of [
    [{}, []],
    [{ silenceSeconds: 3.2449, lateSeconds: null, clockSkewMilliseconds: -41 }, ["silence 3.24 s", "clock skew -41 ms"]],
    [{ change: 0.00631, close: 3711.2, missing: 2, seconds: 12 }, ["change 0.00631", "close 3,711.20", "missing 2", "seconds 12"]],
    [{ from: Date.parse("2024-01-01T00:00:00Z"), by: "the owner" }, ["from 2024-01-01 00:00 UTC", "by the owner"]],
  ] as const) {
    it(`tells ${JSON.stringify(measures)} as ${texts.join(", ") || "nothing"}`, () => expect(measureTexts(measures)).to.deep.equal(texts));
  }

  /** The facts of a view in which the rows are so changed, as `label: value (tone)`. */
  const facts = (rows: Parameters<typeof statusRows>[0], at = now): string[] => {
    const view = statusView(statusInput({ now: at, database: { last: { value: statusRows(rows), at }, problem: undefined } }));
    return qualityFacts(view.feeds[0]!, view, at).map(({ label, value, tone }) => `${label}: ${value}${tone === "" ? "" : ` (${tone})`}`);
  };

  it("tells all of a healthy replay", () => {
    expect(facts({})).to.deep.equal([
      "State: HEALTHY since 2026-01-02 01:04:05 UTC, for 2 h (good)",
      "Reason: candles arrive in order",
      "Source: recording x.csv, a replay; fills are simulated",
      "Lease: 55 s left: entries may pass",
      "HEALTHY in the last 24 h: 100.00 % (known for 5 h)",
      "HEALTHY in the last 168 h: 100.00 % (known for 5 h)",
      "Judged by: nothing measured yet",
      "Found in the last hour: nothing",
    ]);
  });

  it("names an exchange, what was found, and the missing lease", () => {
    const session = { ...statusRows().session!, source: "exchange kraken", replay: false };
    const times = [24, 168].map((hours) => ({ hours, healthy: (hours - 1) * hour, degraded: hour, down: 0, stopped: 0 }));
    const findings = [{ kind: "gap", severity: "DEGRADED" as const, count: 2 }, { kind: "open jump", severity: "note" as const, count: 1 }];
    const feed = { ...statusRows().feeds[0]!, state: "DEGRADED" as const, reason: "1 candle is missing", leaseUntil: null, measures: { silenceSeconds: 1, lateSeconds: 0, flatCandles: 0, missingCandles: 1, active: "gap", unacknowledged: "silence" } };
    expect(facts({ session, feeds: [feed], quality: [qualityRows({ times, findings })] })).to.deep.equal([
      "State: DEGRADED since 2026-01-02 01:04:05 UTC, for 2 h (warning)",
      "Reason: 1 candle is missing",
      "To be acknowledged: silence: npx trading acknowledge-feed --stack paper --symbol BTCUSDT --reason TEXT (warning)",
      "Source: exchange kraken, a running market; fills are simulated",
      "Lease: none: the broker refuses entries (warning)",
      "HEALTHY in the last 24 h: 95.83 %",
      "HEALTHY in the last 168 h: 99.40 %",
      "Judged by: silence 1 s, late 0 s, missing candles 1",
      "Found in the last hour: 2 × gap (DEGRADED), 1 × open jump",
    ]);
  });

  it("says when nothing is known", () => {
    expect(facts({ session: undefined, feeds: [], quality: [] }).slice(0, 5)).to.deep.equal([
      "State: UNKNOWN (warning)",
      "Reason: the feed has not reported yet",
      "Source: not known",
      "Lease: none: the broker refuses entries (warning)",
      "HEALTHY in the last 24 h: not known",
    ]);
  });
});

describe("gui: reconciliation", () => {
  const reconciliation = brokerRows().reconciliation!;
  for (const { when, broker, texts } of [
    { when: "all fits", broker: {}, texts: ["Intents and orders: 9 intended, 9 sent, 1 rejected, 7 filled, 1 cancelled, 0 open", "Reconciliation: all of it fits together; counted 1 s ago (good)", "Refused requests: 0"] },
    {
      when: "something does not",
      broker: { reconciliation: { ...reconciliation, sent: 8, mismatch: "1 decision has no order" }, rejections: [rejection(9), rejection(1)] },
      texts: ["Intents and orders: 9 intended, 8 sent, 1 rejected, 7 filled, 1 cancelled, 0 open", "Reconciliation: 1 decision has no order; counted 1 s ago (bad)", "Refused requests: 6"],
    },
    { when: "nothing was counted yet", broker: { reconciliation: undefined }, texts: ["Reconciliation: not counted yet", "Refused requests: 0"] },
  ]) {
    it(`tells that ${when}`, () => {
      const rows = statusRows({ bots: [botRows({ broker: brokerRows(broker) })] });
      const [bot] = statusView(statusInput({ database: { last: { value: rows, at: now }, problem: undefined } })).bots;
      expect(reconciliationFacts(bot!, now).map(({ label, value, tone }) => `${label}: ${value}${tone === "" ? "" : ` (${tone})`}`)).to.deep.equal(texts);
    });
  }
});

describe("gui: the first days after a promotion", () => {
  it("are told by the broker's figures until they are over", () => {
    const canary = { until: Date.parse("2026-01-09T03:04:05Z"), fraction: 0.1 };
    const of = (at: number) => canaryFacts(statusView(statusInput({ now: at, settings: { ...settings, canary } })));
    expect(of(now)).to.deep.equal([{ label: "First days after the promotion", value: "10.00 % of each entry and of the limits, until 2026-01-09 03:04 UTC", tone: "warning" }]);
    expect(of(canary.until)).to.deep.equal([]);
  });
});

describe("gui: colours", () => {
  const style = readFileSync(join(__dirname, "../../../../services/gui/page/style.css"), "utf8");
  const themes = style.split("@media (prefers-color-scheme: dark)").slice(0, 2).map((part) => Object.fromEntries([...part.matchAll(/--([a-z-]+): (#[0-9a-f]{6})/g)].map((match) => [match[1], match[2]])));

  /** Relative luminance and contrast as WCAG 2 defines them. */
  function luminance(colour: string): number {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const channel = parseInt(colour.slice(at, at + 2), 16) / 255;
      return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }
  function contrast(one: string, other: string): number {
    const [low, high] = [luminance(one), luminance(other)].sort((left, right) => left - right) as [number, number];
    return (high + 0.05) / (low + 0.05);
  }

  const pairs = [
    ["text", "background"],
    ["text", "surface"],
    ["muted", "surface"],
    ["muted", "background"],
    ["yes", "yes-surface"],
    ["care", "care-surface"],
    ["no", "no-surface"],
    ["yes", "surface"],
    ["care", "surface"],
    ["no", "surface"],
    ["rise", "surface"],
    ["fall", "surface"],
    ["fast", "surface"],
    ["slow", "surface"],
    ["stop", "surface"],
  ] as const;
  for (const [index, name] of ["light", "dark"].entries()) {
    it(`are told apart in the ${name} theme (4.5 to 1)`, () => {
      const theme = { ...themes[0], ...themes[index] } as Record<string, string>;
      const weak = pairs.filter(([text, surface]) => contrast(theme[text]!, theme[surface]!) < 4.5).map((pair) => pair.join(" on "));
      expect(weak).to.deep.equal([]);
      expect(contrast("#ffffff", theme["paper"]!)).to.be.at.least(4.5);
      expect(contrast("#ffffff", theme["live"]!)).to.be.at.least(4.5);
    });
  }
});
