import { expect } from "chai";
import type { FindingKind } from "../../../../domain/feedQuality";
import { Feed } from "../../../../services/feed/feed";
import type { MarketJudge } from "../../../../services/feed/judge";
import { Running } from "../../../../services/feed/running";
import { SourceChangedError } from "../../../../services/feed/resume";
import { silent } from "../shared/support";
import { FakeSource, Simulation } from "./simulation";
import { candleAt, hour, judgeAndBook, MemoryDatabase, settingsOf, start } from "./support";

const minute = 60_000;
/** The simulation begins ten minutes after this hour; the candle of the hour before is the newest closed one. */
const present = 400;
const settings = settingsOf({ source: { kind: "exchange", exchange: "binance" }, warmupBars: 50, speed: 1 });

interface Service {
  readonly feed: Feed;
  readonly driver: Running;
  readonly judge: MarketJudge;
  readonly running: Promise<void>;
  readonly controller: AbortController;
}

/** Hours of simulated time in looks of a second each. */
describe("feed of a running market", function () {
  this.timeout(60_000);
  let simulation: Simulation;
  let source: FakeSource;
  let database: MemoryDatabase;
  let services: Service[];

  beforeEach(() => {
    simulation = new Simulation();
    source = new FakeSource(simulation);
    database = new MemoryDatabase();
    services = [];
  });
  afterEach(() => Promise.all(services.map(stop)));

  /** Starts a feed and lets the first seconds pass. */
  async function startFeed(mode: "paper" | "live" = "paper"): Promise<Service> {
    const controller = new AbortController();
    const { signal } = controller;
    const { judge, book } = judgeAndBook(settings, database, signal, mode);
    const reader = {
      candles: async () => (await database.stored("")).slice(),
      wasTraded: (name: string, openTime: number) => database.wasTraded(name, openTime),
      hasPosition: () => database.hasPosition(),
    };
    const { clocks, wait } = simulation;
    const driver = new Running({ settings, source, judges: [judge], book, store: database, reader, clocks, wait, log: silent, signal });
    const feed = new Feed({ driver, judges: [judge], book, reader, acknowledgeDown: mode === "live", log: silent, signal });
    const running = feed.run();
    running.catch(() => undefined);
    const service = { feed, driver, judge, running, controller };
    services.push(service);
    await simulation.pass(2000);
    return service;
  }
  async function stop({ controller, running }: Service): Promise<void> {
    controller.abort();
    await running.catch(() => undefined);
  }
  const hours = () => database.table.map((row) => row.hours);
  const kinds = (): FindingKind[] => [...database.findings.values()].map(({ kind }) => kind);
  const finding = (kind: FindingKind) => [...database.findings.values()].find((found) => found.kind === kind);
  const rangeOf = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
  /** Until so long after the hour at which a candle closes. */
  const passTo = (hoursAfterStart: number, milliseconds: number) => simulation.pass(start + hoursAfterStart * hour + milliseconds - simulation.world);

  it("fetches the closed candles of the warm-up at the first start, page by page", async () => {
    const { feed, judge } = await startFeed();
    expect(hours()).to.deep.equal(rangeOf(350, 399));
    expect(database.sessions.map(({ session, replay }) => ({ ...session, replay }))).to.deep.equal([
      { warmupFrom: start + 350 * hour, tradeFrom: start + present * hour, replay: false },
    ]);
    expect(judge.quality.state).to.equal("HEALTHY");
    expect(feed.readiness()).to.deep.equal({ ready: true, reason: "BTCUSDT: candles arrive in order" });
  });

  it("takes each candle shortly after it has closed, and never before", async () => {
    await startFeed();
    await passTo(401, 0);
    expect(hours().at(-1)).to.equal(399);
    await passTo(401, 5000);
    expect(hours().at(-1)).to.equal(400);
    expect(database.candles.get(start + 400 * hour)).to.deep.include(candleAt(400));
    await passTo(405, 5000);
    expect(hours()).to.deep.equal(rangeOf(350, 404));
    expect(kinds()).to.deep.equal([]);
    expect(database.last?.state).to.equal("HEALTHY");
  });

  it("asks again every few seconds for a candle that is not there yet", async () => {
    const { judge } = await startFeed();
    source.delays.set(400, 60_000);
    await passTo(401, 58_000);
    expect(hours().at(-1)).to.equal(399);
    await passTo(401, 67_000);
    expect(hours().at(-1)).to.equal(400);
    expect(kinds()).to.deep.equal([]);
    expect(judge.quality.state).to.equal("HEALTHY");
  });

  it("is DEGRADED, then DOWN and not ready, while a candle is late", async () => {
    const { feed, judge } = await startFeed();
    source.delays.set(400, 20 * minute);
    await passTo(401, 100_000);
    expect([judge.quality.state, feed.readiness().ready]).to.deep.equal(["DEGRADED", true]);
    await passTo(401, 310_000);
    expect(judge.quality.state).to.equal("DOWN");
    expect(feed.readiness().ready).to.equal(false);
    expect(feed.readiness().reason).to.match(/^BTCUSDT: the candle of 2024-01-17T16:00:00.000Z is 3\d\d s late$/);
    await passTo(401, 21 * minute);
    expect(hours().at(-1)).to.equal(400);
    expect([judge.quality.state, feed.readiness().ready]).to.deep.equal(["DEGRADED", true]);
    await passTo(402, 5000);
    expect(judge.quality.state).to.equal("HEALTHY");
    // Before the warm-up there is nothing to trust.
    expect(database.states).to.deep.equal(["DOWN", "DEGRADED", "HEALTHY", "DEGRADED", "DOWN", "DEGRADED", "HEALTHY"]);
  });

  it("asks once more for a candle that is missing, and writes it in its place", async () => {
    await startFeed();
    source.missing.add(400);
    await passTo(402, 3000);
    expect(hours().at(-1)).to.equal(399);
    source.missing.delete(400);
    await passTo(402, 15_000);
    expect(hours().slice(-3)).to.deep.equal([399, 400, 401]);
    expect(kinds()).to.include.members(["gap", "backfilled"]);
    expect(kinds()).to.not.include("gap left open");
  });

  it("goes on without a candle that cannot be had, and repairs the gap when it can", async () => {
    const { judge } = await startFeed();
    source.missing.add(400);
    await passTo(402, minute);
    expect(hours().slice(-2)).to.deep.equal([399, 401]);
    expect(judge.quality.state).to.equal("DOWN");
    expect(kinds()).to.include("gap left open");
    source.missing.delete(400);
    await passTo(402, 20 * minute);
    expect(hours().slice(-3)).to.deep.equal([399, 400, 401]);
    expect(judge.quality.state).to.equal("DEGRADED");
    await passTo(403, 5000);
    expect(judge.quality.state).to.equal("HEALTHY");
  });

  it("is DOWN and not ready when the source does not answer, and catches up when it does", async () => {
    const { feed, judge } = await startFeed();
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
    expect(hours()).to.deep.equal(rangeOf(350, 402));
    expect(kinds()).to.not.include("gap");
    expect(judge.quality.measures["reconnectsPerHour"]).to.equal(1);
    await passTo(404, 5000);
    expect(judge.quality.state).to.equal("HEALTHY");
  });

  it("finds a candle that was revised, and that it was traded on", async () => {
    const { judge } = await startFeed();
    source.changes.set(399, { close: 101 });
    await passTo(401, 5000);
    expect(finding("revision")).to.deep.include({ severity: "DEGRADED", openTime: start + 399 * hour });
    expect(database.candles.get(start + 399 * hour)?.close).to.equal(100);
    database.traded = [start + 400 * hour];
    source.changes.set(400, { close: 99 });
    await passTo(402, 5000);
    expect([...database.findings.values()].filter(({ kind }) => kind === "revision").map(({ severity }) => severity)).to.deep.equal(["DEGRADED", "DEGRADED", "DOWN"]);
    expect(judge.quality.state).to.equal("DOWN");
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
      const { judge } = await startFeed();
      await simulation.pass(2 * minute);
      expect(judge.quality.state).to.equal(state);
      await passTo(402, 5000);
      expect(hours()).to.deep.equal(rangeOf(350, 401));
    });
  }

  it("sees that the wall clock was set while it ran", async () => {
    const { judge } = await startFeed();
    simulation.skew = 40_000;
    await simulation.pass(3000);
    expect(finding("clock jump")).to.deep.include({ severity: "DOWN" });
    expect(judge.quality.state).to.equal("DOWN");
  });

  it("asks at once after the machine slept, takes what it missed, and has to recover", async () => {
    const { judge } = await startFeed();
    simulation.sleep(5 * hour);
    await simulation.pass(3000);
    expect(hours()).to.deep.equal(rangeOf(350, 404));
    expect(finding("clock jump")?.details).to.include({ seconds: 18_000 });
    expect(judge.quality.state).to.equal("DEGRADED");
    expect(database.table.slice(-5).map(({ state }) => state)).to.not.include("HEALTHY");
    await passTo(406, 5000);
    expect(judge.quality.state).to.equal("HEALTHY");
  });

  it("tries again when the source cannot be reached at the first start, and says why it is not ready", async () => {
    source.outage = "no such host";
    const { feed } = await startFeed();
    expect(feed.readiness()).to.deep.equal({ ready: false, reason: "no such host" });
    expect(database.candles.size).to.equal(0);
    source.outage = undefined;
    await simulation.pass(10_000);
    expect(feed.readiness().ready).to.equal(true);
    expect(hours()).to.deep.equal(rangeOf(350, 399));
  });

  it("waits for a source that lacks the warm-up", async () => {
    for (let bar = 0; bar < 380; bar++) source.missing.add(bar);
    const { feed } = await startFeed();
    expect(feed.readiness()).to.deep.equal({ ready: false, reason: "test gives 20 of the 50 candles of BTCUSDT for the warm-up" });
    expect(database.sessions).to.deep.equal([]);
  });

  describe("that is started again", () => {
    it("goes on with its session after what is stored, with the state it had when it was away for seconds", async () => {
      const first = await startFeed();
      await passTo(401, -5000);
      await stop(first);
      await simulation.pass(20_000);
      database.age(20);
      const { judge } = await startFeed();
      expect(hours()).to.deep.equal(rangeOf(350, 400));
      expect(database.sessions).to.have.length(1);
      expect(source.asked.at(-1)).to.deep.include({ from: 379 });
      expect(judge.quality.state).to.equal("HEALTHY");
    });

    it("has to recover when it was away for longer", async () => {
      await stop(await startFeed());
      await simulation.pass(3 * hour);
      database.age(10_800);
      const { judge } = await startFeed();
      expect(hours()).to.deep.equal(rangeOf(350, 402));
      expect([judge.quality.state, judge.quality.reason]).to.deep.equal(["DEGRADED", "recovering: 0 of 1 clean candles"]);
      await passTo(404, 5000);
      expect(judge.quality.state).to.equal("HEALTHY");
    });

    it("is no way around an acknowledgement", async () => {
      database.position = true;
      const first = await startFeed("live");
      source.outage = "away";
      await simulation.pass(10 * minute);
      await first.feed.lookAtPositions();
      source.outage = undefined;
      await simulation.pass(minute);
      await stop(first);
      database.age(5);
      const { judge, feed } = await startFeed("live");
      await passTo(406, 5000);
      expect(judge.quality.state).to.equal("DEGRADED");
      expect(judge.quality.reason).to.include("to be acknowledged");
      expect(await feed.acknowledge("owner", "BTCUSDT")).to.deep.equal(["BTCUSDT"]);
      expect(judge.quality.state).to.equal("HEALTHY");
      expect(finding("acknowledged")?.details).to.include({ by: "owner" });
    });

    it("refuses a source in which every candle is another one", async () => {
      await stop(await startFeed());
      for (let bar = 300; bar < 500; bar++) source.changes.set(bar, { close: 95 });
      const { running } = await startFeed();
      const error = await running.catch((caught: unknown) => caught);
      expect(error).to.be.instanceOf(SourceChangedError);
      expect((error as Error).message).to.include('"test" gives other values for each of the last 21 candles of BTCUSDT');
    });
  });

  it("needs no acknowledgement in paper, nor in live without a position", async () => {
    for (const mode of ["paper", "live"] as const) {
      database = new MemoryDatabase();
      database.position = mode === "paper";
      const { feed, judge } = await startFeed(mode);
      source.outage = "away";
      await simulation.pass(10 * minute);
      await feed.lookAtPositions();
      expect(judge.quality.state).to.equal("DOWN");
      source.outage = undefined;
      await simulation.pass(4 * hour);
      expect(judge.quality.state).to.equal("HEALTHY");
    }
  });

  it("says that it stopped, and takes the lease back", async () => {
    const service = await startFeed();
    await stop(service);
    expect(database.last).to.deep.include({ state: "DOWN", reason: "feed stopped", lease: "withdraw" });
    expect(database.last?.measures).to.include({ judged: "HEALTHY" });
  });
});
