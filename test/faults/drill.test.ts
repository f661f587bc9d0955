import { expect } from "chai";
import { FaultyMarket, faultSettings } from "../../domain/faultScript";
import { expectSound } from "../support/ledger";
import { eventually } from "../support/throwAwayStack";
import { FaultRig, source, sourceCandles, stack, startingCash } from "./rig";

const lost = 220;
/** Every kind of fault once, one after the other, on candles far enough apart for the feed to recover in between. */
const script = [
  { kind: "gap", bar: 80 },
  { kind: "duplicate", bar: 90 },
  { kind: "revision", bar: 100 },
  { kind: "outOfOrder", bar: 110 },
  { kind: "stale", bar: 120, seconds: 100_000 },
  { kind: "flat", bar: 160, bars: 6 },
  { kind: "jump", bar: 180, fraction: 0.3 },
  { kind: "clockSkew", bar: 190 },
  { kind: "reconnectStorm", bar: 200 },
  { kind: "gap", bar: lost, backfill: false },
];
/** After them the lost candle is out of the window of the warm-up and a day, and the feed has recovered. */
const until = 340;
const explained = /^too late: |^no entry without the feed's lease: |^no entry on bar .*: the feed was (DEGRADED|DOWN) then$/;

describe("a drill: every fault of the script on a stack that trades", function () {
  this.timeout(180_000);
  // Ten bars a second: what is silent for a day of the market is so for more than two seconds here.
  const rig = new FaultRig({ speed: 10 * 3600 });
  const { ledger } = rig;
  const faults = script.map((fault) => faultSettings.parse(fault));

  before(async () => {
    await rig.prepare();
    await rig.start({ feed: { source: { ...source, faults } } });
    const last = new Date(sourceCandles(until + 1).at(-1)!.openTime);
    await eventually("the bot has come to the end of the drill", 120, async () => (await ledger.rows("SELECT FROM decisions WHERE bar >= $1", last)).length > 0);
  });
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
  });

  it("finds each fault for what it is, and is trusted again afterwards", async () => {
    const found = await ledger.rows("SELECT kind, severity FROM feed_findings");
    const kinds = new Set(found.map(({ kind, severity }) => `${kind} ${severity}`));
    const expected = ["gap DEGRADED", "backfilled note", "duplicate note", "revision DEGRADED", "silence DEGRADED", "flat DOWN", "jump DOWN", "clock skew DEGRADED", "reconnects DOWN", "gap left open DOWN"];
    for (const kind of expected) expect(kinds).to.include(kind);
    const states = await ledger.rows("SELECT state FROM feed_states ORDER BY id");
    expect(new Set(states.map(({ state }) => state))).to.deep.equal(new Set(["HEALTHY", "DEGRADED", "DOWN"]));
    expect(await rig.feed()).to.include({ state: "HEALTHY", reason: "candles arrive in order" });
  });

  it("wrote every candle that could be had, as the market has it, and made none up", async () => {
    const candles = await ledger.candles("warmup_from");
    const clean = sourceCandles(until + 100);
    const market = new FaultyMarket((index) => clean[index]!, faults);
    const wanted = clean.map((_, index) => market.candle(index)).filter((_, index) => index !== lost);
    expect(candles.length).to.be.greaterThan(until - 1);
    expect(candles).to.deep.equal(wanted.slice(0, candles.length));
  });

  it("let no entry in on a candle that was not HEALTHY, while exits and stops went on", async () => {
    const taken = await ledger.rows(
      `SELECT o.action, c.feed_state AS state, count(*)::int AS count FROM orders AS o JOIN candles AS c ON c.open_time = o.bar
       WHERE o.status <> 'rejected' AND o.action <> 'stop' GROUP BY 1, 2`,
    );
    const count = (match: (row: { action: string; state: string }) => boolean) => taken.filter(match).reduce((sum, row) => sum + (row.count as number), 0);
    expect(count(({ action, state }) => action === "enter" && state !== "HEALTHY")).to.equal(0);
    expect(count(({ action, state }) => action === "enter" && state === "HEALTHY")).to.be.greaterThan(5);
    expect(count(({ action, state }) => action !== "enter" && state !== "HEALTHY")).to.be.greaterThan(0);
    const refused = await ledger.rows("SELECT FROM orders WHERE action = 'enter' AND status = 'rejected'");
    expect(refused.length).to.be.greaterThan(0);
  });

  it("has lost nothing and done nothing twice", async () => {
    await rig.settle();
    expect(await ledger.unprotected()).to.equal(0);
    await expectSound(ledger, { stack, startingCash, explained });
  });
});
