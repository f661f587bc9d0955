import { expect } from "chai";
import fc from "fast-check";
import { pointIdAt, timeOfPoint } from "../../../../domain/backup/recoveryPoint";
import { fullsToKeep, keptPoints, mayPrune, type KeepablePoint, type RetentionPolicy, type PruneFacts } from "../../../../domain/backup/retention";

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 0, 1, 0, 10);
const policy: RetentionPolicy = { pointInTimeDays: 28, daily: 7, weekly: 5, monthly: 12 };

function points(kind: KeepablePoint["kind"], times: readonly number[], proved: readonly number[] = []): KeepablePoint[] {
  return times.map((time) => ({ id: pointIdAt(time), kind, proved: proved.includes(time) }));
}
const every = (length: number, count: number, from = start) => Array.from({ length: count }, (_, index) => from + index * length);
const timesOf = (ids: Iterable<string>) => [...ids].map(timeOfPoint).sort((one, other) => one - other);

describe("retention of dumps", () => {
  it("keeps the newest of each day, week and month, and says why", () => {
    const { keep, remove } = keptPoints(points("dump", every(day, 400)), policy, start + 400 * day);
    // The newest of 400 days is of Wednesday 2027-02-03.
    expect(Object.fromEntries(keep)).to.deep.equal({
      "20270204T001000Z": ["newest dump", "day 2027-02-04", "week from 2027-02-01", "month 2027-02"],
      "20270203T001000Z": ["day 2027-02-03"],
      "20270202T001000Z": ["day 2027-02-02"],
      "20270201T001000Z": ["day 2027-02-01"],
      "20270131T001000Z": ["day 2027-01-31", "week from 2027-01-25", "month 2027-01"],
      "20270130T001000Z": ["day 2027-01-30"],
      "20270129T001000Z": ["day 2027-01-29"],
      "20270124T001000Z": ["week from 2027-01-18"],
      "20270117T001000Z": ["week from 2027-01-11"],
      "20270110T001000Z": ["week from 2027-01-04"],
      "20261231T001000Z": ["month 2026-12"],
      "20261130T001000Z": ["month 2026-11"],
      "20261031T001000Z": ["month 2026-10"],
      "20260930T001000Z": ["month 2026-09"],
      "20260831T001000Z": ["month 2026-08"],
      "20260731T001000Z": ["month 2026-07"],
      "20260630T001000Z": ["month 2026-06"],
      "20260531T001000Z": ["month 2026-05"],
      "20260430T001000Z": ["month 2026-04"],
      "20260331T001000Z": ["month 2026-03"],
    });
    expect(remove).to.have.length(380);
    expect(remove[0]).to.equal("20260101T001000Z");
  });

  it("keeps the newest of a day with more than one", () => {
    const times = every(6 * hour, 12);
    const { keep } = keptPoints(points("dump", times), { ...policy, weekly: 0, monthly: 0 }, times[11]!);
    expect(timesOf(keep.keys())).to.deep.equal([times[3], times[7], times[11]]);
  });

  it("counts weeks from Monday", () => {
    const [sunday, monday] = [Date.UTC(2026, 10, 22, 2), Date.UTC(2026, 10, 23, 2)];
    const { keep } = keptPoints(points("dump", [sunday, monday]), { ...policy, daily: 1, weekly: 2, monthly: 0 }, monday);
    expect(keep.get(pointIdAt(sunday))).to.deep.equal(["week from 2026-11-16"]);
    expect(keep.get(pointIdAt(monday))).to.include("week from 2026-11-23");
  });

  it("keeps a proved one that no day, week or month wants, and only the newest such", () => {
    const times = every(day, 400);
    const { keep, remove } = keptPoints(points("dump", times, [times[3]!, times[5]!]), policy, times[399]!);
    expect(keep.get(pointIdAt(times[5]!))).to.deep.equal(["newest proved dump"]);
    expect(remove).to.include(pointIdAt(times[3]!));
  });
});

describe("retention of points", () => {
  const times = every(6 * hour, 4 * 60);
  const newest = times.at(-1)!;

  it("keeps all of the window, and the one before it that its first second is restored from", () => {
    const { keep, remove } = keptPoints(points("point", times), policy, newest);
    const first = newest - 28 * day;
    expect(timesOf(keep.keys())).to.deep.equal(times.filter((time) => time >= first));
    expect(keep.get(pointIdAt(first))).to.deep.equal(["beginning of 28 days"]);
    expect(keep.get(pointIdAt(first + 6 * hour))).to.deep.equal(["within 28 days"]);
    expect(remove).to.have.length(times.length - 4 * 28 - 1);
  });

  it("keeps as many days with points of a computer that is off on most days", () => {
    const weekly = every(7 * day, 60);
    const { keep } = keptPoints(points("point", weekly), policy, weekly.at(-1)!);
    // 28 days with points, and the beginning.
    expect(timesOf(keep.keys())).to.deep.equal(weekly.slice(-29));
  });

  it("loses one day at most to a clock that was a year ahead for one point", () => {
    const ahead = newest + 365 * day;
    const { keep } = keptPoints(points("point", [...times, ahead]), policy, ahead);
    expect(timesOf(keep.keys()).filter((time) => time > newest - 27 * day && time <= newest)).to.deep.equal(times.filter((time) => time > newest - 27 * day));
  });

  it("keeps the newest proved one that is older than the window", () => {
    const { keep } = keptPoints(points("point", times, [times[2]!, times[7]!]), policy, newest);
    expect(keep.get(pointIdAt(times[7]!))).to.deep.equal(["newest proved point"]);
    expect(keep.has(pointIdAt(times[2]!))).to.equal(false);
  });

  it("removes nothing while a point lies in the future", () => {
    const { keep, remove } = keptPoints(points("point", times), policy, newest - day);
    expect(remove).to.deep.equal([]);
    expect(keep.get(pointIdAt(times[0]!))).to.deep.equal(["a point lies in the future"]);
  });

  it("removes nothing of 30 bad days: when no good ones come, those that are there stay", () => {
    const all = [...points("point", times, [times[40]!]), ...points("dump", every(day, 60, start + 2 * hour))];
    const before = keptPoints(all, policy, newest + hour);
    const left = all.filter(({ id }) => before.keep.has(id));
    for (let bad = 1; bad <= 30; bad += 1) expect(keptPoints(left, policy, newest + bad * day).remove).to.deep.equal([]);
  });

  it("has nothing to keep of nothing", () => expect(keptPoints([], policy, start)).to.deep.equal({ keep: new Map(), remove: [] }));

  it("refuses an id that names no time", () => {
    expect(() => keptPoints([{ id: "20269999T000000Z", kind: "point", proved: false }], policy, start)).to.throw(RangeError, '"20269999T000000Z" names no time');
  });
});

describe("retention, whatever the points and the policy", () => {
  /** Points in steps of two hours, each time used once. */
  const somePoints = fc
    .uniqueArray(fc.tuple(fc.nat(4000), fc.constantFrom("point" as const, "dump" as const), fc.integer({ min: 0, max: 9 })), { selector: ([step]) => step, maxLength: 120 })
    .map((drawn) => drawn.map(([step, kind, luck]) => ({ id: pointIdAt(start + step * 2 * hour), kind, proved: luck === 0 })));
  const somePolicy = fc.record({ pointInTimeDays: fc.integer({ min: 1, max: 40 }), daily: fc.integer({ min: 1, max: 10 }), weekly: fc.nat(8), monthly: fc.nat(13) });
  const end = start + 4001 * 2 * hour;
  const newestOf = (all: readonly KeepablePoint[]) => [...all].sort((one, other) => timeOfPoint(one.id) - timeOfPoint(other.id)).at(-1);

  it("never removes the newest nor the newest proved of either kind, and forgets none", () => {
    fc.assert(
      fc.property(somePoints, somePolicy, fc.nat(1000), (all, anyPolicy, later) => {
        const { keep, remove } = keptPoints(all, anyPolicy, end + later * day);
        expect([...keep.keys(), ...remove].sort()).to.deep.equal(all.map(({ id }) => id).sort());
        for (const kind of ["point", "dump"]) {
          const ofKind = all.filter((point) => point.kind === kind);
          for (const wanted of [newestOf(ofKind), newestOf(ofKind.filter(({ proved }) => proved))]) if (wanted !== undefined) expect(remove).not.to.include(wanted.id);
        }
      }),
    );
  });

  it("removes nothing more because time passes", () => {
    fc.assert(
      fc.property(somePoints, somePolicy, fc.nat(1000), (all, anyPolicy, later) => {
        const left = all.filter(({ id }) => keptPoints(all, anyPolicy, end).keep.has(id));
        expect(keptPoints(left, anyPolicy, end + later * day).remove).to.deep.equal([]);
      }),
    );
  });

  it("removes nothing while any point lies in the future", () => {
    fc.assert(
      fc.property(somePoints.filter((all) => all.length > 0), somePolicy, fc.integer({ min: 61, max: 1e6 }), (all, anyPolicy, seconds) => {
        const now = Math.max(...all.map(({ id }) => timeOfPoint(id))) - seconds * 1000;
        expect(keptPoints(all, anyPolicy, now).remove).to.deep.equal([]);
      }),
    );
  });

  it("keeps what it would keep of all, when it prunes after each point", () => {
    fc.assert(
      fc.property(somePoints, somePolicy, (all, anyPolicy) => {
        const inOrder = all.map((point) => ({ ...point, proved: false })).sort((one, other) => timeOfPoint(one.id) - timeOfPoint(other.id));
        let left: KeepablePoint[] = [];
        for (const point of inOrder) {
          left.push(point);
          const { keep } = keptPoints(left, anyPolicy, timeOfPoint(point.id));
          left = left.filter(({ id }) => keep.has(id));
        }
        expect(left.map(({ id }) => id)).to.deep.equal(inOrder.map(({ id }) => id).filter((id) => keptPoints(inOrder, anyPolicy, end).keep.has(id)));
      }),
    );
  });

  it("keeps what any second of the window is restored from", () => {
    fc.assert(
      fc.property(somePoints, somePolicy, fc.double({ min: 0, max: 1, noNaN: true }), (all, anyPolicy, part) => {
        const ofKind = all.filter(({ kind }) => kind === "point");
        const newest = newestOf(ofKind);
        if (newest === undefined) return;
        const moment = timeOfPoint(newest.id) - part * anyPolicy.pointInTimeDays * day;
        const base = newestOf(ofKind.filter(({ id }) => timeOfPoint(id) <= moment));
        if (base !== undefined) expect(keptPoints(all, anyPolicy, end).keep.has(base.id)).to.equal(true);
      }),
    );
  });
});

describe("the number of full backups that stay", () => {
  const full = (label: string) => ({ label, full: label });
  const on = (label: string, begin: string) => ({ label: `${begin}_${label}`, full: begin });
  const [first, second, third] = ["20261101-001000F", "20261108-001000F", "20261115-001000F"] as const;
  const backups = [full(first), on("20261102-001000I", first), full(second), on("20261109-001000I", second), full(third)];
  const cases: [name: string, kept: string[], number: number][] = [
    ["is one when the newest is all that is needed", [third], 1],
    ["counts bad ones in between", [third, first], 3],
    ["is that of the chain an incremental backup builds on", [`${second}_20261109-001000I`], 2],
    ["does not ask for the order", [`${first}_20261102-001000I`, third], 3],
    ["is all while no point is kept", [], 3],
    ["is all while a kept point's backup is not in the repository", [third, "20260101-001000F"], 3],
  ];
  for (const [name, kept, number] of cases) it(name, () => expect(fullsToKeep([...backups].reverse(), new Set(kept))).to.equal(number));

  it("is one of nothing, which pgBackRest takes", () => expect(fullsToKeep([], new Set())).to.equal(1));

  it("keeps the chain of each kept label, whatever they are", () => {
    const chains = fc.array(fc.nat(3), { minLength: 1, maxLength: 12 }).map((counts) =>
      counts.flatMap((count, index) => {
        const begin = `202611${String(index + 1).padStart(2, "0")}-001000F`;
        return [full(begin), ...Array.from({ length: count }, (_, step) => on(`20261201-00000${step}I`, begin))];
      }),
    );
    fc.assert(
      fc.property(chains, fc.infiniteStream(fc.boolean()), (all, choices) => {
        const kept = all.filter(() => choices.next().value);
        const number = fullsToKeep(all, new Set(kept.map(({ label }) => label)));
        const fulls = [...new Set(all.map((backup) => backup.full))].sort().reverse();
        const left = new Set(fulls.slice(0, number));
        for (const backup of kept) expect(left.has(backup.full)).to.equal(true);
        // One fewer would lose one that is needed.
        if (kept.length > 0) expect(kept.some((backup) => backup.full === fulls[number - 1])).to.equal(true);
      }),
    );
  });
});

describe("pruning", () => {
  const now = Date.UTC(2026, 10, 21, 3, 50);
  const recent = now - 3 * hour;
  const jump = (ago: number, milliseconds: number) => ({ at: new Date(now - ago).toISOString(), milliseconds });
  const cases: [name: string, facts: Partial<PruneFacts>, allowed: boolean, reason: string][] = [
    ["is allowed with a good point", {}, true, "the newest good recovery point is of 2026-11-21T00:50:00.000Z"],
    ["is allowed with an old one: it removes nothing that is the newest", { newestPoint: now - 30 * day }, true, "2026-10-22T03:50:00.000Z"],
    ["is not allowed without a good point", { newestPoint: null }, false, "nothing is removed: there is no good recovery point"],
    ["is not allowed with a point in the future", { newestPoint: now + 61_000 }, false, "in the future by this clock (2026-11-21T03:50:00.000Z)"],
    ["is not allowed with a point in the future after a jump", { newestPoint: now + day, jump: jump(2 * day, day) }, false, "in the future"],
    ["is allowed with a point that is ahead by less than a minute", { newestPoint: now + 59_000 }, true, "2026-11-21T03:50:59.000Z"],
    ["is not allowed with a point a day old when nobody watched the clock", { newestPoint: now - day, unwatched: true }, false, "a new one has to be made first"],
    ["is allowed with a newer one when nobody watched the clock", { newestPoint: now - day + 1000, unwatched: true }, true, "2026-11-20T03:50:01.000Z"],
    ["is allowed after a night's sleep, with a new point", { jump: jump(hour, 9 * hour) }, true, "2026-11-21T00:50:00.000Z"],
    ["is not allowed after a night's sleep, with a point a day old", { newestPoint: now - day, jump: jump(hour, 9 * hour) }, false, "a new one has to be made first"],
    ["is not allowed after a jump ahead, though a point was made by the new time", { newestPoint: now - 1000, jump: jump(day - 1, day) }, false, "the clock jumped ahead by 24 hours; it is trusted again at 2026-11-21T03:50:00.001Z"],
    ["is not allowed after a jump back", { newestPoint: now - 1000, jump: jump(hour, -2 * hour) }, false, "the clock jumped back by 2 hours"],
    ["is allowed a day after a jump", { jump: jump(day, day) }, true, "2026-11-21T00:50:00.000Z"],
  ];
  for (const [name, facts, allowed, reason] of cases) {
    it(name, () => {
      const answer = mayPrune({ now, newestPoint: recent, jump: null, unwatched: false, ...facts });
      expect(answer.allowed).to.equal(allowed);
      expect(answer.reason).to.include(reason);
    });
  }
});
