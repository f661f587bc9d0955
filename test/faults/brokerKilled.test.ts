import { expect } from "chai";
import type pg from "pg";
import { backtest } from "../../domain/backtest";
import { recordingOf } from "../support/candles";
import { Crashes, type CrashPoint } from "../support/crash/Crashes";
import { expectSound, Ledger, watchStops } from "../support/ledger";
import { TradingProcesses } from "../support/tradingProcesses";
import { busySettings, faultOptions, sourceCandles, stack, startingCash, strategy, trader as bot, warmupBars } from "./rig";

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
  const processes = new TradingProcesses(faultOptions({ recording: recordingOf(candles) }));
  const crashes = new Crashes(processes, "broker", points);
  let database: pg.Client;
  const ledger = new Ledger(() => database, bot);

  before(async () => {
    await processes.prepare();
    database = await processes.connect();
    await crashes.prepare();
    await processes.startFeed();
    await processes.startBot(bot);
  });

  after(async () => {
    await database?.end();
    await processes.remove();
  });

  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    for (const service of ["livefeed", "broker", `bot-${bot}`]) process.stderr.write(`--- ${service}\n${await processes.logs(service, 10).catch(String)}\n`);
  });

  it("trades as if nothing had happened", async () => {
    const stops = await watchStops(processes, bot);
    await processes.startBroker(crashes.options);
    await crashes.strikeAll();
    await ledger.settled(60);
    const watched = await stops.end();

    expect(await crashes.struck()).to.deep.equal(points.map(({ name }) => name));
    const seen = await expectSound(ledger, { stack, startingCash, explained: /^never$/ });
    expect(watched.unprotected, `positions without a stop in ${watched.looks} looks`).to.equal(0);
    const expected = backtest(candles, { strategy, parameters: busySettings, startingCash, startBar: candles[warmupBars]!.openTime });
    const { fills, trades, equity } = await ledger.book();
    expect(fills).to.deep.equal(expected.fills.map((fill) => ({ ...fill, clientOrderId: fill.clientOrderId.replace(/^backtest-bot-/, `${stack}-${bot}-`) })));
    expect(trades).to.deep.equal(expected.trades);
    expect(equity).to.deep.equal(expected.equity);
    expect(await ledger.decisions()).to.deep.equal(expected.decisions.map((decision) => ({ ...decision, late: false })));
    process.stdout.write(`      ${seen.bars} bars, ${seen.trades} trades, ${watched.looks} looks at the stops\n`);
  });
});
