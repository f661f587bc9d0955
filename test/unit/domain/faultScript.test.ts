import { expect } from "chai";
import fc from "fast-check";
import type { Candle } from "../../../domain/candles";
import { FaultyMarket, faultSettings, type Arrival, type Fault } from "../../../domain/faultScript";
import { RandomMarket } from "../../../domain/randomMarket";

const hour = 3_600_000;
const start = Date.parse("2026-01-01T00:00:00Z");
const plain = (index: number): Candle => ({ openTime: start + index * hour, open: 100 + index, high: 103 + index, low: 99 + index, close: 101 + index, volume: 7 });
const script = (...faults: object[]): Fault[] => faults.map((fault) => faultSettings.parse(fault));
const faulty = (...faults: object[]): FaultyMarket => new FaultyMarket(plain, script(...faults));

/** "5@600" is candle 5, so many seconds late; "5:101" one with another close than the market's. */
function told(arrivals: readonly Arrival[]): string[] {
  return arrivals.map((arrival) => {
    if (arrival.kind === "reconnect") return "reconnect";
    if (arrival.kind === "clockSkew") return `skew ${arrival.milliseconds}`;
    const { candle, delay } = arrival;
    const index = (candle.openTime - start) / hour;
    return `${index}${candle.close === plain(index).close ? "" : `:${candle.close}`}${delay === 0 ? "" : `@${delay / 1000}`}`;
  });
}
const bars = (market: FaultyMarket, from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, offset) => told(market.arrivals(from + offset)).join(" "));

describe("the fault script", () => {
  it("without faults lets every candle arrive at its close, as it is", () => {
    const market = faulty();
    expect(market.arrivals(3)).to.deep.equal([{ kind: "candle", candle: plain(3), delay: 0 }]);
  });

  const cases: { title: string; faults: object[]; from: number; arrivals: string[] }[] = [
    { title: "gap: so many candles do not arrive", faults: [{ kind: "gap", bar: 5, bars: 2 }], from: 4, arrivals: ["4", "", "", "7"] },
    { title: "duplicate: the candle again, so many times", faults: [{ kind: "duplicate", bar: 5, count: 2 }], from: 4, arrivals: ["4", "5 5 5", "6"] },
    { title: "revision: another version after it", faults: [{ kind: "revision", bar: 5, fraction: -0.5 }], from: 4, arrivals: ["4", "5 5:53", "6"] },
    { title: "outOfOrder: after the one that follows", faults: [{ kind: "outOfOrder", bar: 5 }], from: 4, arrivals: ["4", "", "6 5", "7"] },
    { title: "outOfOrder twice in a row: backwards", faults: [{ kind: "outOfOrder", bar: 5 }, { kind: "outOfOrder", bar: 6 }], from: 4, arrivals: ["4", "", "", "7 6 5", "8"] },
    { title: "stale: nothing until so long after the close, then all of it", faults: [{ kind: "stale", bar: 5, seconds: 600 }], from: 4, arrivals: ["4", "5@600", "6"] },
    { title: "stale over several bars: all of them at the same moment", faults: [{ kind: "stale", bar: 5, seconds: 8000 }], from: 4, arrivals: ["4", "5@8000", "6@4400", "7@800", "8"] },
    { title: "jump: another close", faults: [{ kind: "jump", bar: 5, fraction: 0.5 }], from: 4, arrivals: ["4", "5:159", "6"] },
    { title: "flat: the close before", faults: [{ kind: "flat", bar: 5, bars: 2 }], from: 4, arrivals: ["4", "5:105", "6:105", "7"] },
    { title: "clockSkew: five samples a bar, and five right ones after", faults: [{ kind: "clockSkew", bar: 5, bars: 2, milliseconds: 700 }], from: 4, arrivals: ["4", `${"skew 700 ".repeat(5)}5`, `${"skew 700 ".repeat(5)}6`, `${"skew 0 ".repeat(5)}7`, "8"] },
    { title: "reconnectStorm: so many before the candle", faults: [{ kind: "reconnectStorm", bar: 5, count: 3 }], from: 4, arrivals: ["4", "reconnect reconnect reconnect 5", "6"] },
    { title: "gap before all else", faults: ["duplicate", "revision", "outOfOrder", "jump", "flat"].map((kind): object => ({ kind, bar: 5 })).concat({ kind: "gap", bar: 5 }), from: 4, arrivals: ["4", "", "6"] },
    { title: "out of order before a gap: after the next that arrives", faults: [{ kind: "outOfOrder", bar: 5 }, { kind: "gap", bar: 6, bars: 2 }], from: 4, arrivals: ["4", "", "", "", "8 5", "9"] },
    { title: "out of order with its duplicates and revisions", faults: [{ kind: "revision", bar: 5, fraction: 0.5 }, { kind: "duplicate", bar: 5 }, { kind: "outOfOrder", bar: 5 }], from: 5, arrivals: ["", "6 5 5 5:159"] },
    { title: "stale holds back what is out of order as well", faults: [{ kind: "outOfOrder", bar: 5 }, { kind: "stale", bar: 5, seconds: 4000 }], from: 5, arrivals: ["", "6@400 5@400", "7"] },
    { title: "the longest of several silences", faults: [{ kind: "stale", bar: 5, seconds: 60 }, { kind: "stale", bar: 4, seconds: 3900 }], from: 4, arrivals: ["4@3900", "5@300", "6"] },
    { title: "connecting goes on in a silence, the source's clock does not", faults: [{ kind: "stale", bar: 5 }, { kind: "reconnectStorm", bar: 5, count: 1 }, { kind: "clockSkew", bar: 5 }], from: 5, arrivals: [`reconnect 5@600${" skew 1000".repeat(5)}`] },
    { title: "a jump out of a flat stretch, which goes on from there", faults: [{ kind: "flat", bar: 5, bars: 3 }, { kind: "jump", bar: 6, fraction: 1 }], from: 5, arrivals: ["5:105", "6:210", "7:210", "8"] },
    { title: "flat after a jump", faults: [{ kind: "jump", bar: 5, fraction: 0.5 }, { kind: "flat", bar: 6 }], from: 5, arrivals: ["5:159", "6:159", "7"] },
    { title: "flat stretches that overlap", faults: [{ kind: "flat", bar: 5, bars: 2 }, { kind: "flat", bar: 6, bars: 2 }], from: 5, arrivals: ["5:105", "6:105", "7:105", "8"] },
    { title: "the last of several skews", faults: [{ kind: "clockSkew", bar: 5, bars: 2, milliseconds: 700 }, { kind: "clockSkew", bar: 6, milliseconds: -900 }], from: 6, arrivals: [`${"skew -900 ".repeat(5)}6`] },
  ];
  for (const { title, faults, from, arrivals } of cases) {
    it(title, () => {
      expect(bars(faulty(...faults), from, from + arrivals.length - 1)).to.deep.equal(arrivals);
      const backwards = faulty(...faults);
      const seen = arrivals.map((_, offset) => told(backwards.arrivals(from + arrivals.length - 1 - offset)).join(" "));
      expect(seen.reverse(), "asked for backwards").to.deep.equal(arrivals);
    });
  }

  it("flat from the first bar on is at the first open", () => {
    expect(faulty({ kind: "flat", bar: 0, bars: 2 }).arrivals(1)).to.deep.equal([
      { kind: "candle", candle: { openTime: plain(1).openTime, open: 100, high: 100, low: 100, close: 100, volume: 0 }, delay: 0 },
    ]);
  });

  it("stretches the range of a candle whose close was moved", () => {
    const candle = (fraction: number): Candle => faulty({ kind: "jump", bar: 5, fraction }).candle(5);
    expect(candle(0.5)).to.deep.equal({ ...plain(5), close: 159, high: 159 });
    expect(candle(-0.5)).to.deep.equal({ ...plain(5), close: 53, low: 53 });
    expect(candle(0.01)).to.deep.equal({ ...plain(5), close: 107.06 });
  });

  it("brings what is asked for once more, unless it never comes or has not closed yet", () => {
    const market = faulty({ kind: "gap", bar: 5 }, { kind: "gap", bar: 6, backfill: false }, { kind: "jump", bar: 5, fraction: 1 }, { kind: "outOfOrder", bar: 7 });
    const asked = (index: number): number | undefined => market.backfill(plain(index).openTime)?.close;
    expect(asked(5)).to.equal(undefined);
    market.arrivals(8);
    expect([5, 6, 7, 8, 9].map(asked)).to.deep.equal([212, undefined, 108, 109, undefined]);
    expect(market.backfill(plain(5).openTime + 1)).to.equal(null);
    expect(market.backfill(start - hour)).to.equal(null);
  });

  it("a candle that never comes is never asked for in vain only because it stands in another gap as well", () => {
    const market = faulty({ kind: "gap", bar: 5, bars: 2 }, { kind: "gap", bar: 6, backfill: false });
    market.arrivals(7);
    expect([5, 6].map((index) => market.backfill(plain(index).openTime)?.close)).to.deep.equal([106, undefined]);
  });

  it("tells how long nothing is heard", () => {
    const market = faulty({ kind: "stale", bar: 5, seconds: 5000 });
    expect([4, 5, 6, 7].map((index) => market.silence(index))).to.deep.equal([0, 5_000_000, 1_400_000, 0]);
    expect(faulty().silence(0)).to.equal(0);
  });

  it("costs little however long a flat stretch is", () => {
    const random = new RandomMarket({ seed: 3, symbol: "TEST", startTime: start });
    let asked = 0;
    const market = new FaultyMarket((index) => (asked++, random.candle(index)), script({ kind: "flat", bar: 10, bars: 10_000 }));
    const closes = new Set(Array.from({ length: 10_000 }, (_, offset) => market.candle(10 + offset).close));
    expect(closes).to.deep.equal(new Set([random.candle(9).close]));
    expect(asked).to.be.below(10_010);
  });

  const fault: fc.Arbitrary<Fault> = fc
    .tuple(fc.constantFrom("gap", "duplicate", "revision", "outOfOrder", "stale", "flat", "jump", "clockSkew", "reconnectStorm"), fc.nat(30), fc.integer({ min: 1, max: 4 }))
    .map(([kind, bar, size]) => {
      const extent = kind === "gap" || kind === "flat" || kind === "clockSkew" ? { bars: size } : {};
      return faultSettings.parse({ kind, bar, ...extent, ...(kind === "stale" ? { seconds: 2500 * size } : {}) });
    });

  it("whatever the script: consistent candles, in whatever order they are asked for, each but those in gaps at least once", () => {
    fc.assert(
      fc.property(fc.array(fault, { maxLength: 25 }), fc.nat(), (faults, seed) => {
        const random = new RandomMarket({ seed, symbol: "TEST", startTime: start });
        const market = () => new FaultyMarket((index) => random.candle(index), faults);
        const indices = Array.from({ length: 45 }, (_, index) => index);
        const forwards = market();
        const arrivals = indices.map((index) => forwards.arrivals(index));
        const fresh = indices.map((index) => market().arrivals(index));
        expect(fresh).to.deep.equal(arrivals);

        const missing = new Set(faults.flatMap((one) => (one.kind === "gap" ? Array.from({ length: one.bars }, (_, offset) => one.bar + offset) : [])));
        const seen = new Set<number>();
        arrivals.forEach((list, index) => {
          for (const arrival of list) {
            if (arrival.kind !== "candle") continue;
            const { openTime, open, high, low, close } = arrival.candle;
            seen.add((openTime - start) / hour);
            expect(openTime).to.be.at.most(start + index * hour);
            expect(low > 0 && low <= Math.min(open, close) && high >= Math.max(open, close)).to.equal(true);
            expect(arrival.delay).to.be.at.least(0);
          }
        });
        expect([...seen].sort((one, other) => one - other)).to.deep.equal(indices.filter((index) => !missing.has(index)));
      }),
      { numRuns: 100 },
    );
  });

  it("refuses unknown faults, unknown keys and numbers out of bounds", () => {
    const wrong: object[] = [
      { kind: "earthquake", bar: 1 },
      { kind: "gap", bar: 1, bras: 2 },
      { kind: "gap", bar: -1 },
      { kind: "gap", bar: 1.5 },
      { kind: "gap", bar: 1, bars: 0 },
      { kind: "jump", bar: 1, fraction: -1 },
      { kind: "stale", bar: 1, seconds: 0 },
      { kind: "duplicate" },
    ];
    for (const settings of wrong) expect(faultSettings.safeParse(settings).success, JSON.stringify(settings)).to.equal(false);
  });
});
