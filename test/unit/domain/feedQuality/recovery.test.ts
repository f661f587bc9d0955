import { expect } from "chai";
import type { FeedQuality } from "../../../../domain/feedQuality";
import { calm, calmCandles, hour, Trial } from "./trial";

/** Conditions of both severities, each of which is over with the next candle. */
const events: [string, (quality: FeedQuality, at: number) => void, "DEGRADED" | "DOWN"][] = [
  ["a clock jump", (quality, at) => quality.clockJump(5000, at), "DEGRADED"],
  ["a large clock jump", (quality, at) => quality.clockJump(60_000, at), "DOWN"],
  ["a revision", (quality, at) => quality.candle(calm(3, { close: 100.5 }), at), "DEGRADED"],
  ["a revision of a traded candle", (quality, at) => quality.revisedAfterTrade(calm(3).openTime, at), "DOWN"],
];

describe("feed quality: the way back", () => {
  it("begins DOWN, warms up, and is HEALTHY with the warm-up's last candle when all were clean", () => {
    const trial = new Trial({ warmupCandles: 3 });
    expect([trial.state, trial.quality.reason]).to.deep.equal(["DOWN", "no candle yet"]);
    trial.give(calm(0));
    expect([trial.state, trial.quality.reason]).to.deep.equal(["DEGRADED", "warming up: 1 of 3 candles"]);
    trial.give(calm(1), calm(2));
    expect(trial.log).to.deep.equal(["0 DEGRADED", "1 DEGRADED", "2 HEALTHY"]);
    expect(trial.quality.reason).to.equal("candles arrive in order");
    expect(trial.found).to.deep.equal([]);
  });

  it("needs a candle even without a warm-up", () => {
    const trial = new Trial({ warmupCandles: 0 });
    expect(trial.state).to.equal("DOWN");
    expect(trial.give(calm(0)).state).to.equal("HEALTHY");
  });

  it("starts again DEGRADED on stored candles: a restart does not shorten the way back", () => {
    const trial = new Trial({ stored: calmCandles(0, 10), recoveryCandles: 3 });
    expect([trial.state, trial.quality.reason]).to.deep.equal(["DEGRADED", "recovering: 0 of 3 clean candles"]);
    expect(trial.give(...calmCandles(10, 3)).log).to.deep.equal(["10 DEGRADED", "11 DEGRADED", "12 HEALTHY"]);
  });

  it("counts stored candles to the warm-up", () => {
    const trial = new Trial({ stored: calmCandles(0, 2), warmupCandles: 4 });
    expect(trial.quality.reason).to.equal("warming up: 2 of 4 candles");
    expect(trial.give(calm(2), calm(3)).log).to.deep.equal(["2 DEGRADED", "3 HEALTHY"]);
  });

  for (const [title, event, severity] of events) {
    it(`takes the configured number of clean candles after ${title}`, () => {
      for (const recoveryCandles of [1, 2, 3, 5]) {
        const trial = new Trial({ recoveryCandles }).healthy(6).do(event);
        expect(trial.state).to.equal(severity);
        const states = calmCandles(6, recoveryCandles + 1).map((candle) => trial.give(candle).state);
        expect(states).to.deep.equal([...Array(recoveryCandles - 1).fill("DEGRADED"), "HEALTHY", "HEALTHY"]);
      }
    });

    it(`begins to count again when ${title} comes in between`, () => {
      const trial = new Trial({ recoveryCandles: 3 }).healthy(6).do((quality, at) => quality.clockJump(3000, at));
      trial.give(calm(6), calm(7)).do(event).give(calm(8), calm(9));
      expect(trial.quality.reason).to.equal("recovering: 2 of 3 clean candles");
      expect(trial.give(calm(10)).state).to.equal("HEALTHY");
    });
  }

  it("a candle that is dropped or rejected is no clean one", () => {
    const trial = new Trial({ recoveryCandles: 1 }).healthy().do((quality, at) => quality.clockJump(3000, at));
    expect(trial.give(calm(3), calm(3)).state).to.equal("DEGRADED");
    expect(trial.give(calm(4, { low: 0 })).state).to.equal("DEGRADED");
  });

  it("candles that came out of a gap, or fill one later, are no clean ones", () => {
    const trial = new Trial({ recoveryCandles: 2 }).healthy(6).give(calm(8), calm(7), calm(6));
    expect(trial.quality.reason).to.equal("recovering: 0 of 2 clean candles");
    trial.give(calm(9));
    expect(trial.quality.reason).to.equal("recovering: 1 of 2 clean candles");
  });

  it("shows the worst that is active, and all of that severity", () => {
    const trial = new Trial().healthy().do((quality, at) => quality.clockJump(3000, at));
    trial.do((quality, at) => quality.clockSkew(700, at));
    expect(trial.quality.reason).to.equal("clock jumped by 3 s (limit 2 s); local clock is 700 ms ahead of the source's (limit 500 ms)");
    trial.do((quality, at) => quality.revisedAfterTrade(calm(3).openTime, at));
    expect(trial.quality.reason).to.equal("candle of 2026-01-01 03:00 UTC was revised after it was traded on");
    expect(trial.quality.measures.active).to.equal("clock jump, clock skew, revision");
  });

  it("gives each candle and each finding once", () => {
    const trial = new Trial().healthy();
    expect(trial.quality.take()).to.deep.equal({ candles: [], findings: [] });
  });

  it("time that seems to go back is taken for standing still", () => {
    const trial = new Trial().healthy();
    trial.do((quality, at) => quality.heard(at), 100_000).do((quality) => quality.tick(5));
    expect(trial.quality.measures.silenceSeconds).to.equal(0);
  });
});

describe("feed quality: acknowledgement", () => {
  const down = (trial: Trial): Trial => trial.do((quality, at) => quality.clockJump(60_000, at));
  const open = (trial: Trial): Trial => trial.do((quality, at) => quality.positionOpen(at));
  const acknowledge = (trial: Trial): Trial => trial.do((quality, at) => quality.acknowledge("owner", at));
  const guarded = (recoveryCandles = 1): Trial => new Trial({ acknowledgeDown: true, recoveryCandles }).healthy(8);

  it("after a DOWN with a position open it stays DEGRADED until somebody acknowledges it", () => {
    const trial = open(down(guarded()));
    trial.give(...calmCandles(8, 50));
    expect(trial.state).to.equal("DEGRADED");
    expect(trial.quality.reason).to.equal("was DOWN with a position open, to be acknowledged: clock jumped by 60 s (limit 30 s)");
    expect(trial.quality.measures.unacknowledged).to.equal("clock jumped by 60 s (limit 30 s)");
    acknowledge(trial);
    expect(trial.state).to.equal("HEALTHY");
    expect(trial.found).to.deep.equal(["clock jump DOWN", "acknowledged note"]);
    expect(trial.findings[1]!.details).to.include({ by: "owner", what: "clock jumped by 60 s (limit 30 s)" });
    expect(trial.quality.measures.unacknowledged).to.equal(null);
  });

  it("an acknowledgement does not shorten the way back", () => {
    const trial = acknowledge(open(down(guarded(3))).give(calm(8)));
    expect(trial.quality.reason).to.equal("recovering: 1 of 3 clean candles");
    expect(trial.give(calm(9), calm(10)).state).to.equal("HEALTHY");
  });

  it("an acknowledgement while the feed is DOWN is good for this DOWN and not for the next", () => {
    const trial = open(acknowledge(open(down(guarded()))));
    expect(trial.give(calm(8)).state).to.equal("HEALTHY");
    expect(open(down(trial)).give(calm(9)).state).to.equal("DEGRADED");
  });

  it("a position that is seen on the way back was open while the feed was DOWN", () => {
    const trial = open(down(guarded(3)).give(calm(8)));
    expect(trial.give(calm(9), calm(10)).state).to.equal("DEGRADED");
    expect(trial.quality.measures.unacknowledged).to.equal("the feed was DOWN");
  });

  it("nothing has to be acknowledged without a position, after a DEGRADED, or once it is HEALTHY again", () => {
    expect(down(guarded()).give(calm(8)).state).to.equal("HEALTHY");
    const degraded = open(guarded().do((quality, at) => quality.clockJump(3000, at)));
    expect(degraded.give(calm(8)).state).to.equal("HEALTHY");
    expect(open(down(guarded()).give(calm(8))).state).to.equal("HEALTHY");
  });

  it("nothing has to be acknowledged where that is not asked for", () => {
    const trial = open(down(new Trial().healthy(8)));
    expect(trial.give(calm(8)).state).to.equal("HEALTHY");
  });

  it("is not forgotten by a restart", () => {
    const trial = new Trial({ acknowledgeDown: true, stored: calmCandles(0, 8), unacknowledged: "silence" }).give(calm(8));
    expect(trial.quality.reason).to.equal("was DOWN with a position open, to be acknowledged: silence");
    expect(acknowledge(trial).state).to.equal("HEALTHY");
  });

  it("two acknowledgements are two findings, at different times", () => {
    const trial = acknowledge(down(guarded()));
    trial.give(calm(8));
    trial.now += hour;
    acknowledge(down(trial));
    const [first, second] = trial.findings.filter(({ kind }) => kind === "acknowledged");
    expect(first!.details).not.to.deep.equal(second!.details);
  });

  it("says whether there was anything to acknowledge, and notes nothing where there was not", () => {
    const heard: boolean[] = [];
    const tell = (trial: Trial): Trial => trial.do((quality, at) => void heard.push(quality.acknowledge("owner", at)));
    const trial = tell(tell(down(tell(guarded()))));
    tell(down(new Trial().healthy(8)));
    expect(heard).to.deep.equal([false, true, false, false]);
    expect(trial.found.filter((kind) => kind === "acknowledged note")).to.have.length(1);
  });
});
