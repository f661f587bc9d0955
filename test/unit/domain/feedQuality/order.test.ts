import { expect } from "chai";
import { calm, calmCandles, hour, start, Trial } from "./trial";

const failed = (trial: Trial, later = 0): Trial => trial.do((quality, at) => quality.backfillFailed(at), later);
const numbers = (trial: Trial): number[] => trial.written.map(({ candle }) => (candle.openTime - start) / hour);

describe("feed quality: order and gaps", () => {
  it("holds back what follows a gap, asks for what is missing and goes on in order", () => {
    const trial = new Trial().healthy().give(calm(5));
    expect(trial.log).to.have.length(4);
    expect(trial.state).to.equal("DEGRADED");
    expect(trial.quality.reason).to.equal("1 candle missing from 2026-01-01 04:00 UTC, asked for again");
    expect(trial.quality.missing).to.deep.equal({ from: calm(4).openTime, to: calm(4).openTime });
    trial.give(calm(4));
    expect(trial.quality.missing).to.equal(null);
    expect(trial.found).to.deep.equal(["gap DEGRADED 4", "backfilled note 4"]);
    trial.give(calm(6));
    expect(trial.log.slice(4)).to.deep.equal(["4 DEGRADED", "5 DEGRADED", "6 HEALTHY"]);
  });

  it("is DOWN from the second missing candle on, whether in one gap or in two", () => {
    const one = new Trial().healthy().give(calm(6));
    expect(one.found).to.deep.equal(["gap DOWN 4"]);
    expect(one.quality.missing).to.deep.equal({ from: calm(4).openTime, to: calm(5).openTime });
    expect(one.findings[0]!.details).to.deep.equal({ missingCandles: 2, limit: 2 });
    const two = new Trial().healthy().give(calm(5));
    expect(two.state).to.equal("DEGRADED");
    two.give(calm(7));
    expect(two.state).to.equal("DOWN");
    expect(two.found).to.deep.equal(["gap DEGRADED 4", "gap DOWN 6"]);
    expect(two.quality.missing).to.deep.equal({ from: calm(4).openTime, to: calm(4).openTime });
    two.give(calm(4));
    expect(two.state).to.equal("DEGRADED");
    expect(two.quality.missing).to.deep.equal({ from: calm(6).openTime, to: calm(6).openTime });
    expect(two.give(calm(6)).quality.missing).to.equal(null);
    expect(numbers(two)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("leaves a gap open after the third failure, and not after the second", () => {
    const trial = new Trial().healthy().give(calm(5));
    failed(failed(trial));
    expect(trial.log).to.have.length(4);
    expect(trial.state).to.equal("DEGRADED");
    failed(trial);
    expect(trial.found).to.deep.equal(["gap DEGRADED 4", "gap left open DOWN 4"]);
    expect(trial.log.at(-1)).to.equal("5 DOWN");
    expect(trial.quality.missing).to.equal(null);
    expect(trial.quality.reason).to.equal("1 candle missing from 2026-01-01 04:00 UTC, could not be had");
  });

  it("leaves a gap open after ten minutes, and not before", () => {
    const trial = new Trial().healthy().give(calm(5));
    trial.do((quality, at) => quality.tick(at), 600_000);
    expect(trial.log).to.have.length(4);
    trial.do((quality, at) => quality.tick(at), 1);
    expect(trial.log.at(-1)).to.equal("5 DOWN");
  });

  it("knows attempts alone at speed maximum", () => {
    const trial = new Trial({ speed: "maximum" }).healthy().give(calm(5));
    trial.do((quality, at) => quality.tick(at), 1e12);
    expect(trial.log).to.have.length(4);
    failed(failed(failed(trial)));
    expect(trial.log.at(-1)).to.equal("5 DOWN");
  });

  it("gives each gap its own attempts and its own time", () => {
    const trial = new Trial().healthy().give(calm(5), calm(7));
    failed(failed(failed(trial)));
    expect(numbers(trial)).to.deep.equal([0, 1, 2, 3, 5]);
    expect(trial.quality.missing).to.deep.equal({ from: calm(6).openTime, to: calm(6).openTime });
    failed(failed(trial));
    expect(numbers(trial)).to.deep.equal([0, 1, 2, 3, 5]);
    failed(trial);
    expect(numbers(trial)).to.deep.equal([0, 1, 2, 3, 5, 7]);
    expect(trial.found.filter((finding) => finding.startsWith("gap left"))).to.deep.equal(["gap left open DOWN 4", "gap left open DOWN 6"]);
  });

  it("a failure counts for nothing when nothing is missing", () => {
    const trial = failed(failed(failed(new Trial().healthy())));
    expect(trial.give(calm(5)).log).to.have.length(4);
    expect(trial.quality.missing).not.to.equal(null);
  });

  it("stays DOWN while a gap is in the window of warm-up and 3 more candles, then recovers", () => {
    const trial = new Trial({ settings: { backfillAttempts: 1 } }).healthy().give(calm(5));
    failed(trial).give(...calmCandles(6, 6));
    expect(trial.log.slice(4)).to.deep.equal(["5 DOWN", "6 DOWN", "7 DOWN", "8 DOWN", "9 DEGRADED", "10 HEALTHY", "11 HEALTHY"]);
  });

  it("takes a candle that comes after all into its place, and recovers", () => {
    const trial = new Trial({ settings: { backfillAttempts: 1 } }).healthy().give(calm(6));
    failed(trial).give(calm(5));
    expect(trial.state).to.equal("DOWN");
    trial.give(calm(4));
    expect(trial.log.slice(4)).to.deep.equal(["6 DOWN", "5 DOWN repair", "4 DEGRADED repair"]);
    expect(trial.found.slice(2)).to.deep.equal(["backfilled note 5", "backfilled note 4"]);
    expect(trial.quality.reason).to.equal("recovering: 0 of 1 clean candles");
    expect(trial.give(calm(7)).state).to.equal("HEALTHY");
  });

  it("takes a gap apart that is filled from its middle, each candle once", () => {
    const trial = new Trial({ settings: { backfillAttempts: 1 } }).healthy().give(calm(9));
    failed(trial).give(calm(6), calm(6), calm(5), calm(8), calm(4), calm(7));
    expect(trial.log.slice(4)).to.deep.equal(["9 DOWN", "6 DOWN repair", "5 DOWN repair", "8 DOWN repair", "4 DOWN repair", "7 DEGRADED repair"]);
    expect(trial.found.filter((finding) => finding.startsWith("duplicate"))).to.deep.equal(["duplicate note 6"]);
  });

  it("judges the change of a candle that comes after all", () => {
    const trial = new Trial({ settings: { backfillAttempts: 1 } }).healthy().give(calm(5));
    failed(trial).give(calm(4, { close: 130, high: 130 }));
    expect(trial.found.at(-1)).to.equal("jump DOWN 4");
    expect(trial.log.at(-1)).to.equal("4 DOWN repair");
  });

  it("drops what comes for a gap that no longer counts", () => {
    const trial = new Trial({ settings: { backfillAttempts: 1 } }).healthy().give(calm(5));
    failed(trial).give(...calmCandles(6, 5), calm(4));
    expect(trial.found.at(-1)).to.equal("out of order note 4");
    expect(trial.written.some(({ repair }) => repair)).to.equal(false);
  });

  it("drops what is older than all it knows; more than three in an hour degrade the feed until the hour is over", () => {
    const trial = new Trial().give(...calmCandles(10, 4));
    for (let index = 0; index < 3; index++) trial.give(calm(index));
    expect(trial.state).to.equal("HEALTHY");
    trial.give(calm(3));
    expect(trial.found).to.deep.equal(["out of order note 0", "out of order note 1", "out of order note 2", "out of order DEGRADED 3"]);
    expect(trial.quality.reason).to.equal("4 candles out of order within an hour (limit 3)");
    trial.do((quality, at) => quality.heard(at), hour);
    expect(trial.quality.reason).to.contain("4 candles out of order");
    trial.do((quality, at) => quality.heard(at), 1);
    expect(trial.quality.reason).to.equal("recovering: 0 of 1 clean candles");
    expect(trial.log).to.have.length(4);
  });

  it("knows of gaps in what is stored, as long as they count", () => {
    const stored = [...calmCandles(0, 4), ...calmCandles(5, 3)];
    const trial = new Trial({ stored });
    expect(trial.state).to.equal("DOWN");
    expect(trial.found).to.deep.equal(["gap left open DOWN 4"]);
    expect(trial.give(calm(4)).log).to.deep.equal(["4 DEGRADED repair"]);
    expect(new Trial({ stored: [...calmCandles(0, 4), ...calmCandles(5, 5)] }).state).to.equal("DEGRADED");
  });

  it("sees what is missing between what is stored and what arrives", () => {
    const trial = new Trial({ stored: calmCandles(0, 4) }).give(calm(6));
    expect(trial.found).to.deep.equal(["gap DOWN 4"]);
    expect(trial.give(calm(5), calm(4)).log).to.deep.equal(["4 DEGRADED", "5 DEGRADED", "6 DEGRADED"]);
  });

  it("refuses stored candles that are not ascending", () => {
    expect(() => new Trial({ stored: [calm(1), calm(1)] })).to.throw(RangeError, "ascending");
  });

  it("notes a gap that the settings allow, and waits for it all the same", () => {
    const trial = new Trial({ settings: { missingCandles: { degraded: 3, down: 5 } } }).healthy().give(calm(6));
    expect(trial.found).to.deep.equal(["gap note 4"]);
    expect(trial.state).to.equal("HEALTHY");
    expect(trial.log).to.have.length(4);
    expect(trial.give(calm(7), calm(9)).found).to.deep.equal(["gap note 4", "gap DEGRADED 8"]);
  });

  it("does not hold back more than a thousand candles for one gap", () => {
    const trial = new Trial({ speed: "maximum" }).healthy().give(...calmCandles(5, 1000));
    expect(trial.log).to.have.length(4);
    trial.give(calm(1005));
    expect(trial.log).to.have.length(1005);
  });

  it("costs the same however wide a gap is", () => {
    const trial = new Trial({ settings: { backfillAttempts: 1 } }).healthy().give(calm(50_000_000));
    expect(trial.quality.measures.missingCandles).to.equal(50_000_000 - 4);
    expect(failed(trial).give(calm(50_000_001)).log.slice(4)).to.deep.equal(["50000000 DOWN", "50000001 DOWN"]);
  });
});
