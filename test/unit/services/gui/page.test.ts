import { expect } from "chai";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isAllowedHost } from "../../../../services/gui/hosts";
import { ageText, durationText, minuteText, numberText, percentText, secondText, signedText } from "../../../../services/gui/page/format";
import { tilesOf } from "../../../../services/gui/page/tiles";
import { guiSettingsSchema } from "../../../../services/gui/settings";
import { statusView } from "../../../../services/gui/status";
import { parseSettings } from "../../../../services/shared/settings";
import { now, settings, statusInput } from "./rows";

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
        'SETTINGS.colour: unknown key ("red") - allowed: bots, brokerUrl, livefeedUrl, mlflowPageUrl, configuration',
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
