import { expect } from "chai";
import { setTimeout as delay } from "node:timers/promises";
import { defaultExecution, gridsOf } from "../../domain/execution";
import { recordingOf } from "../support/candles";
import { Crashes, type CrashPoint } from "../support/crash/Crashes";
import { expectSound, watchStops } from "../support/ledger";
import { eventually } from "../support/throwAwayStack";
import { HandFeed } from "./handFeed";
import { accepted, FaultRig, sourceCandles, stack, startingCash, trader } from "./rig";

const count = 500;

const begin = "^\\0*begin";
const commit = "^\\0*commit";
const stateRead = 'from "accounts" as "a"';
const moved = "update accounts";
const ordersWritten = 'insert into "orders"';
const fillsWritten = 'insert into "fills"';
const opening = 'insert into "accounts"';
const locked = "for (no key )?update";
const skip = 10;

const points: readonly CrashPoint[] = [
  // The account is opened at the first registration.
  { name: "before-opening-an-account", moment: "before", text: opening },
  { name: "account-opened-and-not-committed", moment: "before", text: commit, within: [opening] },
  { name: "account-opened", moment: "answered", text: commit, within: [opening] },
  // Any bar.
  { name: "before-reading-the-state", moment: "before", text: stateRead, within: [], skip },
  { name: "state-read", moment: "answered", text: stateRead, within: [], skip },
  // A bar without fills is one statement.
  { name: "before-a-quiet-bar", moment: "before", text: moved, within: [], skip },
  { name: "quiet-bar-sent", moment: "sent", text: moved, within: [], skip },
  { name: "quiet-bar-written", moment: "answered", text: moved, within: [], skip },
  // A bar with a fill is a transaction.
  { name: "fill-begun", moment: "before", text: moved, within: [begin], skip: 1 },
  { name: "fill-account-moved", moment: "answered", text: moved, within: [begin], skip: 1 },
  { name: "fill-orders-written", moment: "answered", text: ordersWritten, within: [moved], skip: 1 },
  { name: "fill-fills-written", moment: "answered", text: fillsWritten, within: [moved], skip: 1 },
  { name: "fill-not-committed", moment: "before", text: commit, within: [fillsWritten], skip: 1 },
  { name: "fill-commit-sent", moment: "sent", text: commit, within: [fillsWritten], skip: 1 },
  { name: "fill-committed", moment: "answered", text: commit, within: [fillsWritten], skip: 1 },
  // An intent is taken in by a transaction.
  { name: "intent-before-its-order", moment: "before", text: ordersWritten, within: [locked], skip: 1 },
  { name: "intent-not-committed", moment: "before", text: commit, within: [locked, ordersWritten], skip: 1 },
  { name: "intent-commit-sent", moment: "sent", text: commit, within: [locked, ordersWritten], skip: 1 },
  { name: "intent-committed", moment: "answered", text: commit, within: [locked, ordersWritten], skip: 1 },
  { name: "intent-before-its-answer", moment: "before", text: "^HTTP/1\\.1 201 ", skip: 1 },
  { name: "intent-answer-sent", moment: "sent", text: "^HTTP/1\\.1 201 ", skip: 1 },
];

describe(`the broker, killed at ${points.length} points of its work`, function () {
  this.timeout(240_000);
  const candles = sourceCandles(count);
  const played = ["holder", "seeker"] as const;
  const [holder, seeker] = played;
  const rig = new FaultRig({ recording: recordingOf(candles), bots: [trader, ...played] });
  const { processes, ledger } = rig;
  const crashes = new Crashes(processes, "broker", points);
  /** Goes on with the market where the recording has ended. */
  const feed = new HandFeed(ledger, sourceCandles(count + 100), count);

  before(async () => {
    await rig.prepare();
    await crashes.prepare();
    await processes.startFeed();
    await processes.startBot(trader);
  });
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
  });

  it("trades as if nothing had happened", async () => {
    const stops = await watchStops(processes, trader);
    await processes.startBroker(crashes.options);
    await crashes.strikeAll();
    await ledger.settled(60);
    const watched = await stops.end();

    expect(await crashes.struck()).to.deep.equal(points.map(({ name }) => name));
    const seen = await expectSound(ledger, { stack, startingCash, explained: /^never$/ });
    expect(watched.unprotected, `positions without a stop in ${watched.looks} looks`).to.equal(0);
    await rig.expectBacktest(candles);
    process.stdout.write(`      ${seen.bars} bars, ${seen.trades} trades, ${watched.looks} looks at the stops\n`);
  });

  describe("on a market that goes on bar by bar", () => {
    const taken = "another broker works in this database; waiting until it is gone";
    const second = "second";
    const readiness = async (service: string) => (await rig.readiness(service).catch(() => undefined)) ?? { ready: false, reason: "no answer" };
    const becomesReady = (service: string) => eventually(`${service} is ready`, 20, async () => (await readiness(service)).ready);
    const waits = (service: string) => eventually(`${service} waits`, 20, async () => (await readiness(service)).reason === taken);
    const accountOf = async (bot: string) =>
      (await ledger.rows("SELECT quantity::float, stop_price::float AS stop, processed_bar AS bar FROM accounts WHERE bot = $1", bot))[0] as { quantity: number; stop: number | null; bar: Date | null };
    const fillsOf = (bot: string) => ledger.rows("SELECT f.bar, f.price::float, f.reason, o.reason AS remark FROM fills AS f JOIN orders AS o USING (client_order_id) WHERE f.bot = $1 ORDER BY f.id", bot);
    const step = () => feed.step(played);
    const { price } = gridsOf(defaultExecution);
    const bought = (reference: number) => price.up(reference * (1 + defaultExecution.slippageRate));
    const sold = (reference: number) => price.down(reference * (1 - defaultExecution.slippageRate));

    before(async () => {
      expect(await processes.stop("livefeed")).to.equal(0);
      expect(await processes.stop(`bot-${trader}`)).to.equal(0);
      for (const bot of played) await rig.register(bot);
      await step();
    });

    it("does not work while another broker is there, and takes over when that one is gone", async () => {
      await rig.startSecond("broker", second);
      await waits(second);
      await step();
      expect(await processes.ask(second, "/metrics")).to.not.contain("trading_broker_bars_total{");
      await processes.kill("broker");
      await becomesReady(second);
      await step();
      expect(await processes.ask(second, "/metrics")).to.contain("trading_broker_bars_total{");
      await processes.start("broker");
      await waits("broker");
      expect(await processes.callBroker(holder, "/v1/account")).to.deep.equal({ status: 503, body: { error: `not possible now, try again: ${taken}` } });
      expect(await processes.stop(second)).to.equal(0);
      await becomesReady("broker");
      await step();
    });

    it("stops work when its lock is lost, says so, and goes on when it has it again", async () => {
      const rival = await processes.connect();
      const held = rival.query("SELECT pg_advisory_lock(hashtext('trading.broker'), 0)");
      await ledger.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'broker-lock'");
      await held;
      await waits("broker");
      const { bar } = await accountOf(holder);
      await feed.hold(played);
      const candle = await feed.next();
      expect((await processes.callBroker(holder, "/v1/account")).status).to.equal(503);
      // As long as a bar would take many times over.
      await delay(1000);
      expect((await accountOf(holder)).bar, "not worked without the lock").to.deep.equal(bar);
      await rival.end();
      await eventually("the bar is worked", 30, async () => (await accountOf(holder)).bar?.getTime() === candle.openTime);
      await becomesReady("broker");
    });

    it("lets no bot take its lock, nor an entry's turn", async () => {
      for (const call of ["take_broker_lock", "take_entry_turn"]) {
        const refused = await ledger.rows(`SET ROLE bot_${holder}`).then(() => ledger.rows(`SELECT trading.${call}()`)).catch((error: Error) => error.message);
        await ledger.rows("RESET ROLE");
        expect(refused).to.equal(`permission denied for function ${call}`);
      }
    });

    it("judges one entry after the other, whoever asks the database for it", async () => {
      const rival = await processes.connect();
      await rival.query("BEGIN");
      await rival.query("SELECT trading.take_entry_turn()");
      let isAnswered = false;
      const answer = rig.enter(holder).finally(() => (isAnswered = true));
      answer.catch(() => undefined);
      await eventually("the entry waits for its turn", 10, async () => (await ledger.rows("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).length === 1);
      expect(isAnswered).to.equal(false);
      await rival.query("COMMIT");
      await rival.end();
      expect(await answer).to.deep.equal(accepted);
      const filledIn = await step();
      expect(await fillsOf(holder)).to.deep.equal([{ bar: new Date(filledIn.openTime), price: bought(filledIn.open), reason: "entry", remark: null }]);
    });

    it("fills a stop that a late candle shows to have been reached, once, wherever it is killed", async () => {
      const { stop } = await accountOf(holder);
      const missing = feed.skip();
      await step();
      await step();
      await processes.kill("broker");
      await feed.repair({ ...missing, low: stop! - 1 });
      await feed.hold(played);
      const filledIn = await feed.next();
      await processes.start("broker");
      await eventually("the stop is filled", 30, async () => (await accountOf(holder)).quantity === 0);
      const exit = { bar: new Date(filledIn.openTime), price: sold(stop!), reason: "stop", remark: "reached in a bar that came late, filled in the next one worked" };
      expect((await fillsOf(holder)).slice(1)).to.deep.equal([exit]);
      await processes.kill("broker");
      await processes.start("broker");
      await becomesReady("broker");
      await step();
      expect((await fillsOf(holder)).slice(1), "and not again").to.deep.equal([exit]);
      expect(await ledger.rows("SELECT FROM equity WHERE bot = $1 AND bar = $2", holder, new Date(missing.openTime))).to.deep.equal([]);
    });

    it("cancels an entry whose bar is missing, though the next one is near enough in price", async () => {
      expect(await rig.enter(seeker)).to.deep.equal(accepted);
      feed.skip();
      await step();
      const [order] = await ledger.rows("SELECT status, reason FROM orders WHERE bot = $1 AND action = 'enter'", seeker);
      expect(order).to.deep.equal({ status: "cancelled", reason: "the bar after the decision is missing" });
      expect(await fillsOf(seeker)).to.deep.equal([]);
      expect(await rig.enter(seeker)).to.deep.equal(accepted);
      await step();
      expect(await fillsOf(seeker)).to.have.length(1);
    });

    it("has books that fit together after all of it", async () => {
      // They are counted when a broker begins to work.
      expect(await processes.stop("broker")).to.equal(0);
      const [{ now }] = await ledger.rows("SELECT clock_timestamp() AS now");
      await processes.start("broker");
      const counted = await eventually("the books are counted", 20, async () => {
        const found = await ledger.rows("SELECT bot, mismatch FROM reconciliations WHERE at > $1 ORDER BY bot", now);
        return found.length === 3 && found;
      });
      expect(counted).to.deep.equal([holder, seeker, trader].map((bot) => ({ bot, mismatch: null })));
    });
  });
});
