import { expect } from "chai";
import { calm, calmCandles, hour, Trial } from "./trial";

const tick = (trial: Trial, later: number): Trial => trial.do((quality, at) => quality.tick(at), later);
const heard = (trial: Trial, later = 0): Trial => trial.do((quality, at) => quality.heard(at), later);
const skew = (trial: Trial, ...milliseconds: number[]): Trial => {
  for (const value of milliseconds) trial.do((quality, at) => quality.clockSkew(value, at));
  return trial;
};
const jump = (trial: Trial, milliseconds: number): Trial => trial.do((quality, at) => quality.clockJump(milliseconds, at));
const reconnect = (trial: Trial, times: number): Trial => {
  for (let time = 0; time < times; time++) trial.do((quality, at) => quality.reconnected(at));
  return trial;
};
/** Candle 4 is due now. */
const due = (trial: Trial): Trial => trial.do((quality, at) => quality.expect(calm(4).openTime, at));

describe("feed quality: silence and lateness", () => {
  it("is DEGRADED beyond 60 s of silence, DOWN beyond 180 s, each found once", () => {
    const trial = new Trial().healthy();
    expect(tick(trial, 60_000).state).to.equal("HEALTHY");
    expect(tick(trial, 1).state).to.equal("DEGRADED");
    expect(tick(trial, 119_999).state).to.equal("DEGRADED");
    expect(trial.found).to.deep.equal(["silence DEGRADED"]);
    expect(tick(trial, 1).state).to.equal("DOWN");
    tick(tick(trial, 60_000), 60_000);
    expect(trial.found).to.deep.equal(["silence DEGRADED", "silence DOWN"]);
    expect(trial.quality.reason).to.equal("nothing heard of the source for 300 s (limit 180 s)");
    expect(trial.findings[1]!.details).to.deep.equal({ seconds: 180, limit: 180, lastCandle: "2026-01-01T03:00:00.000Z", monotonicMilliseconds: 180_001 });
  });

  it("ends a silence with any sign of life, and recovers by candles alone", () => {
    const trial = new Trial().healthy();
    heard(tick(trial, 200_000));
    expect(trial.state).to.equal("DEGRADED");
    expect(trial.quality.reason).to.equal("recovering: 0 of 1 clean candles");
    for (let minute = 0; minute < 100; minute++) heard(trial, 60_000);
    expect(trial.state).to.equal("DEGRADED");
    expect(trial.give(calm(4)).state).to.equal("HEALTHY");
  });

  it("sees a silence that nobody looked at when the next candle comes, which is not a clean one", () => {
    const trial = new Trial().healthy();
    trial.now += 61_000;
    expect(trial.give(calm(4)).state).to.equal("DEGRADED");
    expect(trial.found).to.deep.equal(["silence DEGRADED"]);
    expect(trial.give(calm(5)).state).to.equal("HEALTHY");
  });

  it("begins to count a silence where it first hears of time", () => {
    const trial = new Trial({ stored: calmCandles(0, 4) });
    trial.now = 5e9;
    expect(tick(trial, 0).found).to.deep.equal([]);
  });

  it("is DEGRADED when a candle is more than 90 s late, DOWN when more than 300 s", () => {
    const trial = due(new Trial().healthy());
    heard(trial, 60_000);
    expect(heard(trial, 30_000).state).to.equal("HEALTHY");
    expect(heard(trial, 1).state).to.equal("DEGRADED");
    heard(trial, 4_999);
    expect(trial.quality.reason).to.equal("candle of 04:00 is 95 s late (limit 90 s)");
    expect(trial.found).to.deep.equal(["late DEGRADED 4"]);
    for (let times = 0; times < 5; times++) heard(trial, 41_000);
    expect(trial.state).to.equal("DEGRADED");
    expect(heard(trial, 1).state).to.equal("DOWN");
    expect(trial.found).to.deep.equal(["late DEGRADED 4", "late DOWN 4"]);
    expect(trial.give(calm(4)).log.at(-1)).to.equal("4 DEGRADED");
    expect(trial.give(calm(5)).log.at(-1)).to.equal("5 HEALTHY");
  });

  it("a candle that is expected in the future does not make time pass", () => {
    const trial = new Trial().healthy().do((quality, at) => quality.expect(calm(4).openTime, at + hour));
    expect(trial.state).to.equal("HEALTHY");
    expect(heard(trial, 0).found).to.deep.equal([]);
    expect(trial.quality.measures.lateSeconds).to.equal(0);
  });

  it("is not made punctual by telling again and again when a candle is due", () => {
    const trial = due(new Trial().healthy());
    for (let times = 0; times < 10; times++) due(heard(trial, 10_000));
    expect(trial.state).to.equal("DEGRADED");
  });

  it("does not wait for a candle that came before it was expected", () => {
    const trial = due(new Trial().healthy(5));
    expect(heard(heard(trial, 59_000), 59_000).found).to.deep.equal([]);
  });

  it("a rejected candle is still waited for", () => {
    const trial = due(new Trial().healthy()).give(calm(4, { low: 0 }));
    for (let times = 0; times < 10; times++) heard(trial, 10_000);
    expect(trial.found).to.deep.equal(["inconsistent DEGRADED 4", "late DEGRADED 4"]);
  });

  it("no longer waits for a candle that was given up", () => {
    const trial = due(new Trial({ settings: { backfillAttempts: 1 } }).healthy()).give(calm(5));
    for (let times = 0; times < 10; times++) heard(trial, 40_000);
    expect(trial.quality.reason).to.contain("candle of 04:00 is 400 s late");
    trial.do((quality, at) => quality.backfillFailed(at));
    expect(trial.quality.measures.lateSeconds).to.equal(0);
    expect(trial.quality.measures.active).to.equal("gap left open");
  });
});

describe("feed quality: a laptop that slept", () => {
  it("judges one big step of time once, takes what was missed in order, and recovers", () => {
    const trial = new Trial({ recoveryCandles: 3 }).healthy();
    const slept = 1000 * hour;
    const dueAt = trial.now;
    trial.do((quality, at) => quality.tick(at), slept);
    trial.do((quality) => {
      for (let index = 4; index < 1004; index++) quality.expect(calm(index).openTime, dueAt + (index - 4) * hour);
    });
    jump(trial, slept);
    expect(tick(trial, 0).state).to.equal("DOWN");
    expect(trial.found).to.deep.equal(["silence DOWN", "late DOWN 4", "clock jump DOWN"]);
    trial.give(...calmCandles(4, 1000));
    expect(trial.findings).to.have.length(3);
    expect(trial.written).to.have.length(1004);
    expect(trial.log.at(-1)).to.equal("1003 DEGRADED");
    expect(trial.quality.reason).to.equal("recovering: 0 of 3 clean candles");
    expect(trial.give(...calmCandles(1004, 3)).log.slice(-3)).to.deep.equal(["1004 DEGRADED", "1005 DEGRADED", "1006 HEALTHY"]);
  });
});

describe("feed quality: speed", () => {
  const cases: { speed: number; silence: [number, number]; late: [number, number] }[] = [
    { speed: 0.5, silence: [120_000, 360_000], late: [180_000, 600_000] },
    { speed: 1, silence: [60_000, 180_000], late: [90_000, 300_000] },
    { speed: 10, silence: [6_000, 18_000], late: [9_000, 30_000] },
    { speed: 60, silence: [1_000, 3_000], late: [1_500, 5_000] },
    { speed: 720, silence: [1_000, 3_000], late: [1_000, 3_000] },
    { speed: 1_000_000, silence: [1_000, 3_000], late: [1_000, 3_000] },
  ];
  for (const { speed, silence, late } of cases) {
    it(`shrinks durations at speed ${speed}, to one and three seconds at least`, () => {
      const silent = new Trial({ speed }).healthy();
      expect(tick(silent, silence[0]).state).to.equal("HEALTHY");
      expect(tick(silent, 1).state).to.equal("DEGRADED");
      expect(tick(silent, silence[1] - silence[0] - 1).state).to.equal("DEGRADED");
      expect(tick(silent, 1).state).to.equal("DOWN");
      const punctual = { silenceSeconds: { degraded: 86_400, down: 86_400 } };
      const waiting = due(new Trial({ speed, settings: punctual }).healthy());
      expect(heard(waiting, late[0]).state).to.equal("HEALTHY");
      expect(heard(waiting, 1).state).to.equal("DEGRADED");
      expect(heard(waiting, late[1] - late[0] - 1).state).to.equal("DEGRADED");
      expect(heard(waiting, 1).state).to.equal("DOWN");
    });
  }

  it("does not lengthen a duration that is configured below the floor", () => {
    const trial = new Trial({ speed: 2, settings: { silenceSeconds: { degraded: 0.4, down: 0.5 } } }).healthy();
    expect(tick(trial, 400).state).to.equal("HEALTHY");
    expect(tick(trial, 1).state).to.equal("DEGRADED");
    expect(tick(trial, 100).state).to.equal("DOWN");
  });

  it("knows no durations at speed maximum", () => {
    const trial = due(new Trial({ speed: "maximum" }).healthy());
    expect(tick(trial, 1e12).state).to.equal("HEALTHY");
    expect(trial.give(calm(4)).log.at(-1)).to.equal("4 HEALTHY");
    expect(trial.found).to.deep.equal([]);
  });

  it("gives a gap ten market minutes, three seconds at least", () => {
    for (const [speed, most] of [[10, 60_000], [720, 3_000]] as const) {
      const trial = new Trial({ speed }).healthy().give(calm(5));
      expect(heard(trial, most).log).to.have.length(4);
      expect(heard(trial, 1).log).to.have.length(5);
    }
  });
});

describe("feed quality: clocks and connections", () => {
  it("judges the median of five clock samples, in both directions", () => {
    const trial = skew(new Trial().healthy(), 0, 0, 0, 9000, 9000);
    expect(trial.state).to.equal("HEALTHY");
    skew(trial, 501);
    expect(trial.state).to.equal("DEGRADED");
    expect(trial.quality.reason).to.equal("local clock is 501 ms ahead of the source's (limit 500 ms)");
    expect(skew(trial, 0, 0, 0).state).to.equal("DEGRADED");
    expect(trial.quality.reason).to.equal("recovering: 0 of 1 clean candles");
    expect(trial.found).to.deep.equal(["clock skew DEGRADED"]);
  });

  const levels: [number, string][] = [
    [500, "HEALTHY"],
    [501, "DEGRADED"],
    [2000, "DEGRADED"],
    [2001, "DOWN"],
  ];
  for (const [size, state] of levels) {
    it(`${size} ms of skew is ${state}`, () => {
      for (const milliseconds of [size, -size]) {
        expect(skew(new Trial().healthy(), ...Array<number>(5).fill(milliseconds)).state).to.equal(state);
      }
    });
  }

  it("says on which side the local clock is", () => {
    expect(skew(new Trial().healthy(), ...Array<number>(5).fill(-2500)).quality.reason).to.equal("local clock is 2500 ms behind the source's (limit 2000 ms)");
  });

  it("judges fewer than five samples as well, by the worse side", () => {
    expect(skew(new Trial().healthy(), 600).state).to.equal("DEGRADED");
    expect(skew(new Trial().healthy(), 0, 600).state).to.equal("DEGRADED");
    expect(skew(new Trial().healthy(), 0, 600, 0).quality.measures.clockSkewMilliseconds).to.equal(0);
  });

  const clockJumps: [number, string][] = [
    [2000, "HEALTHY"],
    [2001, "DEGRADED"],
    [30_000, "DEGRADED"],
    [30_001, "DOWN"],
    [3_600_000, "DOWN"],
  ];
  for (const [size, state] of clockJumps) {
    it(`a clock jump of ${size} ms is ${state} until the next candle`, () => {
      for (const milliseconds of [size, -size]) {
        const trial = jump(new Trial().healthy(), milliseconds);
        expect(trial.state).to.equal(state);
        expect(trial.found).to.deep.equal(state === "HEALTHY" ? [] : [`clock jump ${state}`]);
        expect(heard(trial, 59_000).state).to.equal(state);
        expect(trial.give(calm(4)).state).to.equal("HEALTHY");
      }
    });
  }

  it("tells two equal clock jumps apart, and a smaller one does not make the larger milder", () => {
    const trial = jump(heard(jump(new Trial().healthy(), 31_000), 10), 3000);
    expect(trial.state).to.equal("DOWN");
    jump(heard(trial, 10), 31_000);
    expect(trial.found).to.deep.equal(["clock jump DOWN", "clock jump DEGRADED", "clock jump DOWN"]);
    expect(trial.findings[0]!.details).not.to.deep.equal(trial.findings[2]!.details);
  });

  const jumpsAndSkews: [number, string][] = [
    [2000, "HEALTHY"],
    [2001, "DOWN"],
  ];
  for (const [size, state] of jumpsAndSkews) {
    it(`compares the clocks anew after a jump of ${size} ms: one sample of an hour is ${state} after the next candle`, () => {
      const trial = skew(jump(skew(new Trial().healthy(), 0, 0, 0, 0, 0), size), hour);
      expect(trial.give(calm(4)).state).to.equal(state);
    });
  }

  const storms: [number, string][] = [
    [3, "HEALTHY"],
    [4, "DEGRADED"],
    [10, "DEGRADED"],
    [11, "DOWN"],
  ];
  for (const [times, state] of storms) {
    it(`${times} reconnects within an hour are ${state}`, () => {
      expect(reconnect(new Trial().healthy(), times).state).to.equal(state);
    });
  }

  it("forgets reconnects after an hour, and finds a storm once for each level", () => {
    const trial = reconnect(new Trial({ settings: { silenceSeconds: { degraded: 86_400, down: 86_400 } } }).healthy(), 50);
    expect(trial.found).to.deep.equal(["reconnects DEGRADED", "reconnects DOWN"]);
    expect(trial.quality.reason).to.equal("50 reconnects within an hour (limit 10)");
    expect(heard(trial, hour).state).to.equal("DOWN");
    expect(heard(trial, 1).state).to.equal("DEGRADED");
    expect(trial.give(calm(4)).state).to.equal("HEALTHY");
  });

  for (const speed of [60, 720, "maximum"] as const) {
    it(`counts hours by the market's clock in a replay: speed ${speed}`, () => {
      const trial = reconnect(new Trial({ speed, settings: { silenceSeconds: { degraded: 86_400, down: 86_400 } } }).healthy(), 11);
      expect(heard(trial, 1e6).state).to.equal("DOWN");
      trial.give(calm(4), calm(5), calm(6));
      expect(trial.log.slice(4)).to.deep.equal(["4 DOWN", "5 DEGRADED", "6 HEALTHY"]);
    });
  }

  it("one reconnect a day is normal", () => {
    const trial = new Trial({ settings: { silenceSeconds: { degraded: 86_400, down: 86_400 } } }).healthy();
    for (let day = 0; day < 30; day++) reconnect(heard(trial, 24 * hour), 1);
    expect(trial.found).to.deep.equal([]);
    expect(trial.quality.measures.reconnectsPerHour).to.equal(1);
  });
});
