import { expect } from "chai";
import type { Candle } from "../../../../domain/candles";
import { checkResume, SourceChangedError } from "../../../../services/feed/resume";
import { syntheticSource } from "../../../../services/feed/source";
import { SourceWalker } from "../../../../services/feed/walker";
import { candleAt, hour, sourceOf } from "./support";

const candles = [0, 1, 2, 3, 4].map((hours) => candleAt(hours));
const stored = (count: number, last: Candle, sources = ["test"]) => new Map([["BTC", { count, last, sources }]]);
const remedy = "Candles of two sources are never mixed: set the source back, or delete this stack's data and begin anew.";

describe("resuming a feed", () => {
  it("begins with an empty database", () => {
    checkResume(sourceOf(candles), new Map(), hour);
  });

  it("goes on where the stored candles end", () => {
    checkResume(sourceOf(candles), stored(3, candleAt(2)), hour);
  });

  it("does not count what was rejected", () => {
    const withBadRow = [candleAt(0), candleAt(1, { high: 1 }), candleAt(2)];
    checkResume(sourceOf(withBadRow), stored(2, candleAt(2)), hour);
  });

  const longer = '"test" no longer gives the';
  const cases: { title: string; source?: ReturnType<typeof sourceOf>; held: ReturnType<typeof stored>; message: string }[] = [
    {
      title: "candles of another source",
      held: stored(3, candleAt(2), ["recording a.csv"]),
      message: `the database holds candles of BTC from "recording a.csv", the settings ask for "test". ${remedy}`,
    },
    {
      title: "a source that has other values now",
      held: stored(3, candleAt(2, { close: 104 })),
      message: `${longer} 3 candles of BTC that the database holds up to 2024-01-01T02:00:00.000Z. ${remedy}`,
    },
    {
      title: "a source that has more candles before",
      held: stored(2, candleAt(2)),
      message: `${longer} 2 candles of BTC that the database holds up to 2024-01-01T02:00:00.000Z. ${remedy}`,
    },
    {
      title: "a source that begins later",
      source: sourceOf([candleAt(10)]),
      held: stored(3, candleAt(2)),
      message: `${longer} 3 candles of BTC that the database holds up to 2024-01-01T02:00:00.000Z. ${remedy}`,
    },
    {
      title: "a source without the symbol",
      source: sourceOf(candles, "test", "ETH"),
      held: stored(5, candleAt(4)),
      message: `${longer} 5 candles of BTC that the database holds up to 2024-01-01T04:00:00.000Z. ${remedy}`,
    },
  ];
  for (const { title, source = sourceOf(candles), held, message } of cases) {
    it(`refuses ${title}`, () => {
      expect(() => checkResume(source, held, hour)).to.throw(SourceChangedError).with.property("message", message);
    });
  }
});

describe("walking through a source", () => {
  function timesOf(walker: SourceWalker, limit = 100): { symbol: string; hours: number }[] {
    const found: { symbol: string; hours: number }[] = [];
    for (let count = 0; count < limit; count++) {
      const step = walker.next();
      if (step === undefined) break;
      found.push(...step.candles.map(({ symbol, candle }) => ({ symbol, hours: (candle.openTime - candleAt(0).openTime) / hour })));
    }
    return found;
  }

  it("gives every candle once", () => {
    expect(timesOf(new SourceWalker(sourceOf(candles), hour, new Map())).map(({ hours }) => hours)).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it("leaves out what is stored", () => {
    expect(timesOf(new SourceWalker(sourceOf(candles), hour, stored(3, candleAt(2)))).map(({ hours }) => hours)).to.deep.equal([3, 4]);
  });

  it("gives nothing after the end", () => {
    expect(new SourceWalker(sourceOf(candles), hour, stored(5, candleAt(4))).next()).to.equal(undefined);
  });

  it("reports a gap between what is stored and what comes", () => {
    const step = new SourceWalker(sourceOf([candleAt(0), candleAt(3)]), hour, stored(1, candleAt(0))).next();
    expect(step?.findings.map(({ finding }) => finding.kind)).to.deep.equal(["gap"]);
  });

  it("judges against the last accepted candle and goes on after a rejected one", () => {
    const walker = new SourceWalker(sourceOf([candleAt(0), candleAt(1, { low: 0 }), candleAt(2)]), hour, new Map());
    expect(walker.next()?.rejected).to.deep.equal([]);
    expect(walker.next()).to.deep.include({ candles: [], rejected: [{ symbol: "BTC", kind: "inconsistent" }] });
    const third = walker.next();
    expect(third?.candles).to.have.length(1);
    expect(third?.findings[0]?.finding).to.deep.include({ kind: "gap", details: { missingCandles: 1 } });
  });

  it("brings a symbol that was added up to the others", () => {
    const source = syntheticSource({ seed: 1, startTime: "2024-01-01T00:00:00Z" }, ["BTC", "ETH"], "1h");
    const last = source.at(1)?.[0]?.candle as Candle;
    const walker = new SourceWalker(source, hour, new Map([["BTC", { count: 2, last, sources: [source.identity] }]]));
    expect(timesOf(walker, 3)).to.deep.equal([
      { symbol: "ETH", hours: 0 },
      { symbol: "ETH", hours: 1 },
      { symbol: "BTC", hours: 2 },
      { symbol: "ETH", hours: 2 },
    ]);
  });
});
