import { expect } from "chai";
import { FakeClock } from "../support/fakeClock";
import { expectSound } from "../support/ledger";
import { eventually } from "../support/throwAwayStack";
import { HandFeed } from "./handFeed";
import { accepted, explained, FaultRig, stack, startingCash, trader } from "./rig";

const hour = 3600;

/** The clocks of containers are set; those of the host never are. */
describe("clocks that jump, and a computer that slept", function () {
  this.timeout(180_000);
  const bots = ["first", "second", "third", "fourth", "fifth"];
  const rig = new FaultRig({ speed: 5 * hour, bots: [trader, ...bots] });
  const { processes, ledger } = rig;
  const databaseClock = new FakeClock(processes, "databaseclock");
  const serviceClock = new FakeClock(processes, "serviceclock");
  const services = ["livefeed", "broker", `bot-${trader}`];

  before(async () => {
    await databaseClock.prepare();
    await serviceClock.prepare();
    await rig.begin({ database: databaseClock.options, services: serviceClock.options });
    for (const bot of bots) await rig.register(bot);
  });
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
  });

  /** Sets the database's clock and waits until it says so; seconds ahead of the host's. */
  async function setDatabase(seconds: number): Promise<void> {
    await databaseClock.set(seconds);
    await eventually("the database's clock is set", 20, async () => {
      const [{ now }] = (await ledger.rows("SELECT extract(epoch FROM clock_timestamp())::float AS now")) as [{ now: number }];
      return Math.abs(now - Date.now() / 1000 - seconds) < 30;
    });
  }

  async function setServices(seconds: number): Promise<void> {
    await serviceClock.set(seconds);
    for (const service of services) {
      await eventually(`the clock of ${service} is set`, 20, async () => {
        const now = Number(await processes.execute(service, "date", "+%s"));
        return Math.abs(now - Date.now() / 1000 - seconds) < 30;
      });
    }
  }

  /** Sets the database's clock while nobody renews the lease: no entry is let in until it is renewed. */
  async function expectNoEntryUntilRenewed(seconds: number, bots: readonly [string, string], why: RegExp): Promise<void> {
    await processes.pause("livefeed");
    try {
      await setDatabase(seconds);
      const { status, body } = await rig.enter(bots[0]);
      expect(body.reason).to.match(why);
      expect(status).to.equal(422);
    } finally {
      await processes.unpause("livefeed");
    }
    // The broker looks at the clock of the database every 15 s, and wants to see a renewal after that.
    await eventually("an entry is let in", 60, async () => (await rig.enter(bots[1])).status === 201);
    const { state, left } = await rig.feed();
    expect(state).to.equal("HEALTHY");
    expect(left).to.be.within(0, 90);
    await rig.goesOn(30);
    await rig.allReady(30);
  }

  it("takes no lease for good that the database's clock, set an hour ahead, has outrun", () =>
    expectNoEntryUntilRenewed(hour, ["first", "second"], /^no entry without the feed's lease: the feed is/));

  it("takes no lease for good that would run for an hour, once the database's clock is right again", () =>
    expectNoEntryUntilRenewed(0, ["third", "fourth"], /^no entry without the feed's lease: it would run for \d+ s/));

  it("goes on when the clocks of feed, broker and bot are set an hour ahead and back", async () => {
    await setServices(hour);
    await rig.goesOn(30);
    await rig.allReady(30);
    await setServices(0);
    await rig.goesOn(30);
    await rig.allReady(30);
  });

  it("is right after eight hours of sleep in which every connection was cut", async () => {
    const all = ["timescaledb", ...services];
    // The database falls asleep first, so that its answers to what is asked meanwhile, by the bot over its lock's connection
    // among others, go onto connections that are cut: those sessions must not keep their locks either.
    await processes.pause("timescaledb");
    try {
      await rig.readiness(`bot-${trader}`).catch(() => undefined);
      await processes.pause(...services);
      await databaseClock.set(8 * hour);
      await serviceClock.set(8 * hour);
      for (const service of all) await processes.disconnect(service);
      // In another order than before: the containers get other addresses.
      for (const service of [...all].reverse()) await processes.reconnect(service);
    } finally {
      await processes.unpause(...all);
    }
    await rig.connect();
    await rig.goesOn(90);
    await rig.allReady(60);
    await eventually("the lease is sound", 30, async () => {
      const { state, left } = await rig.feed();
      return state === "HEALTHY" && left > 0 && left <= 90;
    });
    await eventually("an entry is let in", 40, async () => (await rig.enter("fifth")).status === 201);
  });

  it("has lost nothing and done nothing twice", async () => {
    await rig.settle();
    await rig.expectCandles();
    expect(await ledger.unprotected()).to.equal(0);
    const seen = await expectSound(ledger, { stack, startingCash, explained });
    expect(seen.trades).to.be.greaterThan(5);
  });

  describe("on a running market, played hour by hour", () => {
    const milliseconds = hour * 1000;
    const from = Math.floor(Date.now() / milliseconds) * milliseconds;
    let feed: HandFeed;

    before(async () => {
      expect(await processes.stop(`bot-${trader}`)).to.equal(0);
      await ledger.rows("INSERT INTO feed_sessions (source, settings, replay, warmup_from, trade_from) SELECT source, settings, false, warmup_from, trade_from FROM feed_sessions LIMIT 1");
      const { close } = (await ledger.candles()).at(-1)!;
      const candle = { open: close, high: close, low: close, close, volume: 1 };
      feed = new HandFeed(ledger, Array.from({ length: 4 }, (_, index) => ({ ...candle, openTime: from + index * milliseconds })));
    });

    /** The next candle closes, and two seconds later it is there; the database's clock is ahead by so many seconds all the time. */
    async function nextHour(ahead: number): Promise<number> {
      const { openTime } = feed.coming;
      await setDatabase(Math.round((openTime + milliseconds - Date.now()) / 1000) + 2 + ahead);
      await feed.next();
      await eventually("every account has worked the bar", 30, async () => (await ledger.rows("SELECT FROM accounts WHERE processed_bar = $1", new Date(openTime))).length === bots.length + 1);
      return openTime;
    }

    const fillOf = async (bot: string) => (await ledger.rows("SELECT bar, reason FROM fills WHERE bot = $1 ORDER BY id DESC LIMIT 1", bot))[0];

    for (const [name, ahead, flat, leaving, staying] of [["ahead", hour, "first", "second", "fourth"], ["back", -hour, "third", "fourth", "fifth"]] as const) {
      it(`lets no entry in with the database's clock an hour ${name}, and works exits and moved stops in the very next bar`, async () => {
        await nextHour(ahead);
        const { status, body } = await rig.enter(flat);
        expect(status).to.equal(422);
        expect(body.reason).to.match(/^too late: handed in \d+ s after the bar's close|^no entry by a clock that is wrong|^no entry without the feed's lease: /);
        expect(await rig.submit(leaving, { action: "exit" })).to.deep.equal(accepted);
        const [{ stop }] = await ledger.rows("SELECT stop_price::float + 1 AS stop FROM accounts WHERE bot = $1", staying);
        expect(await rig.submit(staying, { action: "moveStop", stopPrice: stop })).to.deep.equal(accepted);
        const bar = await nextHour(ahead);
        expect(await fillOf(leaving)).to.deep.equal({ bar: new Date(bar), reason: "exit" });
        expect(await ledger.rows("SELECT stop_price::float AS stop FROM accounts WHERE bot = $1", staying)).to.deep.equal([{ stop }]);
      });
    }
  });
});
