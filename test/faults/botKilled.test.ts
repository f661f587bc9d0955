import { expect } from "chai";
import { defaultExecution, gridsOf } from "../../domain/execution";
import { Crashes, type CrashPoint } from "../support/crash/Crashes";
import { expectSound, watchStops } from "../support/ledger";
import { eventually } from "../support/throwAwayStack";
import { HandFeed } from "./handFeed";
import { FaultRig, sourceCandles, stack, startingCash, trader, warmupBars } from "./rig";

const registration = "^POST /v1/register ";
const intents = "^POST /v1/intents ";
const reading = "from candles";
const decision = "insert into decisions";
/** A life of the bot first does what the one before left undone. */
const skip = 1;

const startUp: readonly CrashPoint[] = [
  { name: "connected-before-the-lock", moment: "before", text: "take_bot_lock" },
  { name: "lock-held", moment: "answered", text: "take_bot_lock" },
  { name: "before-registration", moment: "before", text: registration },
  { name: "registered", moment: "answered", text: registration },
];
/** In the order in which one decision comes to them. */
const cycle: readonly CrashPoint[] = [
  { name: "before-reading", moment: "before", text: reading, skip },
  { name: "reading-sent", moment: "sent", text: reading, skip },
  { name: "read", moment: "answered", text: reading, skip },
  { name: "before-the-decision", moment: "before", text: decision, skip },
  { name: "decision-sent", moment: "sent", text: decision, skip },
  { name: "decision-written", moment: "answered", text: decision, skip },
  { name: "before-the-intent", moment: "before", text: intents },
  { name: "intent-sent", moment: "sent", text: intents },
  { name: "intent-answered", moment: "answered", text: intents },
  { name: "before-a-second-intent", moment: "before", text: intents, skip },
  { name: "second-intent-sent", moment: "sent", text: intents, skip },
  { name: "second-intent-answered", moment: "answered", text: intents, skip },
];
const signal = "SIGTERM" as const;
const stops: readonly CrashPoint[] = [
  { name: "asked-to-stop-before-the-decision", moment: "before", text: decision, skip, signal },
  { name: "asked-to-stop-with-the-decision-sent", moment: "sent", text: decision, skip, signal },
  { name: "asked-to-stop-before-the-intent", moment: "before", text: intents, skip, signal },
  { name: "asked-to-stop-with-the-intent-sent", moment: "sent", text: intents, skip, signal },
];

describe("the bot killed, stopped and doubled on a market that waits for it", function () {
  this.timeout(240_000);
  const rig = new FaultRig({});
  const { processes, ledger } = rig;
  const service = `bot-${trader}`;
  const second = "second";
  const crashes = new Crashes(processes, service, [...startUp, ...cycle, ...stops]);
  const feed = new HandFeed(ledger, sourceCandles(1000));

  before(async () => {
    await rig.prepare();
    await crashes.prepare();
    await feed.begin(warmupBars);
    await processes.startBroker();
  });
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
  });

  /** Writes the next candle once everything has come of the one before: however long a bot is away, no bar goes on without it. */
  async function bars(count: number): Promise<void> {
    for (let bar = 0; bar < count; bar++) {
      await feed.next();
      await ledger.settled(60);
    }
  }

  async function untilInPosition(): Promise<void> {
    while ((await quantity()) === 0) await bars(1);
  }

  const quantity = async () => (await ledger.rows("SELECT quantity::float FROM accounts WHERE bot = $1", trader))[0].quantity as number;

  const unanswered = async () =>
    (await ledger.rows("SELECT FROM decisions AS d WHERE intent IS NOT NULL AND NOT EXISTS (SELECT FROM orders AS o WHERE o.client_order_id = d.client_order_id)")).length;

  it(`trades as if nothing had happened, killed at ${cycle.length} points of its decision cycle and ${startUp.length} before, and stopped at ${stops.length}`, async () => {
    const watch = await watchStops(processes, trader);
    await processes.startBot(trader, crashes.options);
    let [isOver, inTrade] = [false, 0];
    const striking = crashes
      .strikeAll(async ({ name, signal: asked }) => {
        if (asked === undefined) return;
        expect(await unanswered(), `decisions without their order after ${name}`).to.equal(0);
        inTrade += (await quantity()) > 0 ? 1 : 0;
      })
      .finally(() => (isOver = true));
    striking.catch(() => undefined);
    while (!isOver) await bars(1);
    await striking;
    await bars(20);
    const { unprotected, looks } = await watch.end();

    expect(await crashes.struck()).to.have.length(startUp.length + cycle.length + stops.length);
    expect(inTrade, "stops in the middle of a trade").to.be.greaterThan(1);
    expect(unprotected, `positions without a stop in ${looks} looks`).to.equal(0);
    const seen = await expectSound(ledger, { stack, startingCash, explained: /^never$/ });
    expect(seen).to.include({ late: 0, refused: 0 });
    expect(seen.trades).to.be.greaterThan(5);
    await rig.expectBacktest(feed.passed);
  });

  it("lets a second instance wait, which decides nothing until the first one is gone", async () => {
    await rig.startSecond(service, second);
    await eventually("the second instance waits", 20, async () => (await rig.readiness(second)).reason === "another instance of this bot holds its lock");
    await bars(10);
    expect(await rig.readiness(second)).to.deep.equal({ ready: false, reason: "another instance of this bot holds its lock" });
    expect(await processes.ask(second, "/metrics")).to.not.contain("trading_bot_decisions_total{");

    await processes.kill(service);
    await bars(10);
    expect(await processes.ask(second, "/metrics")).to.contain("trading_bot_decisions_total{");
    expect(await processes.stop(second)).to.equal(0);
    await processes.start(service);
    await bars(5);
    await rig.expectBacktest(feed.passed);
  });

  it("has its position closed by the stop while it is away, and goes on when it is back", async () => {
    await untilInPosition();
    expect(await processes.stop(service)).to.equal(0);
    // One that was moved last works in the next bar.
    const [{ stop }] = (await ledger.rows("SELECT max(stop_price)::float AS stop FROM orders WHERE type = 'stop' AND status IN ('working', 'accepted')")) as [{ stop: number }];
    const { close } = feed.coming;
    const fallen = await feed.next({ open: stop + 1, high: Math.max(close, stop + 1), low: Math.min(close, stop - 50), close });
    await eventually("the stop is filled", 10, async () => (await quantity()) === 0);
    const [fill] = (await ledger.book()).fills.slice(-1);
    const price = gridsOf(defaultExecution).price.down(stop * (1 - defaultExecution.slippageRate));
    expect(fill).to.include({ bar: fallen.openTime, side: "sell", reason: "stop", price });
    for (let bar = 0; bar < 3; bar++) await feed.next();
    await eventually("the broker goes on without the bot", 20, async () => (await ledger.rows("SELECT FROM accounts WHERE processed_bar = $1", new Date(feed.passed.at(-1)!.openTime))).length === 1);

    await processes.start(service);
    await ledger.settled(30);
    await untilInPosition();
    await bars(10);
    const seen = await expectSound(ledger, { stack, startingCash, explained: /^never$/ });
    // The bars before the one that it found the account on.
    expect(seen).to.include({ late: 3, refused: 0 });
    expect(await ledger.unprotected()).to.equal(0);
    process.stdout.write(`      ${seen.bars} bars, ${seen.trades} trades\n`);
  });
});
