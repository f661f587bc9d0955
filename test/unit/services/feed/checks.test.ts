import { expect } from "chai";
import type { Candle } from "../../../../domain/candles";
import { checkCandle } from "../../../../services/feed/checks";
import { candleAt, hour, start } from "./support";

describe("checks of a candle", () => {
  const previous = candleAt(5);
  const cases: { title: string; previous?: Candle | undefined; candle: Candle; accepted: boolean; kinds: string[] }[] = [
    { title: "the next one", candle: candleAt(6), accepted: true, kinds: [] },
    { title: "the first one", previous: undefined, candle: candleAt(0), accepted: true, kinds: [] },
    { title: "one without trades", candle: candleAt(6, { open: 100, high: 100, low: 100, close: 100, volume: 0 }), accepted: true, kinds: [] },
    { title: "one after a gap", candle: candleAt(9), accepted: true, kinds: ["gap"] },
    { title: "the same time again", candle: candleAt(5), accepted: false, kinds: ["duplicate"] },
    { title: "an earlier time", candle: candleAt(4), accepted: false, kinds: ["out of order"] },
    { title: "a time between two hours", candle: candleAt(6.5), accepted: false, kinds: ["off the interval"] },
    { title: "a high below the close", candle: candleAt(6, { high: 104 }), accepted: false, kinds: ["inconsistent"] },
    { title: "a low above the open", candle: candleAt(6, { low: 101 }), accepted: false, kinds: ["inconsistent"] },
    { title: "a price of zero", candle: candleAt(6, { low: 0 }), accepted: false, kinds: ["inconsistent"] },
    { title: "a negative volume", candle: candleAt(6, { volume: -1 }), accepted: false, kinds: ["inconsistent"] },
    { title: "a price that is no number", candle: candleAt(6, { close: Number.NaN }), accepted: false, kinds: ["inconsistent"] },
  ];
  for (const entry of cases) {
    it(`${entry.accepted ? "accepts" : "rejects"} ${entry.title}`, () => {
      const verdict = checkCandle("previous" in entry ? entry.previous : previous, entry.candle, hour);
      expect(verdict.accepted).to.equal(entry.accepted);
      expect(verdict.findings.map((finding) => finding.kind)).to.deep.equal(entry.kinds);
    });
  }

  it("counts the candles that are missing", () => {
    expect(checkCandle(previous, candleAt(9), hour).findings).to.deep.equal([
      { kind: "gap", openTime: start + 9 * hour, details: { missingCandles: 3 } },
    ]);
  });
});
