import { expect } from "chai";
import type { Candle } from "../../../../domain/candles";
import { calm, calmCandles, hour, start, Trial } from "./trial";

describe("feed quality: rules of a candle", () => {
  const contradictions: [string, Partial<Candle>][] = [
    ["high below open", { open: 102, high: 101.99 }],
    ["high below close", { close: 102, high: 101.99 }],
    ["low above open", { open: 98, low: 98.01 }],
    ["low above close", { close: 98, low: 98.01 }],
    ["a price of zero", { low: 0 }],
    ["a price below zero", { low: -1 }],
    ["volume below zero", { volume: -0.01 }],
    ["NaN", { close: Number.NaN }],
    ["infinity", { high: Number.POSITIVE_INFINITY }],
    ["volume that is not finite", { volume: Number.NaN }],
  ];
  for (const [title, changes] of contradictions) {
    it(`rejects ${title}`, () => {
      const trial = new Trial().healthy().give(calm(4, changes));
      expect(trial.found).to.deep.equal(["inconsistent DEGRADED 4"]);
      expect(trial.log).to.have.length(4);
      expect(trial.state).to.equal("DEGRADED");
      expect(() => JSON.stringify(trial.findings)).not.to.throw();
      expect(JSON.stringify(trial.findings)).not.to.contain("null");
    });
  }

  it("accepts prices that touch each other, and none of these is a finding", () => {
    const trial = new Trial().healthy().give(calm(4, { open: 101, close: 99 }), calm(5, { open: 99, close: 99 }));
    expect(trial.found.filter((finding) => !finding.startsWith("open jump"))).to.deep.equal([]);
    expect(trial.log).to.have.length(6);
  });

  const offInterval: [string, number][] = [
    ["a millisecond", start + 4 * hour + 1],
    ["half an hour", start + 4.5 * hour],
    ["a fraction", start + 4 * hour + 0.5],
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a time no date can hold", 3_600_000 * 3_000_000_000],
  ];
  for (const [title, openTime] of offInterval) {
    it(`rejects a candle off the interval: ${title}`, () => {
      const trial = new Trial().healthy().give(calm(4, { openTime }));
      expect(trial.findings.map(({ kind, severity }) => `${kind} ${severity}`)).to.deep.equal(["off the interval DEGRADED"]);
      expect(trial.log).to.have.length(4);
      expect(JSON.stringify(trial.findings)).not.to.contain('"openTime":NaN');
      expect(trial.quality.reason).to.match(/rejected: off the interval$/);
    });
  }

  it("is DOWN at the second candle in a row that is rejected, not at one that comes again", () => {
    const trial = new Trial().healthy().give(calm(4, { low: 0 }), calm(4, { low: 0 }));
    expect(trial.state).to.equal("DEGRADED");
    expect(trial.found).to.deep.equal(["inconsistent DEGRADED 4"]);
    trial.give(calm(4, { low: -1 }));
    expect(trial.state).to.equal("DEGRADED");
    trial.give(calm(5, { low: 0 }));
    expect(trial.state).to.equal("DOWN");
    expect(trial.quality.reason).to.contain("2 in a row");
    expect(trial.found.at(-1)).to.equal("inconsistent DOWN 5");
  });

  it("begins to count again after a good candle, and asks again for what was rejected", () => {
    const trial = new Trial().healthy().give(calm(4, { low: 0 }), calm(5));
    expect(trial.quality.missing).to.deep.equal({ from: calm(4).openTime, to: calm(4).openTime });
    trial.give(calm(4), calm(6, { low: 0 }));
    expect(trial.state).to.equal("DEGRADED");
    expect(trial.log).to.deep.equal(["0 DEGRADED", "1 HEALTHY", "2 HEALTHY", "3 HEALTHY", "4 DEGRADED", "5 DEGRADED"]);
  });

  const jumps: [number, string | null][] = [
    [110, null],
    [110.01, "DEGRADED"],
    [90, null],
    [89.99, "DEGRADED"],
    [125, "DEGRADED"],
    [125.01, "DOWN"],
    [75, "DEGRADED"],
    [74.99, "DOWN"],
  ];
  for (const [close, severity] of jumps) {
    it(`a close of ${close} after one of 100 is ${severity ?? "no jump"}`, () => {
      const trial = new Trial().healthy().give(calm(4, { close, high: 130, low: 70 }));
      expect(trial.found).to.deep.equal(severity === null ? [] : [`jump ${severity} 4`]);
      expect(trial.log.at(-1)).to.equal(`4 ${severity ?? "HEALTHY"}`);
    });
  }

  it("tells a jump in percent with its limit, and is over it with the next candle that does not jump", () => {
    const trial = new Trial().healthy().give(calm(4, { close: 112.34, high: 113 }));
    expect(trial.quality.reason).to.equal("close of 2026-01-01 04:00 UTC moved by 12.3 % (limit 10 %)");
    expect(trial.findings[0]!.details).to.include({ close: 112.34, closeBefore: 100, limit: 0.1 });
    trial.give(calm(5, { open: 112, close: 112, high: 113 }));
    expect(trial.log.slice(-2)).to.deep.equal(["4 DEGRADED", "5 HEALTHY"]);
  });

  it("judges no change across candles that are missing", () => {
    const trial = new Trial({ settings: { backfillAttempts: 1 } }).healthy().give(calm(5, { open: 150, close: 150, high: 150 }));
    trial.do((quality, at) => quality.backfillFailed(at));
    expect(trial.found).to.deep.equal(["gap DEGRADED 4", "gap left open DOWN 4"]);
  });

  const openJumps: [number, boolean][] = [
    [100.5, false],
    [100.51, true],
    [99.5, false],
    [99.49, true],
  ];
  for (const [open, noted] of openJumps) {
    it(`an open of ${open} after a close of 100 is ${noted ? "noted" : "nothing"} and says nothing against the feed`, () => {
      const trial = new Trial().healthy().give(calm(4, { open }));
      expect(trial.found).to.deep.equal(noted ? ["open jump note 4"] : []);
      expect(trial.state).to.equal("HEALTHY");
    });
  }

  const flats: [string, Partial<Candle>][] = [
    ["without a range", { open: 100, high: 100, low: 100, close: 100 }],
    ["without volume", { volume: 0 }],
  ];
  for (const [title, changes] of flats) {
    it(`counts candles ${title}: the second is DEGRADED, the sixth DOWN`, () => {
      const trial = new Trial().healthy();
      const states: string[] = [];
      for (let index = 4; index < 12; index++) states.push(trial.give(calm(index, changes)).state);
      expect(states).to.deep.equal(["HEALTHY", ...Array(4).fill("DEGRADED"), ...Array(3).fill("DOWN")]);
      expect(trial.found).to.deep.equal(["flat DEGRADED 5", "flat DOWN 9"]);
      expect(trial.quality.reason).to.equal("8 candles in a row without range or volume (limit 6)");
      trial.give(calm(12));
      expect(trial.quality.reason).to.equal("recovering: 0 of 1 clean candles");
      expect(trial.give(calm(13)).state).to.equal("HEALTHY");
    });
  }

  it("counts a row of flat candles on over a restart, and not over a gap", () => {
    const flat = { volume: 0 };
    const restarted = new Trial({ stored: [...calmCandles(0, 4), calm(4, flat)] }).give(calm(5, flat));
    expect(restarted.found).to.deep.equal(["flat DEGRADED 5"]);
    const gap = new Trial({ settings: { backfillAttempts: 1 } }).healthy().give(calm(4, flat), calm(6, flat));
    gap.do((quality, at) => quality.backfillFailed(at));
    expect(gap.found).not.to.include("flat DEGRADED 6");
  });

  it("drops a duplicate, tells it once and counts it each time, for an hour", () => {
    const trial = new Trial({ settings: { silenceSeconds: { degraded: 86_400, down: 86_400 } } }).healthy().give(calm(3), calm(3), calm(1), ...Array<ReturnType<typeof calm>>(97).fill(calm(3)));
    expect(trial.found).to.deep.equal(["duplicate note 3", "duplicate note 1"]);
    expect(trial.quality.measures.duplicatesPerHour).to.equal(100);
    trial.do((quality, at) => quality.tick(at), hour).give(calm(2));
    expect(trial.quality.measures.duplicatesPerHour).to.equal(101);
    trial.do((quality, at) => quality.tick(at), 1);
    expect(trial.quality.measures.duplicatesPerHour).to.equal(1);
    expect(trial.log).to.have.length(4);
    expect(trial.state).to.equal("HEALTHY");
  });

  it("keeps the first of two versions, is DEGRADED, and tells each other version once", () => {
    const revised = calm(3, { close: 100.2 });
    const trial = new Trial().healthy().give(revised);
    expect(trial.found).to.deep.equal(["revision DEGRADED 3"]);
    expect(trial.findings[0]!.details).to.include({ close: 100.2, firstClose: 100 });
    expect(trial.state).to.equal("DEGRADED");
    trial.give(revised, calm(4));
    expect(trial.found).to.deep.equal(["revision DEGRADED 3", "duplicate note 3"]);
    expect(trial.log.slice(-2)).to.deep.equal(["3 HEALTHY", "4 HEALTHY"]);
    trial.give(calm(3, { close: 100.3 }));
    expect(trial.found.at(-1)).to.equal("revision DEGRADED 3");
    expect(trial.written.filter(({ candle }) => candle.openTime === revised.openTime).map(({ candle }) => candle.close)).to.deep.equal([100]);
  });

  for (const field of ["open", "high", "low", "close", "volume"] as const) {
    it(`sees a revision of ${field}`, () => {
      const trial = new Trial().healthy().give(calm(3, { [field]: calm(3)[field] + (field === "low" ? -0.5 : 0.5) }));
      expect(trial.found).to.deep.equal(["revision DEGRADED 3"]);
    });
  }

  it("is DOWN until the next candle when a revised candle was traded on", () => {
    const trial = new Trial().healthy().give(calm(3, { close: 100.2 }));
    trial.do((quality, at) => quality.revisedAfterTrade(calm(3).openTime, at));
    expect(trial.state).to.equal("DOWN");
    expect(trial.quality.reason).to.equal("candle of 2026-01-01 03:00 UTC was revised after it was traded on");
    expect(trial.found).to.deep.equal(["revision DEGRADED 3", "revision DOWN 3"]);
    expect(trial.give(calm(3, { close: 100.4 })).state).to.equal("DOWN");
    expect(trial.give(calm(4)).state).to.equal("HEALTHY");
  });

  it("recognises what is stored: duplicates and revisions of an earlier run", () => {
    const trial = new Trial({ stored: calmCandles(0, 4) }).give(calm(3), calm(2, { volume: 6 }));
    expect(trial.found).to.deep.equal(["duplicate note 3", "revision DEGRADED 2"]);
  });
});
