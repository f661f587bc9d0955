import { expect } from "chai";
import type { FindingKind } from "../../../../domain/feedQuality";
import { SourceChangedError } from "../../../../services/feed/resume";
import { present, rangeOf, RunningRig } from "./runningRig";
import type { FakeSource, Simulation } from "./simulation";
import { candleAt, hour, MemoryDatabase, start } from "./support";

const minute = 60_000;

/** Hours of simulated time in looks of a second each. */
describe("feed of a running market", function () {
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

  const finding = (kind: FindingKind) => [...database.findings.values()].find((found) => found.kind === kind);
  const revisions = () => [...database.findings.values()].filter(({ kind }) => kind === "revision").map(({ severity }) => severity);

  it("fetches the closed candles of the warm-up at the first start, page by page", async () => {
    const { feed, judge } = await rig.start();
    expect(rig.hours).to.deep.equal(rangeOf(350, 399));
    expect(database.sessions.map(({ session, replay }) => ({ ...session, replay }))).to.deep.equal([
      { warmupFrom: start + 350 * hour, tradeFrom: start + present * hour, replay: false },
    ]);
    expect(judge.quality.state).to.equal("HEALTHY");
    expect(feed.readiness()).to.deep.equal({ ready: true, reason: "BTCUSDT: candles arrive in order" });
  });

  it("is starting as long as the source gives no history, running with its first verdict, and stopped at its end", async () => {
    source.outage = "no route";
    const service = await rig.start();
    await service.feed.acknowledge("the test");
    expect(database.last?.phase).to.equal("starting");
    source.outage = undefined;
    await simulation.pass(10_000);
    expect(database.last).to.deep.include({ phase: "running", state: "HEALTHY" });
    await rig.stop(service);
    expect(database.last?.phase).to.equal("stopped");
  });

  it("takes each candle shortly after it has closed, and never before", async () => {
    await rig.start();
    await rig.passTo(401, 0);
    expect(rig.hours.at(-1)).to.equal(399);
    await rig.passTo(401, 5000);
    expect(rig.hours.at(-1)).to.equal(400);
    expect(database.candles.get(start + 400 * hour)).to.deep.include(candleAt(400));
    await rig.passTo(405, 5000);
    expect(rig.hours).to.deep.equal(rangeOf(350, 404));
    expect(rig.kinds).to.deep.equal([]);
    expect(database.last?.state).to.equal("HEALTHY");
  });

  it("asks again every few seconds for a candle that is not there yet", async () => {
    const { judge } = await rig.start();
    source.delays.set(400, 60_000);
    await rig.passTo(401, 58_000);
    expect(rig.hours.at(-1)).to.equal(399);
    await rig.passTo(401, 67_000);
    expect(rig.hours.at(-1)).to.equal(400);
    expect(rig.kinds).to.deep.equal([]);
    expect(judge.quality.state).to.equal("HEALTHY");
  });

  it("is DEGRADED, then DOWN and not ready, while a candle is late", async () => {
    const { feed, judge } = await rig.start();
    source.delays.set(400, 20 * minute);
    await rig.passTo(401, 100_000);
    expect([judge.quality.state, feed.readiness().ready]).to.deep.equal(["DEGRADED", true]);
    await rig.passTo(401, 310_000);
    expect(judge.quality.state).to.equal("DOWN");
    expect(feed.readiness().ready).to.equal(false);
    expect(feed.readiness().reason).to.match(/^BTCUSDT: the candle of 2024-01-17T16:00:00.000Z is 3\d\d s late$/);
    await rig.passTo(401, 21 * minute);
    expect(rig.hours.at(-1)).to.equal(400);
    expect([judge.quality.state, feed.readiness().ready]).to.deep.equal(["DEGRADED", true]);
    await rig.passTo(402, 5000);
    expect(judge.quality.state).to.equal("HEALTHY");
    // Before the warm-up there is nothing to trust.
    expect(database.states).to.deep.equal(["DOWN", "DEGRADED", "HEALTHY", "DEGRADED", "DOWN", "DEGRADED", "HEALTHY"]);
  });

  it("asks once more for a candle that is missing, and writes it in its place", async () => {
    await rig.start();
    source.missing.add(400);
    await rig.passTo(402, 3000);
    expect(rig.hours.at(-1)).to.equal(399);
    source.missing.delete(400);
    await rig.passTo(402, 15_000);
    expect(rig.hours.slice(-3)).to.deep.equal([399, 400, 401]);
    expect(rig.kinds).to.include.members(["gap", "backfilled"]);
    expect(rig.kinds).to.not.include("gap left open");
  });

  it("goes on without a candle that cannot be had, and repairs the gap when it can", async () => {
    const { judge } = await rig.start();
    source.missing.add(400);
    await rig.passTo(402, minute);
    expect(rig.hours.slice(-2)).to.deep.equal([399, 401]);
    expect(judge.quality.state).to.equal("DOWN");
    expect(rig.kinds).to.include("gap left open");
    source.missing.delete(400);
    await rig.passTo(402, 20 * minute);
    expect(rig.hours.slice(-3)).to.deep.equal([399, 400, 401]);
    expect(judge.quality.state).to.equal("DEGRADED");
    await rig.passTo(403, 5000);
    expect(judge.quality.state).to.equal("HEALTHY");
  });

  it("is DOWN and not ready when the source does not answer, and catches up when it does", async () => {
    const { feed, judge } = await rig.start();
    source.outage = "no route to the exchange";
    await simulation.pass(90_000);
    expect(judge.quality.state).to.equal("DEGRADED");
    expect(feed.readiness()).to.deep.include({ ready: true });
    expect(feed.readiness().reason).to.include("no route to the exchange");
    await simulation.pass(3 * hour);
    expect(feed.readiness()).to.deep.equal({ ready: false, reason: "no route to the exchange" });
    expect(judge.quality.state).to.equal("DOWN");
    expect(database.last).to.deep.include({ state: "DOWN", lease: "withdraw" });
    source.outage = undefined;
    await simulation.pass(20_000);
    expect(rig.hours).to.deep.equal(rangeOf(350, 402));
    expect(rig.kinds).to.not.include("gap");
    expect(judge.quality.measures["reconnectsPerHour"]).to.equal(1);
    await rig.passTo(404, 5000);
    expect(judge.quality.state).to.equal("HEALTHY");
  });

  it("finds a candle that was revised, and that it was traded on", async () => {
    const { judge } = await rig.start();
    source.changes.set(399, { close: 101 });
    await rig.passTo(401, 5000);
    expect(finding("revision")).to.deep.include({ severity: "DEGRADED", openTime: start + 399 * hour });
    expect(database.candles.get(start + 399 * hour)?.close).to.equal(100);
    database.traded = [start + 400 * hour];
    source.changes.set(400, { close: 99 });
    await rig.passTo(402, 5000);
    expect(revisions()).to.deep.equal(["DEGRADED", "DEGRADED", "DOWN"]);
    expect(judge.quality.state).to.equal("DOWN");
  });

  it("shows nobody the candle that comes with such a revision as one to be traded on", async () => {
    await rig.start();
    await rig.passTo(401, 5000);
    database.traded = [start + 400 * hour];
    source.changes.set(400, { close: 99 });
    rig.questionMilliseconds = 1500;
    const told: string[] = [];
    database.written = () => told.push(`${database.table.at(-1)?.hours} ${database.last?.state}`);
    await rig.passTo(402, 5000);
    expect(told).to.include("401 DOWN");
    expect(told).to.not.include("401 HEALTHY");
  });

  it("tries again when the source cannot be reached at the first start, and says why it is not ready", async () => {
    source.outage = "no such host";
    const { feed } = await rig.start();
    expect(feed.readiness()).to.deep.equal({ ready: false, reason: "no such host" });
    expect(database.candles.size).to.equal(0);
    source.outage = undefined;
    await simulation.pass(10_000);
    expect(feed.readiness().ready).to.equal(true);
    expect(rig.hours).to.deep.equal(rangeOf(350, 399));
  });

  it("waits for a source that lacks the warm-up", async () => {
    for (let bar = 0; bar < 380; bar++) source.missing.add(bar);
    const { feed } = await rig.start();
    expect(feed.readiness()).to.deep.equal({ ready: false, reason: "test gives 20 of the 50 candles of BTCUSDT for the warm-up" });
    expect(database.sessions).to.deep.equal([]);
  });

  describe("that is started again", () => {
    it("goes on with its session after what is stored, with the state it had when it was away for seconds", async () => {
      const first = await rig.start();
      await rig.passTo(401, -5000);
      await rig.stop(first);
      await simulation.pass(20_000);
      database.age(20);
      const { judge } = await rig.start();
      expect(rig.hours).to.deep.equal(rangeOf(350, 400));
      expect(database.sessions).to.have.length(1);
      expect(source.asked.at(-1)).to.deep.include({ from: 379 });
      expect(judge.quality.state).to.equal("HEALTHY");
    });

    it("finds what was revised and traded on while it was away, and does not find it again at the next start", async () => {
      const first = await rig.start();
      await rig.passTo(403, 5000);
      await rig.stop(first);
      source.changes.set(401, { close: 99 });
      database.traded = [start + 401 * hour];
      const second = await rig.start();
      expect(revisions()).to.deep.equal(["DEGRADED", "DOWN"]);
      expect([second.judge.quality.state, second.judge.quality.reason]).to.deep.equal(["DOWN", "candle of 2024-01-17 17:00 UTC was revised after it was traded on"]);
      await rig.stop(second);
      const third = await rig.start();
      expect(third.judge.quality.state).to.equal("DEGRADED");
      expect(revisions()).to.have.length(2);
    });

    it("has to recover when it was away for longer", async () => {
      await rig.stop(await rig.start());
      await simulation.pass(3 * hour);
      database.age(10_800);
      const { judge } = await rig.start();
      expect(rig.hours).to.deep.equal(rangeOf(350, 402));
      expect([judge.quality.state, judge.quality.reason]).to.deep.equal(["DEGRADED", "recovering: 0 of 1 clean candles"]);
      await rig.passTo(404, 5000);
      expect(judge.quality.state).to.equal("HEALTHY");
    });

    it("is no way around an acknowledgement", async () => {
      database.position = true;
      const first = await rig.start("live");
      source.outage = "away";
      await simulation.pass(10 * minute);
      source.outage = undefined;
      await simulation.pass(minute);
      await rig.stop(first);
      database.age(5);
      const { judge, feed } = await rig.start("live");
      await rig.passTo(406, 5000);
      expect(judge.quality.state).to.equal("DEGRADED");
      expect(judge.quality.reason).to.include("to be acknowledged");
      expect(await feed.acknowledge("owner", "BTCUSDT")).to.deep.equal(["BTCUSDT"]);
      expect(judge.quality.state).to.equal("HEALTHY");
      expect(finding("acknowledged")?.details).to.include({ by: "owner" });
    });

    it("refuses a source in which every candle is another one", async () => {
      await rig.stop(await rig.start());
      for (let bar = 300; bar < 500; bar++) source.changes.set(bar, { close: 95 });
      const { running } = await rig.start();
      const error = await running.catch((caught: unknown) => caught);
      expect(error).to.be.instanceOf(SourceChangedError);
      expect((error as Error).message).to.include('"test" gives other values for each of the last 21 candles of BTCUSDT');
    });
  });

  it("is to be acknowledged when the very candle that makes it DOWN closes the position", async () => {
    const { judge } = await rig.start("live");
    database.position = true;
    // The broker works the candle as soon as it is written.
    database.written = (candles) => void (database.position &&= candles === 0);
    source.changes.set(400, { close: 70, low: 70 });
    await rig.passTo(401, 5000);
    expect(database.position).to.equal(false);
    const what = "close of 2024-01-17 16:00 UTC moved by -30 % (limit 25 %)";
    expect(database.last).to.deep.include({ state: "DOWN" });
    expect(database.last?.measures).to.include({ unacknowledged: what });
    source.changes.set(401, { open: 70, close: 70, low: 70 });
    await rig.passTo(402, 5000);
    expect(judge.quality.measures["unacknowledged"]).to.equal(what);
  });

  it("needs no acknowledgement in paper, nor in live without a position", async () => {
    for (const mode of ["paper", "live"] as const) {
      database = rig.database = new MemoryDatabase();
      database.position = mode === "paper";
      const { judge } = await rig.start(mode);
      source.outage = "away";
      await simulation.pass(10 * minute);
      expect(judge.quality.state).to.equal("DOWN");
      source.outage = undefined;
      await simulation.pass(4 * hour);
      expect(judge.quality.state).to.equal("HEALTHY");
    }
  });

  it("says that it stopped, and takes the lease back", async () => {
    const service = await rig.start();
    await rig.stop(service);
    expect(database.last).to.deep.include({ state: "DOWN", reason: "feed stopped", lease: "withdraw" });
    expect(database.last?.measures).to.include({ judged: "HEALTHY" });
  });
});
