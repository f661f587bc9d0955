import { expect } from "chai";
import { Crashes, type CrashPoint } from "../support/crash/Crashes";
import { expectSound } from "../support/ledger";
import { eventually } from "../support/throwAwayStack";
import { accepted, explained, FaultRig, stack, startingCash, trader } from "./rig";


describe("the feed killed and back", function () {
  this.timeout(180_000);
  const rig = new FaultRig({ speed: 4 * 3600, bots: [trader, "holder", "seeker"] });
  const { processes, ledger } = rig;

  before(async () => {
    await rig.begin();
    await rig.register("holder");
    await rig.register("seeker");
  });
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
  });

  const quantityOf = async (bot: string) => (await ledger.rows("SELECT quantity::float FROM accounts WHERE bot = $1", bot))[0].quantity as number;

  it("lets entries in while it is there", async () => {
    expect(await rig.enter("holder")).to.deep.equal(accepted);
    await eventually("the entry is filled", 20, async () => (await quantityOf("holder")) === 0.01);
  });

  it("lets none in from the end of its lease on, and lets positions be closed", async () => {
    await processes.kill("livefeed");
    await eventually("the lease has ended", 70, async () => (await rig.feed()).left <= 0);
    const { status, body } = await rig.enter("seeker");
    expect(status).to.equal(422);
    expect(body.reason).to.match(/^no entry without the feed's lease/);
    expect(await rig.submit("holder", { action: "exit" })).to.deep.equal(accepted);
    await eventually("the refusal is counted", 20, async () => (await ledger.rows("SELECT FROM rejections WHERE bot = 'seeker' AND kind = 'no lease'")).length === 1);
  });

  it("goes on when it is back: the exit is filled, the feed is HEALTHY, entries are let in", async () => {
    await processes.start("livefeed");
    await eventually("the exit is filled", 40, async () => (await quantityOf("holder")) === 0);
    await eventually("the feed is HEALTHY again", 40, async () => {
      const { state, left } = await rig.feed();
      return state === "HEALTHY" && left > 0;
    });
    expect(await rig.enter("seeker")).to.deep.equal(accepted);
    await eventually("the entry is filled", 20, async () => (await quantityOf("seeker")) === 0.01);
    await rig.goesOn(30);
  });

  it("has lost nothing and done nothing twice", async () => {
    await rig.settle();
    await rig.expectCandles();
    expect(await ledger.unprotected()).to.equal(0);
    await expectSound(ledger, { stack, startingCash, explained });
  });
});

const candles = 'insert into "candles"';
const status = 'insert into "feed_status"';
const commit = "^\\0*commit";

const points: readonly CrashPoint[] = [
  { name: "before-opening-the-session", moment: "before", text: 'insert into "feed_sessions"' },
  { name: "session-opened", moment: "answered", text: 'insert into "feed_sessions"' },
  { name: "before-writing-candles", moment: "before", text: candles, skip: 5 },
  { name: "candles-written", moment: "answered", text: candles, skip: 5 },
  { name: "lease-renewed-and-not-committed", moment: "before", text: commit, within: [candles, status], skip: 5 },
  { name: "commit-sent", moment: "sent", text: commit, within: [candles, status], skip: 5 },
  { name: "committed", moment: "answered", text: commit, within: [candles, status], skip: 5 },
];

describe(`the feed, killed at ${points.length} points of its work`, function () {
  this.timeout(120_000);
  const rig = new FaultRig({ speed: 15 * 3600 });
  const crashes = new Crashes(rig.processes, "livefeed", points);

  before(async () => {
    await rig.prepare();
    await crashes.prepare();
    await rig.start({ feed: { ...crashes.options, restart: false } });
  });
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
  });

  it("writes every candle once", async () => {
    await crashes.strikeAll();
    await rig.goesOn(60);
    expect(await crashes.struck()).to.deep.equal(points.map(({ name }) => name));
    await rig.settle();
    await rig.expectCandles();
    expect(await rig.ledger.rows("SELECT FROM feed_sessions")).to.have.length(1);
    await expectSound(rig.ledger, { stack, startingCash, explained });
  });
});
