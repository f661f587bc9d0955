import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { openRecording, recordingSource, syntheticSource, type ReplaySource } from "../../../../services/feed/replaySource";
import { SettingsError } from "../../../../services/shared/settings";
import { hour, start } from "./support";

const rows = [0, 1, 4, 3].map((hours) => `${start + hours * hour},100,110,90,${100 + hours},1`);
const text = ["open_time_ms,open,high,low,close,volume", ...rows].join("\n");
const record = (content: Buffer, warmupBars = 2): ReplaySource => recordingSource({ file: "candles.csv", symbol: "BTC" }, content, "1h", warmupBars);

/** Closes of the candles that arrive with each slot. */
function closesOf(source: ReplaySource, slots = source.slots, symbol = "BTC"): number[][] {
  return Array.from({ length: slots }, (_, slot) => source.arrivals(symbol, slot).flatMap((arrival) => (arrival.kind === "candle" ? [arrival.candle.close] : [])));
}

describe("sources of a replay", () => {
  describe("recording", () => {
    it("gives each candle with its time, and nothing where one is missing", () => {
      const source = record(Buffer.from(text));
      expect(closesOf(source)).to.deep.equal([[100], [101], [], [103], [104]]);
      expect(source).to.deep.include({ identity: "recording candles.csv", firstOpenTime: start, tradeFrom: start + 3 * hour, slots: 5 });
      expect(source.backfill("BTC", start + 2 * hour)).to.equal(null);
    });

    it("is unpacked by content, whatever the name says", () => {
      expect(closesOf(record(gzipSync(text))).flat()).to.deep.equal([100, 101, 103, 104]);
    });

    it("reports rows that were out of order", () => {
      expect(record(Buffer.from(text)).findings).to.deep.equal([{ kind: "out of order", severity: "note", openTime: start + 3 * hour, reason: "line 5 of the recording: the candle stood after a newer one", details: { line: 5 } }]);
    });

    it("reports rows that are there twice and gives them once", () => {
      const twice = record(Buffer.from(`${text}\n${rows[3]}`));
      expect(twice.findings.map(({ kind, openTime }) => ({ kind, openTime }))).to.deep.include({ kind: "duplicate", openTime: start + 3 * hour });
      expect(closesOf(twice).flat()).to.deep.equal([100, 101, 103, 104]);
    });

    it("gives candles between two hours with the hour they fall into", () => {
      const between = `${text}\n${start + 1.5 * hour},1,1,1,1,1`;
      expect(closesOf(record(Buffer.from(between)))[1]).to.deep.equal([101, 1]);
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

    const open = (file: string, warmupBars: number) => openRecording({ file, symbol: "BTC" }, "1h", warmupBars, folder);

    it("is read", () => {
      expect(open("candles.csv", 3).tradeFrom).to.equal(start + 4 * hour);
    });

    const cases: { title: string; file: string; warmupBars: number; message: string }[] = [
      { title: "is not there", file: "none.csv", warmupBars: 1, message: "ENOENT: no such file or directory" },
      { title: "cannot be parsed", file: "broken.csv", warmupBars: 0, message: "line 2: 2 columns instead of 6" },
      { title: "ends with the warm-up", file: "candles.csv", warmupBars: 4, message: "it has no candle after the 4 of the warm-up" },
    ];
    for (const { title, file, warmupBars, message } of cases) {
      it(`is refused when it ${title}`, () => {
        expect(() => open(file, warmupBars))
          .to.throw(SettingsError)
          .with.property("message")
          .that.includes(`recording ${join(folder, file)}: ${message}`);
      });
    }
  });

  describe("synthetic", () => {
    const make = (seed: number, symbols = ["BTC", "ETH"], faults: Parameters<typeof syntheticSource>[0]["faults"] = []) =>
      syntheticSource({ seed, startTime: "2024-01-01T00:00:00Z", faults }, symbols, "1h", 300);

    it("gives the same candles whenever it is asked", () => {
      const source = make(1);
      const later = source.arrivals("BTC", 50);
      source.arrivals("BTC", 3);
      expect(make(1).arrivals("BTC", 50)).to.deep.equal(later);
      expect(source.arrivals("BTC", 50)).to.deep.equal(later);
    });

    it("gives every symbol a market of its own, whatever others there are", () => {
      const both = make(1);
      expect(both.arrivals("BTC", 10)).to.not.deep.equal(both.arrivals("ETH", 10));
      expect(make(1, ["ETH"]).arrivals("ETH", 10)).to.deep.equal(both.arrivals("ETH", 10));
    });

    it("begins at the start time, trades after the warm-up and never ends", () => {
      expect(make(1)).to.deep.include({ firstOpenTime: start, tradeFrom: start + 300 * hour, slots: Infinity });
    });

    it("is another one with another seed", () => {
      expect(make(2).arrivals("BTC", 10)).to.not.deep.equal(make(1).arrivals("BTC", 10));
      expect(make(2).identity).to.equal("synthetic seed 2 from 2024-01-01T00:00:00.000Z");
    });

    it("has the faults of its script", () => {
      const source = make(1, ["BTC"], [{ kind: "gap", bar: 1, bars: 1, backfill: true }, { kind: "stale", bar: 3, seconds: 600 }]);
      expect(source.arrivals("BTC", 1)).to.deep.equal([]);
      const candle = make(1, ["BTC"]).arrivals("BTC", 1)[0];
      expect(source.backfill("BTC", start + hour)).to.deep.equal(candle?.kind === "candle" && candle.candle);
      expect(source.silence("BTC", 3)).to.equal(600_000);
    });
  });
});
