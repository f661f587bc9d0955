import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { clockJump, FUTURE_TOLERANCE, isDue, lateFrom, nextRun, overdueSince } from "../../../../domain/backup/schedule";

const at = (time: string) => Date.parse(`${time}Z`);
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe("the times of a schedule", () => {
  const cases: [name: string, pattern: string, after: string, next: string][] = [
    ["come later on the day", "10 */6 * * *", "2026-11-21T00:11:00", "2026-11-21T06:10:00"],
    ["come after the moment itself", "10 */6 * * *", "2026-11-21T06:10:00", "2026-11-21T12:10:00"],
    ["come within the second", "10 */6 * * *", "2026-11-21T06:09:59.999", "2026-11-21T06:10:00"],
    ["do not come twice in their own second", "10 */6 * * *", "2026-11-21T06:10:00.500", "2026-11-21T12:10:00"],
    ["go into the next year", "40 2 * * *", "2026-12-31T02:40:00", "2027-01-01T02:40:00"],
    ["come on Sundays", "20 3 * * 0", "2026-11-21T12:00:00", "2026-11-22T03:20:00"],
    ["pass over months without a 31st", "0 2 31 * *", "2026-01-31T02:00:00", "2026-03-31T02:00:00"],
    ["come on the last of a short month", "0 2 28-31 * *", "2026-02-28T02:00:00", "2026-03-28T02:00:00"],
    ["wait for a leap day", "0 2 29 2 *", "2026-03-01T00:00:00", "2028-02-29T02:00:00"],
    ["come in the hour that Europe skips in spring", "30 2 29 3 *", "2026-03-28T12:00:00", "2026-03-29T02:30:00"],
    ["come once in the hour that America has twice in autumn", "30 1 * * *", "2026-11-01T01:30:00", "2026-11-02T01:30:00"],
  ];
  for (const [name, pattern, after, next] of cases) it(name, () => expect(new Date(nextRun(pattern, at(after))).toISOString()).to.equal(new Date(at(next)).toISOString()));

  it("are refused when none ever comes", () => {
    expect(() => nextRun("0 0 30 2 *", at("2026-11-21T00:00:00"))).to.throw(RangeError, 'The schedule "0 0 30 2 *" names no time that ever comes');
  });

  it("are the same wherever the computer stands, through both nights whose clocks change", function () {
    this.timeout(30_000);
    const program = `
      const { nextRun } = require(${JSON.stringify(join(process.cwd(), "domain/backup/schedule.ts"))});
      const times = [];
      for (const [pattern, from] of [["30 * * * *", Date.UTC(2026, 2, 28, 20)], ["30 * * * *", Date.UTC(2026, 9, 24, 20)], ["30 2 * * *", Date.UTC(2026, 2, 27)], ["30 2 * * *", Date.UTC(2026, 9, 23)]]) {
        let time = from;
        for (let count = 0; count < 12; count += 1) times.push((time = nextRun(pattern, time)));
      }
      console.log(JSON.stringify({ offsets: new Set([0, 6].map((month) => new Date(2026, month, 1).getTimezoneOffset())).size, times }));`;
    const [copenhagen, utc] = ["Europe/Copenhagen", "UTC"].map((zone) => {
      const run = spawnSync(process.execPath, ["--require", "tsx/cjs", "--eval", program], { env: { ...process.env, TZ: zone }, encoding: "utf8" });
      expect(run.status, run.stderr).to.equal(0);
      return JSON.parse(run.stdout) as { offsets: number; times: number[] };
    });
    expect(copenhagen?.offsets, "the zone is in force: summer time differs").to.equal(2);
    expect(utc?.offsets).to.equal(1);
    expect(copenhagen?.times).to.deep.equal(utc?.times);
    const hourly = utc?.times.slice(0, 12) ?? [];
    expect(hourly.slice(1).every((time, index) => time - (hourly[index] ?? 0) === hour)).to.equal(true);
  });
});

describe("a job", () => {
  const pattern = "10 */6 * * *";
  const cases: [name: string, lastStart: string | null, now: string, due: boolean][] = [
    ["is due at once when it never ran", null, "2026-11-21T03:00:00", true],
    ["is not due before its time", "2026-11-21T00:10:01", "2026-11-21T06:09:59", false],
    ["is due at its time", "2026-11-21T00:10:01", "2026-11-21T06:10:00", true],
    ["is not due again in the minute in which it began", "2026-11-21T06:10:00", "2026-11-21T06:10:59", false],
    ["is due after a sleep of 36 hours", "2026-11-20T00:10:00", "2026-11-21T12:13:00", true],
    ["is not due a second time after the sleep", "2026-11-21T12:13:00", "2026-11-21T12:13:01", false],
    ["is not due because of a clock set back by seconds", "2026-11-21T06:10:20", "2026-11-21T06:09:40", false],
    ["is due when its start lies a day ahead of the clock", "2026-11-22T06:10:00", "2026-11-21T06:10:00", true],
    ["is due when its start lies years ahead of the clock", "2036-01-01T00:00:00", "2026-11-21T06:10:00", true],
  ];
  for (const [name, lastStart, now, due] of cases) it(name, () => expect(isDue(pattern, lastStart === null ? null : at(lastStart), at(now))).to.equal(due));

  /** Runs by a clock that ticks through these moments; each due job begins at once. */
  function starts(clock: Iterable<number>, lastStart: number | null, jobPattern = pattern): number[] {
    const runs: number[] = [];
    let last = lastStart;
    for (const now of clock) {
      if (!isDue(jobPattern, last, now)) continue;
      runs.push(now);
      last = now;
    }
    return runs;
  }
  function* ticks(from: number, to: number, step = minute): Generator<number> {
    for (let now = from; now < to; now += step) yield now;
  }
  const begin = at("2026-11-21T00:10:00");

  it("runs once after a sleep of 36 hours, and then at its times again", () => {
    const woken = begin + 36 * hour + 3 * minute;
    const clock = [...ticks(begin + minute, begin + hour, 5 * minute), ...ticks(woken, woken + 7 * hour)];
    expect(starts(clock, begin)).to.deep.equal([woken, begin + 42 * hour]);
  });

  it("runs once more when the clock goes a day ahead, once when it comes back, and then at its times", () => {
    const ahead = begin + hour + day;
    const back = begin + 2 * hour;
    const clock = [...ticks(begin + minute, begin + hour, 5 * minute), ...ticks(ahead, ahead + hour), ...ticks(back, back + 11 * hour)];
    expect(starts(clock, begin)).to.deep.equal([ahead, back, begin + 6 * hour, begin + 12 * hour]);
  });

  it("runs once when the clock goes a day back, and at its times on the day that comes again", () => {
    const back = begin + hour - day;
    expect(starts(ticks(back, back + 12 * hour), begin)).to.deep.equal([back, begin - day + 6 * hour, begin - day + 12 * hour]);
  });

  it("runs once at each of its times through a night whose clocks change", () => {
    const night = at("2026-03-28T12:00:00");
    expect(starts(ticks(night, night + 2 * day, 10 * minute), night, "30 2 * * *")).to.deep.equal([at("2026-03-29T02:30:00"), at("2026-03-30T02:30:00")]);
  });

  it("runs once for all its times in a sleep, whatever the sleeps, and misses none while awake", () => {
    const period = 6 * hour;
    const offset = 10 * minute;
    /** Number of the newest time of the pattern, reckoned without croner. */
    const turn = (time: number) => Math.floor((time - offset) / period);
    fc.assert(
      fc.property(fc.nat(10 * day), fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 3 * day })), { minLength: 1, maxLength: 12 }), (start, stretches) => {
        const clock: number[] = [];
        let now = begin + start;
        for (const [awakeTicks, asleep] of stretches) {
          for (let tick = 0; tick < awakeTicks; tick += 1) clock.push((now += 10 * minute));
          now += asleep;
        }
        let last = begin + start;
        for (const moment of clock) {
          const due = isDue(pattern, last, moment);
          expect(due).to.equal(turn(moment) > turn(last));
          if (due) last = moment;
        }
      }),
      { numRuns: 40 },
    );
  });

  it("is never silent for longer than to its next time, wherever the clock jumps", () => {
    const tick = 2 * minute;
    // A period of unbroken time; a start may lie ahead by the tolerance of a clock that is set right, and a time of the pattern by a tick.
    const window = 6 * hour + FUTURE_TOLERANCE + tick;
    /** Times of the pattern up to a moment, reckoned without croner. */
    const turns = (time: number) => Math.floor((time - 10 * minute) / (6 * hour));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -400 * day, max: 400 * day }), { minLength: 1, maxLength: 10 }), (jumps) => {
        let now = begin;
        let last: number | null = begin;
        for (const jump of jumps) {
          now += jump;
          const runs: number[] = starts(ticks(now, now + window, tick), last);
          // At once for a start that lies ahead, or for what was missed, and then at its times.
          expect(runs).to.have.length.within(1, 1 + turns(now + window) - turns(now));
          last = runs.at(-1) ?? null;
          now += window;
        }
      }),
      { numRuns: 10, examples: [[[-1, 0]], [[-FUTURE_TOLERANCE, 0]]] },
    );
  }).timeout(30_000);
});

describe("an overdue job", () => {
  const pattern = "10 */6 * * *";
  const firstSeen = at("2026-11-01T00:00:00");
  const grace = 90 * minute;
  const due = "2026-11-21T06:10:00";
  const cases: [name: string, facts: { lastGood?: string | null; firstSeen?: string; now: string; awakeSince?: string }, since: string | null][] = [
    ["is none before the grace is over", { now: "2026-11-21T07:39:59" }, null],
    ["is one when the grace is over", { now: "2026-11-21T07:40:00" }, due],
    ["stays one since the same moment", { now: "2026-11-25T00:00:00" }, due],
    ["never was good, from its first time on", { lastGood: null, firstSeen: "2026-11-21T01:00:00", now: "2026-11-21T07:40:00" }, due],
    ["never was good, and had no time yet", { lastGood: null, firstSeen: "2026-11-21T01:00:00", now: "2026-11-21T06:00:00" }, null],
    ["is none right after waking, while it is caught up on", { now: "2026-11-21T20:00:00", awakeSince: "2026-11-21T19:59:00" }, null],
    ["is one when waking was a grace ago", { now: "2026-11-21T21:29:00", awakeSince: "2026-11-21T19:59:00" }, due],
    ["is one when the service begins anew all the time", { now: "2026-11-24T07:40:00", awakeSince: "2026-11-24T07:39:00" }, due],
    ["is not excused by waking before its time", { now: "2026-11-21T07:40:00", awakeSince: "2026-11-21T06:00:00" }, due],
    ["is reckoned from the beginning when its good run lies in the future", { lastGood: "2026-11-29T00:00:00", now: "2026-11-21T07:00:00" }, "2026-11-01T00:10:00"],
    ["is one when no time to reckon from can be trusted", { lastGood: null, firstSeen: "2027-11-21T00:00:00", now: "2026-11-21T07:00:00" }, "2026-11-21T07:00:00"],
  ];
  for (const [name, { lastGood = "2026-11-21T00:12:00", now, ...others }, since] of cases) {
    it(name, () => {
      const seen = others.firstSeen === undefined ? firstSeen : at(others.firstSeen);
      const awake = others.awakeSince === undefined ? undefined : at(others.awakeSince);
      const found = overdueSince(pattern, lastGood === null ? null : at(lastGood), seen, at(now), grace, awake);
      expect(found).to.equal(since === null ? null : at(since));
    });
  }

  it("is late at its limit, or a grace after waking, but never more than three days after the limit", () => {
    expect(lateFrom(10 * day, 9 * day, hour)).to.equal(10 * day);
    expect(lateFrom(10 * day, 11 * day, hour)).to.equal(11 * day + hour);
    expect(lateFrom(10 * day, 20 * day, hour)).to.equal(13 * day);
  });
});

describe("a jump of the clock", () => {
  const cases: [name: string, wallNow: number, monotonicElapsed: number, jump: number | null][] = [
    ["is none when both clocks agree", minute, minute, null],
    ["is none within 30 s ahead", minute + 30 * second, minute, null],
    ["is none within 30 s back", minute - 30 * second, minute, null],
    ["is one beyond that", minute + 30_001, minute, 30_001],
    ["is one back beyond that", minute - 30_001, minute, -30_001],
    ["is a sleep of 36 hours as well", 36 * hour, minute, 36 * hour - minute],
    ["is a day back", minute - day, minute, -day],
    ["is none in a tick that took long", 2 * hour, 2 * hour, null],
  ];
  for (const [name, wallNow, monotonicElapsed, jump] of cases) {
    it(name, () => expect(clockJump({ wallBefore: begin, wallNow: begin + wallNow, monotonicElapsed })).to.equal(jump));
  }
  const begin = at("2026-11-21T00:00:00");

  it("has a tolerance that can be chosen", () => expect(clockJump({ wallBefore: 0, wallNow: 600, monotonicElapsed: 100 }, 499)).to.equal(500));
});
