import { expect } from "chai";
import { freshState, type JobState } from "../../../../services/backup/journal";
import { allWell, dueJobs, jobOverdue, monthToReport, nextStart, retryAt } from "../../../../services/backup/plan";
import { sampleSettings } from "./samples";

const at = (iso: string) => Date.parse(`2026-11-${iso}Z`);
const iso = (iso: string) => new Date(at(iso)).toISOString();
const none = new Set<never>();

function stateWith(now: string, jobs: Record<string, Partial<JobState>>) {
  const state = freshState(at(now));
  for (const [job, change] of Object.entries(jobs)) Object.assign(state.jobs[job as "point"], change);
  return state;
}
/** Every job ran well at a time. */
const allGood = (time: string) => {
  const good = { lastStart: iso(time), lastFinish: iso(time), lastGood: iso(time) };
  return stateWith(time, { point: good, dump: good, copy: good, prune: good, check: good });
};

describe("which jobs are due", () => {
  it("all, in their order, when none ever ran", () => {
    expect(dueJobs(sampleSettings, freshState(at("21T10:00")), none, at("21T10:00"))).to.deep.equal(["point", "dump", "copy", "prune", "check"]);
  });

  it("no copy where there is no second copy, also when it is asked for", () => {
    const settings = { ...sampleSettings, secondCopy: { kind: "none" as const } };
    expect(dueJobs(settings, freshState(at("21T10:00")), new Set(["copy" as const]), at("21T10:00"))).to.deep.equal(["point", "dump", "prune", "check"]);
  });

  const cases: [what: string, lastAll: string, now: string, due: string[]][] = [
    ["none before their times", "21T10:00", "21T10:20", []],
    ["what has its time", "21T10:00", "21T10:30", ["copy"]],
    ["what was slept through, once each", "21T10:00", "23T09:00", ["point", "dump", "copy", "prune", "check"]],
    ["what is daily after a night, not what is weekly", "23T10:00", "24T09:00", ["point", "dump", "copy", "prune"]],
  ];
  for (const [what, lastAll, now, due] of cases) {
    it(what, () => expect(dueJobs(sampleSettings, allGood(lastAll), none, at(now))).to.deep.equal(due));
  }

  it("what is asked for, before its time", () => {
    expect(dueJobs(sampleSettings, allGood("21T10:00"), new Set(["dump" as const]), at("21T10:01"))).to.deep.equal(["dump"]);
  });

  const retries: [failures: number, minutes: number][] = [[1, 1], [2, 5], [3, 15], [4, 60], [5, 60], [50, 60]];
  for (const [failures, minutes] of retries) {
    it(`a job that failed ${failures} times again after ${minutes} minutes`, () => {
      const state = allGood("21T10:00");
      Object.assign(state.jobs.point, { failures, lastFinish: iso("21T10:01") });
      const due = at("21T10:01") + minutes * 60_000;
      expect(retryAt(state.jobs.point, at("21T10:01"))).to.equal(due);
      expect(dueJobs(sampleSettings, state, none, due - 1).includes("point")).to.equal(false);
      expect(dueJobs(sampleSettings, state, none, due).includes("point")).to.equal(true);
    });
  }

  it("a job that failed by a clock that was ahead, at once", () => {
    const state = allGood("21T10:00");
    Object.assign(state.jobs.point, { failures: 4, lastFinish: iso("28T10:00") });
    expect(dueJobs(sampleSettings, state, none, at("21T10:05"))).to.deep.equal(["point"]);
  });

  it("a job that ran by a clock that was ahead, once", () => {
    const state = allGood("21T10:00");
    Object.assign(state.jobs.point, { lastStart: iso("22T10:00"), lastFinish: iso("22T10:00"), lastGood: iso("22T10:00") });
    expect(dueJobs(sampleSettings, state, none, at("21T10:05"))).to.deep.equal(["point"]);
    Object.assign(state.jobs.point, { lastStart: iso("21T10:05") });
    expect(dueJobs(sampleSettings, state, none, at("21T10:06"))).to.deep.equal([]);
  });
});

describe("when a job begins next", () => {
  it("at its next time", () => expect(nextStart("10 */6 * * *", allGood("21T10:00").jobs.point, at("21T11:00"))).to.equal(at("21T12:10")));
  it("now, when it is due", () => expect(nextStart("10 */6 * * *", freshState(0).jobs.point, at("21T11:00"))).to.equal(at("21T11:00")));
  it("at its next try, when it failed", () => {
    const state = { ...allGood("21T10:00").jobs.point, failures: 1 };
    expect(nextStart("10 */6 * * *", state, at("21T10:00"))).to.equal(at("21T10:01"));
  });
});

describe("whether a job is overdue", () => {
  const overdue = (now: string, awakeSince = "01T00:00", settings = sampleSettings) => jobOverdue(settings, "point", allGood("21T10:00"), at(now), at(awakeSince));
  it("not within its grace", () => expect(overdue("21T13:39")).to.equal(null));
  it("after it, since its time", () => expect(overdue("21T13:41")).to.equal(at("21T12:10")));
  it("not right after waking", () => expect(overdue("22T09:00", "22T08:59")).to.equal(null));
  it("never, where it has nothing to do", () => {
    const settings = { ...sampleSettings, secondCopy: { kind: "none" as const } };
    expect(jobOverdue(settings, "copy", allGood("01T10:00"), at("21T13:41"), at("01T00:00"))).to.equal(null);
  });
});

describe("whether all is well", () => {
  const cases: [what: string, jobs: Record<string, Partial<JobState>>, now: string, well: boolean][] = [
    ["when every job was good", {}, "21T11:00", true],
    ["not while a point failed, whatever others did since", { point: { failures: 1 } }, "21T11:00", false],
    ["not while a check failed", { check: { failures: 1 } }, "21T11:00", false],
    ["though the disk of the second copy is away", { copy: { failures: 9 } }, "21T11:00", true],
    ["not when one is late", {}, "21T13:41", false],
    ["when none has had its time yet", { check: { lastStart: null, lastFinish: null, lastGood: null } }, "21T11:00", true],
  ];
  for (const [what, jobs, now, well] of cases) {
    it(what, () => {
      const state = allGood("21T10:00");
      for (const [job, change] of Object.entries(jobs)) Object.assign(state.jobs[job as "point"], change);
      expect(allWell(sampleSettings, state, at(now), at("01T00:00"))).to.equal(well);
    });
  }
});

describe("which month is to be reported", () => {
  const cases: [what: string, firstSeen: string, reported: string | null, now: string, month: string | null][] = [
    ["none in the first month", "2026-11-05", null, "2026-11-30", null],
    ["the first month in the second", "2026-11-05", null, "2026-12-01", "2026-11"],
    ["each once", "2026-11-05", "2026-11", "2026-12-02", null],
    ["the month before over the turn of the year", "2026-01-05", "2026-11", "2027-01-01", "2026-12"],
    ["none again when the clock was set back", "2026-01-05", "2026-11", "2026-10-01", null],
  ];
  for (const [what, firstSeen, reportedMonth, now, month] of cases) {
    it(what, () => expect(monthToReport({ firstSeen: `${firstSeen}T00:00:00.000Z`, reportedMonth }, Date.parse(now))).to.equal(month));
  }
});
