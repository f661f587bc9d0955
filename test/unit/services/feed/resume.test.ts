import { expect } from "chai";
import type { Candle } from "../../../../domain/candles";
import { Resume, SourceChangedError } from "../../../../services/feed/resume";
import type { FeedOutput } from "../../../../services/feed/store";
import { candleAt } from "./support";

const stored = (...hours: number[]) => hours.map((hour) => ({ ...candleAt(hour), source: "test" }));
const remedy = "Candles of two sources are never mixed: set the source back, or delete this stack's data and begin anew.";

/** An output with one finding. */
function output(...candles: (Candle & { repair?: boolean })[]): FeedOutput {
  return {
    symbol: "BTC",
    candles: candles.map(({ repair = false, ...candle }) => ({ candle, state: "HEALTHY", repair })),
    findings: [{ kind: "jump", severity: "DEGRADED", openTime: candles[0]?.openTime ?? null, reason: "close moved", details: {} }],
    changes: [],
  };
}
const timesOf = (passed: FeedOutput | undefined) => passed?.candles.map(({ candle }) => (candle.openTime - candleAt(0).openTime) / 3_600_000);

describe("resuming a replay", () => {
  it("lets everything through when nothing is stored", () => {
    const first = output(candleAt(0));
    expect(new Resume("test", "BTC", []).pass(first)).to.equal(first);
  });

  it("leaves out what is stored, with its findings, and lets the rest through", () => {
    const resume = new Resume("test", "BTC", stored(0, 1));
    expect([0, 1, 2].map((hour) => timesOf(resume.pass(output(candleAt(hour)))))).to.deep.equal([undefined, undefined, [2]]);
    expect(resume.done).to.equal(true);
  });

  it("knows a repair that was written, and writes one that was not", () => {
    const written = new Resume("test", "BTC", stored(0, 1, 2));
    written.pass(output(candleAt(0)));
    expect(written.pass(output(candleAt(2)))).to.equal(undefined);
    expect(written.done).to.equal(false);
    expect(written.pass(output({ ...candleAt(1), repair: true }))).to.equal(undefined);
    expect(written.done).to.equal(true);

    const unwritten = new Resume("test", "BTC", stored(0, 2));
    unwritten.pass(output(candleAt(0)));
    unwritten.pass(output(candleAt(2)));
    expect(timesOf(unwritten.pass(output({ ...candleAt(1), repair: true })))).to.deep.equal([1]);
  });

  const changed = '"test" no longer gives the 3 candles of BTC that the database holds up to 2024-01-01T02:00:00.000Z. ' + remedy;
  const cases: { title: string; candles: Candle[] }[] = [
    { title: "has other values now", candles: [candleAt(0), candleAt(1, { close: 104 })] },
    { title: "lacks a candle now", candles: [candleAt(0), candleAt(2), candleAt(3)] },
    { title: "has a candle more", candles: [candleAt(-1)] },
    { title: "begins later", candles: [candleAt(10)] },
  ];
  for (const { title, candles } of cases) {
    it(`refuses a source that ${title}`, () => {
      const resume = new Resume("test", "BTC", stored(0, 1, 2));
      const play = () => candles.forEach((candle) => resume.pass(output(candle)));
      expect(play).to.throw(SourceChangedError).with.property("message", changed);
    });
  }

  it("refuses a source that ends before what is stored", () => {
    const resume = new Resume("test", "BTC", stored(0, 1, 2));
    resume.pass(output(candleAt(0)));
    expect(() => resume.end()).to.throw(SourceChangedError).with.property("message", changed);
  });

  it("refuses candles of another source", () => {
    expect(() => new Resume("recording a.csv", "BTC", stored(0)))
      .to.throw(SourceChangedError)
      .with.property("message", `the database holds candles of BTC from "test", the settings ask for "recording a.csv". ${remedy}`);
  });
});
