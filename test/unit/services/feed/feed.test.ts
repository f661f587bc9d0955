import { expect } from "chai";
import { EventEmitter, once } from "node:events";
import { Feed, type FeedParts } from "../../../../services/feed/feed";
import { Pacing } from "../../../../services/feed/pacing";
import { SourceChangedError, type StoredCandles } from "../../../../services/feed/resume";
import type { FeedSettings } from "../../../../services/feed/settings";
import type { CandleSource } from "../../../../services/feed/source";
import type { SymbolState } from "../../../../services/feed/store";
import { silent } from "../shared/support";
import { candleAt, hour, sourceOf, start } from "./support";

const settings: FeedSettings = {
  source: { kind: "recording", file: "candles.csv", symbol: "BTC" },
  symbols: ["BTC"],
  interval: "1h",
  warmupBars: 2,
  speed: "maximum",
};

/** A database in memory that notes what the feed does to it. */
class FakeStore extends EventEmitter {
  readonly written: number[][] = [];
  readonly findings: string[] = [];
  readonly told: SymbolState[] = [];
  sessions: { warmupFrom: number; tradeFrom: number }[] = [];
  awaited = false;
  failures: Error[] = [];
  constructor(private readonly held = new Map<string, StoredCandles>()) {
    super();
  }
  async stored(): Promise<Map<string, StoredCandles>> {
    return this.held;
  }
  async openSession(session: { warmupFrom: number; tradeFrom: number }): Promise<void> {
    this.sessions.push(session);
  }
  async write(...[candles, findings, states]: Parameters<FeedParts["store"]["write"]>): Promise<void> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    if (candles.length > 0) this.written.push(candles.map(({ candle }) => (candle.openTime - start) / hour));
    this.findings.push(...findings.map(({ finding }) => finding.kind));
    this.told.push(...states);
    this.emit("write");
  }
  async writeStates(states: readonly SymbolState[]): Promise<void> {
    this.told.push(...states);
    this.emit("states");
  }
  async isAwaited(): Promise<boolean> {
    return this.awaited;
  }
  get last(): SymbolState | undefined {
    return this.told.at(-1);
  }
}

describe("feed", () => {
  const hours = [0, 1, 2, 3, 4];
  let controller: AbortController;
  let running: Promise<void>;

  beforeEach(() => (controller = new AbortController()));
  afterEach(async () => {
    controller.abort();
    await running?.catch(() => undefined);
  });

  function make(store: FakeStore, options: { source?: CandleSource; pacing?: Pacing } = {}): Feed {
    const metrics = { addWritten: () => undefined, addFinding: () => undefined, setState: () => undefined };
    return new Feed({
      settings,
      source: options.source ?? sourceOf(hours.map((hour) => candleAt(hour))),
      store,
      pacing: options.pacing ?? new Pacing("maximum"),
      metrics,
      log: silent,
      signal: controller.signal,
    });
  }

  it("writes all candles once and in order, then says that the recording ended", async () => {
    const store = new FakeStore();
    const feed = make(store);
    const ended = once(store, "states");
    expect(feed.readiness()).to.deep.equal({ ready: false, reason: "the session is not open yet" });
    running = feed.run();
    await ended;
    expect(store.written.flat()).to.deep.equal(hours);
    expect(store.sessions).to.deep.equal([{ warmupFrom: start, tradeFrom: start + 2 * hour }]);
    expect(store.last).to.deep.equal({ symbol: "BTC", state: "DOWN", reason: "recording ended", lastOpenTime: start + 4 * hour });
    expect(feed.readiness()).to.deep.equal({ ready: true, reason: "BTC: recording ended" });
  });

  it("keeps the lease of an ended recording while bots work through it", async () => {
    const store = new FakeStore();
    store.awaited = true;
    const ended = once(store, "states");
    running = make(store).run();
    await ended;
    expect(store.last).to.deep.include({ state: "HEALTHY", reason: "recording written to its end, bots have yet to work through it" });
  });

  it("goes on after what is stored", async () => {
    const store = new FakeStore(new Map([["BTC", { count: 4, last: candleAt(3), sources: ["test"] }]]));
    const ended = once(store, "states");
    running = make(store).run();
    await ended;
    expect(store.written.flat()).to.deep.equal([4]);
  });

  it("refuses to mix sources", async () => {
    const store = new FakeStore(new Map([["BTC", { count: 4, last: candleAt(3), sources: ["other"] }]]));
    running = make(store).run();
    const error = await running.catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(SourceChangedError);
    expect(store.written).to.deep.equal([]);
  });

  it("writes the warm-up at once and the rest when it is due", async () => {
    let clock = 0;
    // One hour of the market in 20 ms of the wall clock, which here stands still until it is moved.
    const pacing = new Pacing(hour / 20, () => clock);
    const store = new FakeStore();
    const feed = make(store, { pacing });
    const warmedUp = new Promise<void>((resolve) => store.on("write", () => store.written.length === 1 && resolve()));
    running = feed.run();
    await warmedUp;
    expect(store.written).to.deep.equal([[0, 1]]);
    const next = once(store, "write");
    clock = 20;
    await next;
    expect(store.written).to.deep.equal([[0, 1], [2]]);
    const both = once(store, "write");
    clock = 60;
    await both;
    expect(store.written).to.deep.equal([[0, 1], [2], [3, 4]]);
  });

  it("rejects a bad candle, is degraded until the next good one, and reports both", async () => {
    const candles = [candleAt(0), candleAt(1), candleAt(2), candleAt(3, { low: 0 }), candleAt(4)];
    const store = new FakeStore();
    let clock = 0;
    const feed = make(store, { source: sourceOf(candles), pacing: new Pacing(hour / 10, () => clock) });
    const warmedUp = new Promise<void>((resolve) => store.on("write", () => store.written.length === 1 && resolve()));
    const degraded = new Promise<void>((resolve) => store.on("write", () => store.last?.state === "DEGRADED" && resolve()));
    running = feed.run();
    await warmedUp;
    clock = 20;
    await degraded;
    expect(store.last).to.deep.include({ reason: "rejected a candle: inconsistent", lastOpenTime: start + 2 * hour });
    const healthy = new Promise<void>((resolve) => store.on("write", () => store.last?.state === "HEALTHY" && resolve()));
    clock = 30;
    await healthy;
    expect(store.findings).to.deep.equal(["inconsistent", "gap"]);
    expect(store.written.flat()).to.deep.equal([0, 1, 2, 4]);
  });

  it("writes again what a lost connection did not let through, and says so meanwhile", async () => {
    const store = new FakeStore();
    store.failures = [Object.assign(new Error("no route"), { code: "ECONNREFUSED" })];
    const feed = make(store);
    const ended = once(store, "states");
    running = feed.run();
    await new Promise((resolve) => setImmediate(resolve));
    expect(feed.readiness()).to.deep.equal({ ready: false, reason: "database: no route" });
    await ended;
    expect(store.written.flat()).to.deep.equal(hours);
    expect(feed.readiness().ready).to.equal(true);
  });

  it("says that it stopped", async () => {
    const store = new FakeStore();
    const ended = once(store, "states");
    running = make(store).run();
    await ended;
    controller.abort();
    await running;
    expect(store.last).to.deep.include({ state: "DOWN", reason: "feed stopped" });
  });
});
