import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { FeedSettings } from "../../../../services/feed/settings";
import { openSource, recordingSource, syntheticSource } from "../../../../services/feed/source";
import { SettingsError } from "../../../../services/shared/settings";
import { hour, start } from "./support";

const rows = [0, 1, 3, 2].map((hours) => `${start + hours * hour},100,110,90,${100 + hours},1`);
const text = ["open_time_ms,open,high,low,close,volume", ...rows].join("\n");

function closesOf(content: Buffer): number[] {
  const source = recordingSource({ file: "candles.csv", symbol: "BTC" }, content);
  const closes: number[] = [];
  for (let index = 0; ; index++) {
    const entry = source.at(index)?.[0];
    if (entry === undefined) return closes;
    expect(entry.symbol).to.equal("BTC");
    closes.push(entry.candle.close);
  }
}

describe("feed sources", () => {
  describe("recording", () => {
    it("gives the candles in order", () => {
      expect(closesOf(Buffer.from(text))).to.deep.equal([100, 101, 102, 103]);
    });

    it("is unpacked by content, whatever the name says", () => {
      expect(closesOf(gzipSync(text))).to.deep.equal([100, 101, 102, 103]);
    });

    it("reports rows that were out of order", () => {
      const { findings, identity } = recordingSource({ file: "candles.csv", symbol: "BTC" }, Buffer.from(text));
      expect(findings).to.deep.equal([{ kind: "out of order", openTime: start + 2 * hour, details: { line: 5 } }]);
      expect(identity).to.equal("recording candles.csv");
    });

    it("reports rows that are there twice and gives them once", () => {
      const twice = recordingSource({ file: "candles.csv", symbol: "BTC" }, Buffer.from(`${text}\n${rows[3]}`));
      expect(twice.findings.map(({ kind, openTime }) => ({ kind, openTime }))).to.deep.include({ kind: "duplicate", openTime: start + 2 * hour });
      expect(twice.at(4)).to.equal(undefined);
    });
  });

  describe("recording in a folder", () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "recording-"));
      writeFileSync(join(folder, "candles.csv"), text);
      writeFileSync(join(folder, "broken.csv"), "open_time_ms,open,high,low,close,volume\n1,2");
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    const settings = (file: string, warmupBars: number): FeedSettings => ({
      source: { kind: "recording", file, symbol: "BTC" },
      symbols: ["BTC"],
      interval: "1h",
      warmupBars,
      speed: 1,
    });

    it("is read", () => {
      expect(openSource(settings("candles.csv", 3), folder).at(3)?.[0]?.candle.close).to.equal(103);
    });

    const cases: { title: string; file: string; warmupBars: number; message: string }[] = [
      { title: "is not there", file: "none.csv", warmupBars: 1, message: "ENOENT: no such file or directory" },
      { title: "cannot be parsed", file: "broken.csv", warmupBars: 0, message: "line 2: 2 columns instead of 6" },
      { title: "ends with the warm-up", file: "candles.csv", warmupBars: 4, message: "it has no candle after the 4 of the warm-up" },
    ];
    for (const { title, file, warmupBars, message } of cases) {
      it(`is refused when it ${title}`, () => {
        expect(() => openSource(settings(file, warmupBars), folder))
          .to.throw(SettingsError)
          .with.property("message")
          .that.includes(`recording ${join(folder, file)}: ${message}`);
      });
    }
  });

  describe("synthetic", () => {
    const make = (seed: number, symbols = ["BTC", "ETH"]) => syntheticSource({ seed, startTime: "2024-01-01T00:00:00Z" }, symbols, "1h");

    it("gives the same candles whenever it is asked", () => {
      const source = make(1);
      const later = source.at(50);
      source.at(3);
      expect(make(1).at(50)).to.deep.equal(later);
      expect(source.at(50)).to.deep.equal(later);
    });

    it("gives every symbol a market of its own, whatever others there are", () => {
      const both = make(1).at(10);
      expect(both?.map((entry) => entry.symbol)).to.deep.equal(["BTC", "ETH"]);
      expect(both?.[0]?.candle.close).to.not.equal(both?.[1]?.candle.close);
      expect(make(1, ["ETH"]).at(10)).to.deep.equal([both?.[1]]);
    });

    it("begins at the start time and goes on by the interval", () => {
      expect(make(1).at(7)?.[0]?.candle.openTime).to.equal(start + 7 * hour);
    });

    it("is another one with another seed", () => {
      expect(make(2).at(10)).to.not.deep.equal(make(1).at(10));
      expect(make(2).identity).to.equal("synthetic seed 2 from 2024-01-01T00:00:00.000Z");
    });
  });
});
