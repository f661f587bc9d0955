import { expect } from "chai";
import { isTemporary, LockTakenError } from "../../../../services/feed/database";
import type { FeedBook } from "../../../../services/feed/book";
import type { MarketJudge } from "../../../../services/feed/judge";
import { candleAt, judgeAndBook, MemoryDatabase, settingsOf, start } from "./support";

describe("book of the feed", () => {
  let database: MemoryDatabase;
  let controller: AbortController;
  let judge: MarketJudge;
  let book: FeedBook;

  beforeEach(() => {
    database = new MemoryDatabase();
    controller = new AbortController();
  });
  afterEach(() => controller.abort());

  function open(speed: number | "maximum", mode: "paper" | "live" = "paper"): void {
    ({ judge, book } = judgeAndBook(settingsOf({ speed, warmupBars: 1 }), database, controller.signal, mode));
    book.begin();
  }
  function hand(hours: number, at: number, change = {}): void {
    judge.tell((quality) => quality.candle(candleAt(hours, change), at));
    const output = judge.take();
    if (output !== undefined) book.add(output);
  }

  it("renews the lease of a healthy market, and takes it from one that is not", async () => {
    open(1);
    hand(0, 0);
    hand(1, 0);
    await book.flush();
    expect(database.last).to.deep.include({ state: "HEALTHY", lease: "renew", lastOpenTime: start + 3_600_000 });
    hand(2, 0, { close: 100 * 1.15, high: 116 });
    await book.flush();
    expect(database.last).to.deep.include({ state: "DEGRADED", lease: "withdraw" });
  });

  it("says whether candles can be expected: not before the market goes on, and no longer when it is stopped", async () => {
    open(1);
    hand(0, 0);
    await book.flush();
    book.runs();
    hand(1, 0);
    await book.flush();
    await book.close();
    expect(database.told.map(({ phase }) => phase)).to.deep.equal(["starting", "running", "stopped"]);
  });

  it("goes on saying of a recording that it is over when its feed is stopped", async () => {
    open("maximum");
    book.say({ state: "DOWN", reason: "recording ended", lease: "leave", phase: "ended" });
    await book.renew();
    await book.close();
    expect(database.told.map(({ phase, reason }) => [phase, reason])).to.deep.equal([["ended", "recording ended"], ["ended", "feed stopped"]]);
  });

  it("renews it in any state when market time has nothing to do with the wall clock", async () => {
    open("maximum");
    hand(0, 0);
    hand(1, 0, { close: 200, high: 201 });
    await book.flush();
    expect(database.last).to.deep.include({ state: "DOWN", lease: "renew" });
    await book.close();
    expect(database.last).to.deep.include({ state: "DOWN", reason: "feed stopped", lease: "leave" });
  });

  it("writes in order what came while the database was away, and tells the newest state", async () => {
    open(1);
    hand(0, 0);
    hand(1, 0);
    database.failures = [Object.assign(new Error("starting up"), { code: "57P03" })];
    const refused = new Promise<void>((resolve) => (database.refused = resolve));
    const written = book.flush();
    await refused;
    expect(book.trouble).to.equal("database: starting up");
    hand(2, 0, { close: 100 * 1.3, high: 131 });
    await written;
    expect(book.trouble).to.equal(undefined);
    expect(database.table.map(({ hours }) => hours)).to.deep.equal([0, 1, 2]);
    expect(database.told.map(({ state }) => state)).to.deep.equal(["DOWN"]);
    expect(database.states).to.deep.equal(["HEALTHY", "DOWN"]);
  });

  const farewells: { title: string; write: () => Promise<void> }[] = [
    { title: "writes what comes", write: () => book.flush() },
    { title: "renews the lease", write: () => book.renew() },
    { title: "says its last word", write: () => book.close() },
  ];
  for (const { title, write } of farewells) {
    it(`tells in live of a position that is open while the feed is DOWN, with the state itself, when it ${title}`, async () => {
      open(1, "live");
      hand(0, 0);
      hand(1, 0, { close: 200, high: 201 });
      database.position = true;
      await write();
      expect(database.told.map(({ measures }) => measures["unacknowledged"])).to.deep.equal(["close of 2024-01-01 01:00 UTC moved by 100 % (limit 25 %)"]);
    });
  }

  it("looks once more when the feed goes DOWN while it looks", async () => {
    open(1, "live");
    hand(0, 0);
    hand(1, 0, { close: 115, high: 116 });
    const looks: string[] = [];
    database.hasPosition = async () => {
      looks.push(judge.quality.state);
      if (looks.length === 1) hand(2, 0, { close: 200, high: 201 });
      return true;
    };
    await book.flush();
    expect(looks).to.deep.equal(["DEGRADED", "DOWN"]);
    expect(database.told.map(({ state, measures }) => [state, typeof measures["unacknowledged"]])).to.deep.equal([["DOWN", "string"]]);
  });

  it("waits for the database to say whether a position is open", async () => {
    open(1, "live");
    hand(0, 0);
    hand(1, 0, { close: 200, high: 201 });
    database.position = true;
    database.positionFailures = [Object.assign(new Error("starting up"), { code: "57P03" })];
    await book.flush();
    expect(database.told.map(({ measures }) => typeof measures["unacknowledged"])).to.deep.equal(["string"]);
  });

  it("gives up when trying again makes no sense", async () => {
    open(1);
    hand(0, 0);
    database.failures = [Object.assign(new Error("permission denied"), { code: "42501" })];
    expect(await book.flush().catch((error: Error) => error.message)).to.equal("permission denied");
  });

  it("says nothing before it knows what an earlier run left", async () => {
    ({ judge, book } = judgeAndBook(settingsOf({ speed: 1 }), database, controller.signal));
    await book.renew();
    await book.close();
    expect(database.told).to.deep.equal([]);
  });

  const errors: { title: string; error: unknown; temporary: boolean }[] = [
    { title: "a lock that another feed has", error: new LockTakenError(), temporary: true },
    { title: "a database that cannot be reached", error: Object.assign(new Error("x"), { code: "ECONNREFUSED" }), temporary: true },
    { title: "a full disk", error: Object.assign(new Error("x"), { code: "53100" }), temporary: true },
    { title: "a statement that took too long", error: Object.assign(new Error("x"), { code: "57014" }), temporary: true },
    { title: "a value that breaks a rule", error: Object.assign(new Error("x"), { code: "23514" }), temporary: false },
    { title: "an error of our own", error: new TypeError("x"), temporary: false },
  ];
  for (const { title, error, temporary } of errors) {
    it(`${temporary ? "tries again with" : "does not try again with"} ${title}`, () => expect(isTemporary(error)).to.equal(temporary));
  }
});
