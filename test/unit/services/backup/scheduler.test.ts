import { expect } from "chai";
import { Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import pino, { type Logger } from "pino";
import { JOBS, type Job, type JobRun } from "../../../../domain/backup/jobs";
import { Journal } from "../../../../services/backup/journal";
import type { Mutex } from "../../../../services/backup/mutex";
import { Scheduler, type JobResult, type RunContext } from "../../../../services/backup/scheduler";
import { quiet, sampleSettings, temporaryPaths } from "./samples";

const start = Date.UTC(2026, 10, 21, 10);
const minute = 60_000;
const done: JobResult = { reason: "done", bytes: 1, storedBytes: 1, point: null };

describe("the scheduler of the backups", () => {
  let home: Awaited<ReturnType<typeof temporaryPaths>>;
  let journal: Journal;
  let wall: number;
  let monotonic: number;
  let ran: Job[];
  let runs: JobRun[];
  let stop: AbortController;
  let heldBy: string | null;
  let lost: AbortController;
  let prepared: number;
  let work: (job: Job, run: RunContext) => Promise<JobResult>;
  let scheduler: Scheduler;
  let log: Logger;
  /** What being told of a run takes. */
  let told: Promise<void>;

  const make = () =>
    new Scheduler({
      ...{ settings: sampleSettings, journal, log, signal: stop.signal },
      jobs: Object.fromEntries(JOBS.map((job) => [job, (run: RunContext) => (ran.push(job), work(job, run))])) as Record<Job, (run: RunContext) => Promise<JobResult>>,
      takeMutex: async (): Promise<Mutex | { heldBy: string }> => (heldBy === null ? { lost: (lost = new AbortController()).signal, release: async () => undefined } : { heldBy }),
      prepare: async () => void (prepared += 1),
      onRun: async (run) => {
        runs.push(run);
        await told;
      },
      onStuck: () => undefined,
      clocks: { wall: () => wall, monotonic: () => monotonic },
    });
  /** Both clocks go on; then one look, and what it began is waited for. */
  const pass = async (milliseconds: number, jumped = 0) => {
    wall += milliseconds + jumped;
    monotonic += milliseconds;
    await scheduler.tick();
    while (scheduler.running !== null) await turn();
    await turn();
  };
  /** Looks until nothing is due. */
  const settle = async () => {
    for (let before = -1; before !== ran.length; ) {
      before = ran.length;
      await pass(0);
    }
  };

  beforeEach(async () => {
    home = await temporaryPaths();
    [wall, monotonic, ran, runs, heldBy, prepared] = [start, 0, [], [], null, 0];
    log = quiet;
    told = Promise.resolve();
    stop = new AbortController();
    lost = new AbortController();
    work = async () => done;
    journal = await Journal.open(home.paths.journal, quiet, wall);
    scheduler = make();
  });
  afterEach(() => home.remove());

  it("runs what never ran at once, one after the other in their order, and each once", async () => {
    await settle();
    await pass(minute);
    expect(ran).to.deep.equal(["point", "dump", "copy", "prune", "check"]);
    expect(runs.map(({ outcome }) => outcome)).to.deep.equal(Array(5).fill("good"));
    expect(prepared).to.equal(1);
  });

  it("never runs two at a time", async () => {
    let end: () => void = () => undefined;
    work = () => new Promise((resolve) => (end = () => resolve(done)));
    await scheduler.tick();
    await scheduler.tick();
    while (ran.length === 0) await turn();
    expect(ran).to.deep.equal(["point"]);
    expect(scheduler.running).to.include({ job: "point" });
    end();
    while (scheduler.running !== null) await turn();
  });

  it("writes the beginning down before the work begins", async () => {
    work = async (job) => {
      expect(journal.current.jobs[job].begun).to.equal("2026-11-21T10:00:00.000Z");
      const copy = await Journal.open(home.paths.journal, quiet, wall);
      expect(copy.runs(job)[0]!.reason).to.match(/^ended without a word/);
      return done;
    };
    await pass(0);
    expect(runs[0]).to.include({ job: "point", outcome: "good" });
  });

  it("catches up once on what was slept through, and never twice", async () => {
    await settle();
    ran = [];
    // Two nights: the wall clock goes on, the other one stands still.
    await pass(2000, 46 * 60 * minute);
    await settle();
    expect(ran).to.deep.equal(["point", "dump", "copy", "prune", "check"]);
    ran = [];
    await pass(2000);
    expect(ran).to.deep.equal([]);
    expect(scheduler.awakeSince).to.equal(start + 46 * 60 * minute + 2000);
  });

  it("tries a failed job again after 1, 5, 15, 60 and 60 minutes", async () => {
    await settle();
    ran = [];
    work = (job) => (job === "point" ? Promise.reject(new Error("no room")) : Promise.resolve(done));
    scheduler.ask("point");
    await settle();
    const tries: number[] = [];
    for (let passed = 1; passed <= 150; passed++) {
      const before = ran.filter((job) => job === "point").length;
      await pass(minute);
      await settle();
      if (ran.filter((job) => job === "point").length > before) tries.push(passed);
    }
    expect(tries).to.deep.equal([1, 6, 21, 81, 141]);
    expect(runs.filter(({ job }) => job === "point").at(-1)).to.include({ outcome: "failed", reason: "begins: no room", point: null });
    work = async () => done;
    scheduler.ask("point");
    await settle();
    expect(journal.current.jobs.point.failures).to.equal(0);
  });

  it("goes on with the other jobs when one failed", async () => {
    work = (job) => (job === "point" ? Promise.reject(new Error("no")) : Promise.resolve(done));
    await settle();
    expect(ran).to.deep.equal(["point", "dump", "copy", "prune", "check"]);
  });

  describe("says in one line of JSON", () => {
    let lines: object[];
    const wanted = ["level", "job", "outcome", "reason", "seconds", "bytes", "storedBytes", "point"];
    const said = () => lines.filter((line) => "outcome" in line).map((line) => Object.fromEntries(Object.entries(line).filter(([key]) => wanted.includes(key))));
    beforeEach(() => {
      lines = [];
      log = pino({ formatters: { level: (label) => ({ level: label }) } }, new Writable({ write: (chunk: Buffer, _encoding, taken) => (lines.push(JSON.parse(chunk.toString()) as object), taken()) }));
      scheduler = make();
    });

    it("what became of each job, how long it took, how much it protected, and why", async () => {
      work = async (job) => {
        monotonic += 1500;
        if (job === "dump") throw new Error("no room");
        return { reason: "full backup", bytes: 100, storedBytes: 10, point: "20261121T100000Z" };
      };
      await pass(0);
      await pass(0);
      expect(said()).to.deep.equal([
        { level: "info", job: "point", outcome: "good", reason: "full backup", seconds: 1.5, bytes: 100, storedBytes: 10, point: "20261121T100000Z" },
        { level: "error", job: "dump", outcome: "failed", reason: "begins: no room", seconds: 1.5, bytes: null, storedBytes: null, point: null },
      ]);
    });

    it("what a kill ended, at the next start, and tells others of it too", async () => {
      await settle();
      await journal.begin("point", wall);
      journal = await Journal.open(home.paths.journal, quiet, (wall += 5000));
      scheduler = make();
      [lines, runs] = [[], []];
      scheduler.start();
      while (runs.length === 0) await turn();
      stop.abort();
      await scheduler.stopped();
      expect(said()).to.deep.equal([{ level: "error", job: "point", outcome: "failed", reason: journal.runs("point")[0]!.reason, seconds: null, bytes: null, storedBytes: null, point: null }]);
      expect(runs).to.deep.equal([journal.runs("point")[0]]);
      expect(runs[0]!.reason).to.match(/^ended without a word/);
    });
  });

  it("tries a job that a kill ended again after a minute, not at once", async () => {
    await settle();
    await journal.begin("dump", wall);
    journal = await Journal.open(home.paths.journal, quiet, (wall += 1000));
    scheduler = make();
    ran = [];
    await pass(0);
    expect(ran).to.deep.equal([]);
    await pass(minute);
    expect(ran).to.deep.equal(["dump"]);
  });

  it("waits while somebody else has the lock, and says for whom", async () => {
    heldBy = "restore since 2026-11-21T09:59:00.000Z";
    await pass(0);
    await pass(minute);
    expect([ran, runs, scheduler.waitingFor]).to.deep.equal([[], [], heldBy]);
    heldBy = null;
    await pass(0);
    expect([ran, scheduler.waitingFor]).to.deep.equal([["point"], null]);
  });

  it("does not trust what was done after the lock was lost", async () => {
    work = async () => {
      lost.abort(new Error("the lock was lost"));
      return done;
    };
    await pass(0);
    expect(runs[0]).to.include({ outcome: "failed", reason: "the lock was lost" });
  });

  it("tells a job to end when the lock is lost", async () => {
    work = (_job, { signal, step }) =>
      new Promise((_resolve, reject) => {
        step("taking the database");
        signal.addEventListener("abort", () => reject(new Error("was ended")));
        setTimeout(() => lost.abort(new Error("the lock was lost")), 5);
      });
    await pass(0);
    expect(runs[0]).to.include({ outcome: "failed", reason: "taking the database: the lock was lost" });
  });

  it("ends what runs when it is stopped, which is no failure, and begins it anew at the next start", async () => {
    work = (_job, { signal, step }) =>
      new Promise((_resolve, reject) => {
        step("taking the database");
        signal.addEventListener("abort", () => reject(new Error("was ended")));
        setTimeout(() => stop.abort(), 5);
      });
    await pass(0);
    await scheduler.stopped();
    expect(runs[0]).to.include({ outcome: "failed", reason: 'stopped: the container was stopped during "taking the database"' });
    expect(journal.current.jobs.point.failures).to.equal(0);
    journal = await Journal.open(home.paths.journal, quiet, wall);
    stop = new AbortController();
    scheduler = make();
    work = async () => done;
    ran = [];
    await pass(1000);
    expect(ran).to.deep.equal(["point"]);
  });

  it("runs what is asked for, once, and says when it runs already", async () => {
    await settle();
    ran = [];
    expect(scheduler.ask("check")).to.equal(true);
    work = async (job) => {
      expect(scheduler.ask(job)).to.equal(false);
      return done;
    };
    await settle();
    expect(ran).to.deep.equal(["check"]);
  });

  it("fails what could not be written down, and does not begin it", async () => {
    await home.remove();
    await pass(0);
    expect(ran).to.deep.equal([]);
    expect(runs[0]).to.include({ job: "point", outcome: "failed" });
    expect(runs[0]!.reason).to.match(/ENOENT/);
    expect(journal.current.jobs.point.failures).to.equal(1);
  });

  const jumps: [what: string, milliseconds: number, noted: number | null][] = [
    ["set back", -3 * 60 * minute, -3 * 60 * minute],
    ["ahead", 24 * 60 * minute, 24 * 60 * minute],
    ["kept right", -2000, null],
  ];
  for (const [what, milliseconds, noted] of jumps) {
    it(`notes a clock that was ${what}${noted === null ? ", not" : ""}`, async () => {
      await settle();
      await pass(2000, milliseconds);
      expect(journal.current.jump?.milliseconds ?? null).to.equal(noted);
    });
  }

  it("takes a job that is asked for while others are told of its run before: that one began too early to count", async () => {
    await settle();
    const before = ran.length;
    let tell = () => {};
    told = new Promise((resolve) => (tell = resolve));
    scheduler.ask("point");
    await pass(0);
    expect(ran.length).to.equal(before + 1);
    expect(scheduler.ask("point")).to.equal(true);
    await pass(0);
    expect(ran.length).to.equal(before + 1);
    tell();
    await turn();
    await pass(0);
    expect(ran.slice(before)).to.deep.equal(["point", "point"]);
  });
});
