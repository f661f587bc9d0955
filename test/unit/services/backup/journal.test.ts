import { expect } from "chai";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { Journal, type RunEnd } from "../../../../services/backup/journal";
import { quiet, temporaryPaths } from "./samples";

const start = Date.UTC(2026, 10, 21, 10);
const good: RunEnd = { outcome: "good", reason: "done", bytes: 10, storedBytes: 5, point: "20261121T100000Z" };
const failed: RunEnd = { outcome: "failed", reason: "no", bytes: null, storedBytes: null, point: null };

describe("the journal of the backups", () => {
  let home: Awaited<ReturnType<typeof temporaryPaths>>;
  const open = (now = start) => Journal.open(home.paths.journal, quiet, now);
  beforeEach(async () => {
    home = await temporaryPaths();
  });
  afterEach(() => home.remove());

  it("keeps what became of runs over lives", async () => {
    const first = await open();
    await first.begin("point", start);
    await first.end("point", failed, start + 1000);
    await first.begin("point", start + 60_000);
    await first.end("point", good, start + 65_000);
    const second = await open(start + 1e6);
    expect(second.current).to.deep.equal(first.current);
    expect(second.current.jobs.point).to.deep.equal({
      begun: null,
      lastStart: "2026-11-21T10:01:00.000Z",
      lastFinish: "2026-11-21T10:01:05.000Z",
      lastGood: "2026-11-21T10:01:05.000Z",
      failures: 0,
      goodTotal: 1,
      failedTotal: 1,
    });
    expect(second.runs("point").map(({ outcome }) => outcome)).to.deep.equal(["good", "failed"]);
    expect(second.current.months["2026-11"]!.jobs.point).to.deep.equal({ good: 1, failed: 1, seconds: 6, storedBytes: 5, lastFailure: "2026-11-21T10:00:01.000Z no" });
  });

  it("notes a run without an end as failed, at the next start", async () => {
    const first = await open();
    await first.begin("dump", start);
    const second = await open(start + 5000);
    expect(second.runs("dump")).to.have.length(1);
    expect(second.runs("dump")[0]).to.include({ outcome: "failed", startedAt: "2026-11-21T10:00:00.000Z", finishedAt: "2026-11-21T10:00:05.000Z" });
    expect(second.runs("dump")[0]!.reason).to.match(/^ended without a word/);
    expect(second.brokenOff).to.deep.equal(second.runs("dump"));
    expect(second.current.jobs.dump).to.include({ begun: null, failures: 1 });
    const third = await open(start + 9000);
    expect([third.runs("dump").length, third.brokenOff]).to.deep.equal([1, []]);
  });

  it("gives each run a name of its own, which it keeps, and takes those of earlier releases without", async () => {
    const journal = await open();
    for (const _ of [1, 2]) await journal.end("point", good, start);
    const [second, first] = journal.runs("point");
    expect(first!.id).to.be.a("string").and.not.equal(second!.id);
    expect((await open()).runs("point")).to.deep.equal([second, first]);
    const { id: _, ...without } = first!;
    await writeFile(path.join(home.paths.journal, "point.json"), JSON.stringify([without]));
    expect((await open()).runs("point")).to.deep.equal([without]);
  });

  it("keeps the newest fifty runs", async () => {
    const journal = await open();
    for (let index = 0; index < 55; index++) await journal.end("copy", { ...good, reason: String(index) }, start + index);
    expect((await open()).runs("copy").map(({ reason }) => reason).slice(0, 2)).to.deep.equal(["54", "53"]);
    expect(journal.runs("copy")).to.have.length(50);
  });

  it("begins anew where it cannot be understood", async () => {
    const first = await open();
    await first.end("point", good, start);
    await writeFile(path.join(home.paths.journal, "state.json"), '{"jobs":');
    const second = await open(start + 1000);
    expect(second.current.jobs.point.lastStart).to.equal(null);
    expect(second.current.firstSeen).to.equal("2026-11-21T10:00:01.000Z");
  });

  it("lets nothing begin that it could not write down, and does not forget what failed", async () => {
    const journal = await open();
    // A folder that has gone stands for a disk that takes nothing; the superuser would be let into a read-only one.
    await rm(home.paths.journal, { recursive: true });
    const error = await journal.begin("point", start).catch((reason: Error) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(journal.current.jobs.point.begun).to.equal(null);
    await journal.end("point", failed, start);
    expect(journal.current.jobs.point.failures).to.equal(1);
    await mkdir(home.paths.journal);
    await journal.end("point", failed, start + 1000);
    expect((await open()).current.jobs.point.failures).to.equal(2);
  });

  it("has not watched the clock until something was removed, again after every start", async () => {
    const journal = await open();
    expect(journal.unwatched).to.equal(true);
    await journal.forgetJump();
    expect(journal.unwatched).to.equal(false);
    expect((await open()).unwatched).to.equal(true);
  });

  it("keeps a jump of the clock over lives until it is forgotten, whatever sleeps follow", async () => {
    const jump = { at: "2026-11-21T10:00:00.000Z", milliseconds: -60_000 };
    const journal = await open();
    await journal.noteJump(jump);
    await journal.noteJump({ at: "2026-11-21T19:00:00.000Z", milliseconds: 9 * 3_600_000 });
    const next = await open();
    expect(next.current.jump).to.deep.equal(jump);
    await next.forgetJump();
    expect((await open()).current.jump).to.equal(null);
  });

  it("sees that the clock was set back meanwhile by a jump that is still to come", async () => {
    await (await open()).noteJump({ at: "2027-11-21T10:00:00.000Z", milliseconds: 365 * 86_400_000 });
    expect((await open()).current.jump).to.deep.equal({ at: "2026-11-21T10:00:00.000Z", milliseconds: -365 * 86_400_000 });
  });

  it("goes on in memory where there is no place for it", async () => {
    await mkdir(home.paths.backups, { recursive: true });
    await writeFile(home.paths.journal, "a file in its place");
    const journal = await open();
    const error = await journal.begin("point", start).catch((reason: Error) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(await journal.end("point", failed, start)).to.include({ outcome: "failed" });
    expect(journal.current.jobs.point.failures).to.equal(1);
  });

  it("takes away what a crash left half written", async () => {
    await mkdir(home.paths.journal, { recursive: true });
    await writeFile(path.join(home.paths.journal, "state.json.0a1b2c3d.partial"), "{");
    await open();
    expect(await readdir(home.paths.journal)).to.deep.equal([]);
  });

  it("counts alarms by month, of the newest three", async () => {
    const journal = await open();
    await journal.noteAlarms(["disk-full"], Date.UTC(2026, 7, 1));
    for (const month of [8, 9, 10]) await journal.noteAlarms(["disk-full", "job-failed:point"], Date.UTC(2026, month, 1));
    await journal.noteAlarms(["disk-full"], Date.UTC(2026, 10, 2));
    const { months } = (await open()).current;
    expect(Object.keys(months)).to.deep.equal(["2026-09", "2026-10", "2026-11"]);
    expect(months["2026-11"]!.alarms).to.deep.equal({ "disk-full": 2, "job-failed:point": 1 });
  });
});
