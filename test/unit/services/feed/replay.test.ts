import { expect } from "chai";
import type { FeedFinding } from "../../../../domain/feedQuality";
import type { Fault } from "../../../../domain/faultScript";
import { Pacing } from "../../../../services/feed/pacing";
import { Replay } from "../../../../services/feed/replay";
import { syntheticSource, type ReplaySource } from "../../../../services/feed/replaySource";
import { SourceChangedError } from "../../../../services/feed/resume";
import type { FeedSettings } from "../../../../services/feed/settings";
import { wait } from "../../../../services/feed/wait";
import { silent } from "../shared/support";
import { candleAt, hour, judgeAndBook, MemoryDatabase, settingsOf, sourceOf, start, symbol } from "./support";

interface Run {
  readonly running: Promise<void>;
  readonly controller: AbortController;
  readonly replay: Replay;
  readonly book: ReturnType<typeof judgeAndBook>["book"];
}

describe("replay", function () {
  this.timeout(60_000);
  let runs: Run[];
  beforeEach(() => (runs = []));
  afterEach(() => Promise.all(runs.map(end)));

  /** A write in progress is given up, which is how a run ends. */
  async function end({ controller, running }: Run): Promise<void> {
    controller.abort();
    await running.catch(() => undefined);
  }

  function play(database: MemoryDatabase, source: ReplaySource, settings: FeedSettings = settingsOf(), pacing = new Pacing(settings.speed)): Run {
    const controller = new AbortController();
    const { signal } = controller;
    const { judge, book } = judgeAndBook(settings, database, signal);
    const replay = new Replay({ settings, source, judges: [judge], book, store: database, reader: database, pacing, wait, log: silent, signal });
    const running = replay.run();
    running.catch(() => undefined);
    const run = { running, controller, replay, book };
    runs.push(run);
    return run;
  }
  /** Resolves when something that is true of the database has come true, looked at after each write. */
  const until = (database: MemoryDatabase, check: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const before = database.written;
      database.written = (count) => {
        before(count);
        if (check()) resolve();
      };
    });
  const recorded = [0, 1, 2, 3, 4].map((hours) => candleAt(hours));

  it("writes all candles once and in order, then says that the recording ended", async () => {
    const database = new MemoryDatabase();
    const { replay } = play(database, sourceOf(recorded));
    expect(replay.readiness).to.deep.equal({ ready: false, reason: "the session is not open yet" });
    await until(database, () => database.last?.reason === "recording ended");
    expect(database.table).to.deep.equal([
      { hours: 0, state: "DEGRADED" },
      ...[1, 2, 3, 4].map((hours) => ({ hours, state: "HEALTHY" })),
    ]);
    expect(database.sessions.map(({ session, replay: replayed }) => ({ ...session, replayed }))).to.deep.equal([
      { warmupFrom: start, tradeFrom: start + 2 * hour, replayed: true },
    ]);
    expect(database.last).to.deep.include({ symbol, state: "DOWN", lease: "leave", phase: "ended", lastOpenTime: start + 4 * hour });
    expect(replay.readiness.ready).to.equal(true);
  });

  it("keeps the lease of an ended recording while bots work through it", async () => {
    const database = new MemoryDatabase();
    database.awaited = true;
    play(database, sourceOf(recorded));
    await until(database, () => database.last?.reason === "recording written to its end, bots have yet to work through it");
    expect(database.last).to.deep.include({ state: "HEALTHY", lease: "renew", phase: "running" });
  });

  it("is starting until its warm-up is written, and never running in it", async () => {
    const database = new MemoryDatabase();
    play(database, sourceOf(recorded), settingsOf({ speed: 1 }), new Pacing(1, () => 0));
    await until(database, () => database.last?.phase === "running");
    expect(database.candles.size, "the warm-up alone is there").to.equal(2);
    expect(database.told.map(({ phase }) => phase).indexOf("running")).to.equal(database.told.findIndex(({ lastOpenTime }) => lastOpenTime === start + hour));
  });

  it("goes on after what is stored", async () => {
    const database = new MemoryDatabase();
    const first = play(database, sourceOf(recorded.slice(0, 4)));
    await until(database, () => database.last?.reason === "recording ended");
    await end(first);
    let written = 0;
    database.written = (count) => (written += count);
    play(database, sourceOf(recorded));
    await until(database, () => database.last?.reason === "recording ended" && written > 0);
    expect(written).to.equal(1);
    expect(database.sessions).to.have.length(1);
  });

  it("tells its state at once when it goes on, though nothing is due yet", async () => {
    const database = new MemoryDatabase();
    const settings = settingsOf({ speed: 1 });
    const frozen = () => new Pacing(1, () => 0);
    const first = play(database, sourceOf(recorded), settings, frozen());
    await until(database, () => database.last?.state === "HEALTHY");
    await end(first);
    await first.book.close();
    expect(database.last).to.deep.include({ state: "DOWN", reason: "feed stopped" });
    const told = until(database, () => database.last?.state === "HEALTHY");
    play(database, sourceOf(recorded), settings, frozen());
    await told;
    expect(database.candles.size).to.equal(2);
  });

  it("refuses to mix sources", async () => {
    const database = new MemoryDatabase("other");
    database.candles.set(start, { ...candleAt(0), source: "other", feedState: "HEALTHY" });
    const error = await play(database, sourceOf(recorded)).running.catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(SourceChangedError);
    expect(database.candles.size).to.equal(1);
  });

  it("writes the warm-up at once and the rest when it is due", async () => {
    let clock = 0;
    const database = new MemoryDatabase();
    // One hour of the market in 20 ms of the wall clock, which here stands still until it is moved.
    const speed = hour / 20;
    const hoursOf = () => database.table.map(({ hours }) => hours);
    const warm = until(database, () => hoursOf().length === 2);
    const { replay } = play(database, sourceOf(recorded), settingsOf({ speed }), new Pacing(speed, () => clock));
    await warm;
    expect(hoursOf()).to.deep.equal([0, 1]);
    const next = until(database, () => hoursOf().length > 2);
    clock = 20;
    await next;
    expect(hoursOf()).to.deep.equal([0, 1, 2]);
    expect(replay.readiness.ready).to.equal(true);
    const both = until(database, () => hoursOf().length > 3);
    clock = 60;
    await both;
    expect(hoursOf()).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it("writes again what a lost connection did not let through, and says so meanwhile", async () => {
    const database = new MemoryDatabase();
    database.failures = [Object.assign(new Error("no route"), { code: "ECONNREFUSED" })];
    const refused = new Promise<void>((resolve) => (database.refused = resolve));
    const { book } = play(database, sourceOf(recorded));
    await refused;
    expect(book.trouble).to.equal("database: no route");
    await until(database, () => database.last?.reason === "recording ended");
    expect(database.candles.size).to.equal(5);
    expect(book.trouble).to.equal(undefined);
  });

  describe("of a synthetic market with faults", () => {
    const faults: Fault[] = [
      { kind: "gap", bar: 10, bars: 1, backfill: true },
      { kind: "outOfOrder", bar: 14 },
      { kind: "revision", bar: 18, fraction: 0.01 },
      { kind: "duplicate", bar: 20, count: 2 },
      { kind: "jump", bar: 24, fraction: 0.4 },
      { kind: "clockSkew", bar: 28, bars: 2, milliseconds: 5000 },
      { kind: "reconnectStorm", bar: 34, count: 12 },
      { kind: "flat", bar: 38, bars: 3 },
      { kind: "stale", bar: 44, seconds: 20_000 },
      { kind: "gap", bar: 56, bars: 2, backfill: false },
    ];
    const bars = 70;

    /** A synthetic market that ends. */
    function market(script: readonly Fault[]): ReplaySource {
      const source = syntheticSource({ seed: 3, startTime: new Date(start).toISOString(), faults: script }, [symbol], "1h", 4);
      return { ...source, identity: "test", slots: bars };
    }
    const settings = settingsOf({ warmupBars: 4, speed: 720, quality: { gapWindowCandles: 4 } });

    /** The clock stands where everything is due. */
    const atOnce = () => {
      let clock = 0;
      return new Pacing(settings.speed, () => (clock += 1e9));
    };

    async function unbroken(script: readonly Fault[]): Promise<MemoryDatabase> {
      const database = new MemoryDatabase();
      const done = until(database, () => database.last?.reason === "recording ended");
      const run = play(database, market(script), settings, atOnce());
      await done;
      await end(run);
      return database;
    }
    const kinds = (database: MemoryDatabase) => [...database.findings.values()].map(({ kind }: FeedFinding) => kind);

    it("finds each of them, and writes every candle that can be had", async () => {
      const database = await unbroken(faults);
      const missing = [56, 57];
      expect(database.table.map(({ hours }) => hours)).to.deep.equal([...Array(bars).keys()].filter((bar) => !missing.includes(bar)));
      expect(kinds(database)).to.include.members([
        ...["gap", "backfilled", "revision", "duplicate", "jump", "clock skew", "reconnects", "flat", "silence", "late", "gap left open"],
      ]);
    });

    const afterwards: { fault: Fault; bar: number; state: string }[] = [
      { fault: { kind: "jump", bar: 24, fraction: 0.15 }, bar: 24, state: "DEGRADED" },
      { fault: { kind: "jump", bar: 24, fraction: 0.4 }, bar: 24, state: "DOWN" },
      { fault: { kind: "flat", bar: 24, bars: 3 }, bar: 26, state: "DEGRADED" },
      { fault: { kind: "gap", bar: 24, bars: 1, backfill: false }, bar: 25, state: "DOWN" },
      { fault: { kind: "duplicate", bar: 24, count: 3 }, bar: 24, state: "HEALTHY" },
    ];
    for (const { fault, bar, state } of afterwards) {
      it(`is ${state} with candle ${bar} after ${JSON.stringify(fault)}`, async () => {
        const { table } = await unbroken([fault]);
        expect(table.find(({ hours }) => hours === bar)?.state).to.equal(state);
        expect(table.at(-1)?.state).to.equal("HEALTHY");
      });
    }

    it("is DEGRADED and then DOWN while the source is stale, and says so before the candle comes", async () => {
      const database = await unbroken([{ kind: "stale", bar: 44, seconds: 20_000 }]);
      expect(database.states).to.include.members(["HEALTHY", "DEGRADED", "DOWN"]);
      const silence = [...database.findings.values()].find(({ kind, severity }) => kind === "silence" && severity === "DOWN");
      expect(silence?.details).to.include({ lastCandle: new Date(start + 43 * hour).toISOString() });
    });

    for (const after of [5, 7, 9, 11, 15, 19, 25, 30, 35, 41, 45, 52, 57, 60]) {
      it(`gives the same candles, states and findings when it is killed after ${after} of them`, async () => {
        const whole = await unbroken(faults);
        const database = new MemoryDatabase();
        const controller = new AbortController();
        const { signal } = controller;
        const { judge, book } = judgeAndBook(settings, database, signal);
        const killed = new Error("killed");
        let count = 0;
        // Nothing is written from there on, the last word included.
        const write = database.write.bind(database);
        database.write = async (outputs, states) => {
          count += outputs.reduce((sum, { candles }) => sum + candles.length, 0);
          if (count > after) throw killed;
          return write(outputs, states);
        };
        let clock = 0;
        const pacing = new Pacing(settings.speed, () => clock);
        const passTime = async (milliseconds: number) => void (clock += milliseconds);
        const replay = new Replay({ settings, source: market(faults), judges: [judge], book, store: database, reader: database, pacing, wait: passTime, log: silent, signal });
        expect(await replay.run().catch((error: unknown) => error)).to.equal(killed);
        expect(database.candles.size).to.be.greaterThan(0).and.below(bars);
        database.write = write;
        const done = until(database, () => database.last?.reason === "recording ended");
        play(database, market(faults), settings, atOnce());
        await done;
        expect(database.table).to.deep.equal(whole.table);
        expect([...database.findings.keys()].sort()).to.deep.equal([...whole.findings.keys()].sort());
      });
    }
  });
});
