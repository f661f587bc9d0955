import { expect } from "chai";
import type { FindingKind } from "../../../../domain/feedQuality";
import { rangeOf, RunningRig } from "./runningRig";
import type { FakeSource, Simulation } from "./simulation";
import { candleAt, hour, start, type MemoryDatabase } from "./support";

const minute = 60_000;

/** The clocks of the source, of this machine, and one that stands still while it sleeps. */
describe("feed of a running market: clocks", function () {
  this.timeout(60_000);
  let rig: RunningRig;
  let simulation: Simulation;
  let source: FakeSource;
  let database: MemoryDatabase;

  beforeEach(() => {
    rig = new RunningRig();
    ({ simulation, source, database } = rig);
  });
  afterEach(() => rig.end());

  const details = (kind: FindingKind) => [...database.findings.values()].filter((found) => found.kind === kind).map((found) => found.details);
  /** That each candle was written as it was when it had closed. */
  const expectFinal = (last: number): void => {
    expect(rig.hours).to.deep.equal(rangeOf(350, last));
    for (const [openTime, { volume }] of database.candles) expect(volume).to.equal(candleAt((openTime - start) / hour).volume);
  };

  const wrong: { title: string; milliseconds: number[] }[] = [
    { title: "once an hour ahead", milliseconds: [hour] },
    { title: "twice an hour ahead", milliseconds: [hour, hour] },
    { title: "once an hour behind", milliseconds: [-hour] },
    { title: "once three seconds ahead", milliseconds: [3000] },
    { title: "wrong every other time", milliseconds: [5 * hour, 0, hour, 0] },
  ];
  for (const { title, milliseconds } of wrong) {
    it(`takes no candle that still trades when the source tells its time ${title}`, async () => {
      const { judge } = await rig.start();
      await rig.passTo(401, -2 * minute);
      source.wrongTimes = [...milliseconds];
      await rig.passTo(401, -1000);
      expect(source.wrongTimes).to.deep.equal([]);
      expect(rig.hours.at(-1)).to.equal(399);
      await rig.passTo(401, 30_000);
      expectFinal(400);
      expect(rig.kinds).to.deep.equal([]);
      await rig.passTo(402, 5000);
      expectFinal(401);
      expect(judge.quality.state).to.equal("HEALTHY");
    });
  }

  it("takes none at the start either", async () => {
    source.wrongTimes = [hour];
    await rig.start();
    expectFinal(399);
    await rig.passTo(401, 5000);
    expectFinal(400);
  });

  const skews: { milliseconds: number; state: string }[] = [
    { milliseconds: 400, state: "HEALTHY" },
    { milliseconds: -700, state: "DEGRADED" },
    { milliseconds: hour, state: "DOWN" },
    { milliseconds: -hour, state: "DOWN" },
  ];
  for (const { milliseconds, state } of skews) {
    it(`is ${state} with a local clock ${milliseconds} ms off, and takes the same candles`, async () => {
      simulation.skew = milliseconds;
      const { judge } = await rig.start();
      await simulation.pass(2 * minute);
      expect(judge.quality.state).to.equal(state);
      await rig.passTo(402, 5000);
      expectFinal(401);
    });
  }

  for (const milliseconds of [40_000, hour, -hour]) {
    it(`lets no entry through from the second on in which the wall clock is set by ${milliseconds / 1000} s, and recovers when it is right again`, async () => {
      const { judge } = await rig.start();
      expect(database.last).to.deep.include({ state: "HEALTHY", lease: "renew" });
      simulation.skew = milliseconds;
      await simulation.pass(3000);
      expect(details("clock jump")).to.have.length(1);
      expect(database.last).to.deep.include({ state: "DOWN", lease: "withdraw" });
      // A candle ends the jump, but then the clocks have long been found to differ.
      await rig.passTo(403, 5000);
      expect(judge.quality.reason).to.match(/^local clock is \d+ ms (ahead of|behind) the source's/);
      expect(database.last).to.deep.include({ state: "DOWN", lease: "withdraw" });
      simulation.skew = 0;
      await rig.passTo(405, 5000);
      expectFinal(404);
      expect(database.last).to.deep.include({ state: "HEALTHY", lease: "renew" });
      expect(database.table.filter(({ hours }) => hours > 399).map(({ state }) => state)).to.deep.equal(["DOWN", "DOWN", "DOWN", "HEALTHY", "HEALTHY"]);
    });
  }

  it("stays DOWN when a candle closes seconds after the wall clock was set", async () => {
    await rig.start();
    await rig.passTo(401, -5000);
    simulation.skew = hour;
    await rig.passTo(401, 5000);
    expectFinal(400);
    expect(database.last).to.deep.include({ state: "DOWN", lease: "withdraw" });
  });

  for (const skew of [0, hour]) {
    it(`asks at once after the machine slept, takes what it missed, and has to recover; local clock ${skew / 1000} s ahead`, async () => {
      simulation.skew = skew;
      const { judge } = await rig.start();
      await simulation.pass(3 * minute);
      simulation.sleep(5 * hour);
      await simulation.pass(3000);
      expect(details("clock jump")[0]).to.include({ seconds: 18_000 });
      expect(database.last).to.deep.include({ state: skew === 0 ? "DEGRADED" : "DOWN", lease: "withdraw" });
      // Where its own clock bears the source's out, at once.
      if (skew === 0) expectFinal(404);
      await simulation.pass(2 * minute);
      expectFinal(404);
      expect(database.table.slice(-5).map(({ state }) => state)).to.not.include("HEALTHY");
      await rig.passTo(406, 5000);
      expectFinal(405);
      expect(judge.quality.state).to.equal(skew === 0 ? "HEALTHY" : "DOWN");
    });
  }
});
