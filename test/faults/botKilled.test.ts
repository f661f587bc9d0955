import { expect } from "chai";
import { Crashes, type CrashPoint } from "../support/crash/Crashes";
import { expectSound, watchStops } from "../support/ledger";
import { explained, FaultRig, stack, startingCash, trader as bot } from "./rig";

const registration = "^POST /v1/register ";
const intents = "^POST /v1/intents ";
const decision = "insert into decisions";
/** How many decisions a life of the bot makes before it is killed. */
const skip = 6;

/** Points of the decision cycle, in the order in which one life comes to them. */
const points: readonly CrashPoint[] = [
  { name: "connected-before-the-lock", moment: "before", text: "take_bot_lock" },
  { name: "lock-held", moment: "answered", text: "take_bot_lock" },
  { name: "before-registration", moment: "before", text: registration },
  { name: "registered", moment: "answered", text: registration },
  { name: "before-reading-candles", moment: "before", text: 'from "?candles"?', skip },
  { name: "candles-read", moment: "answered", text: 'from "?candles"?', skip },
  { name: "before-the-decision", moment: "before", text: decision, skip },
  { name: "decision-sent", moment: "sent", text: decision, skip },
  { name: "decision-written", moment: "answered", text: decision, skip },
  { name: "before-the-intent", moment: "before", text: intents, skip: 1 },
  { name: "intent-sent", moment: "sent", text: intents, skip: 1 },
  { name: "intent-answered", moment: "answered", text: intents, skip: 1 },
];

describe(`the bot, killed at ${points.length} points of its decision cycle`, function () {
  this.timeout(240_000);
  const rig = new FaultRig({ speed: 10 * 3600 });
  const { processes, ledger } = rig;
  const crashes = new Crashes(processes, `bot-${bot}`, points);

  before(async () => {
    await rig.prepare();
    await crashes.prepare();
  });
  after(() => rig.end());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await rig.tellLogs();
  });

  it("loses no decision and makes none twice", async () => {
    const stops = await watchStops(processes, bot);
    await rig.start({ bot: { ...crashes.options, restart: false } });
    await crashes.strikeAll();
    await rig.goesOn(60, 60);
    await rig.settle();
    const watched = await stops.end();

    expect(await crashes.struck()).to.deep.equal(points.map(({ name }) => name));
    const seen = await expectSound(ledger, { stack, startingCash, explained });
    expect(watched.unprotected, `positions without a stop in ${watched.looks} looks`).to.equal(0);
    process.stdout.write(`      ${seen.bars} bars, ${seen.late} missed, ${seen.trades} trades, ${seen.refused} intents refused\n`);
    expect(seen.trades).to.be.greaterThan(5);
  });
});
