import { expect } from "chai";
import { backtest } from "../../../../domain/backtest";
import { defaultExecution } from "../../../../domain/execution";
import { compareRecords } from "../../../../domain/parity/compare";
import { replay, replayRequest, type ReplayRequest } from "../../../../domain/parity/replay";
import { replayLines, ReplayReader } from "../../../../domain/parity/replayLines";
import { verdictOf } from "../../../../domain/parity/verdict";
import { RandomMarket } from "../../../../domain/randomMarket";

const settings = { emaFast: 5, emaSlow: 12, atrPeriod: 5 };
const strategy = { name: "RefStrat_01", settings };
const candles = new RandomMarket({ seed: 11, symbol: "BTCUSDT", startTime: Date.UTC(2024, 0, 1) }).candles(0, 900);
const startBar = candles[100]!.openTime;
const whole = backtest(candles, { parameters: settings, startBar });
const request: ReplayRequest = {
  ...{ from: startBar, to: candles.at(-1)!.openTime, startBar, warmupFrom: candles[0]!.openTime },
  ...{ startingCash: 10_000, execution: defaultExecution, withoutEffect: [], unseen: [] },
};

describe("a replay", () => {
  it("is the backtest of the same candles", () => {
    const { decisions, fills, trades, equity } = replay(candles, request, strategy);
    expect({ decisions, fills, trades, equity }).to.deep.equal({ decisions: whole.decisions, fills: whole.fills, trades: whole.trades, equity: whole.equity });
  });

  it("tells what lies within the bars asked for, and all trades", () => {
    const from = candles[500]!.openTime;
    const part = replay(candles, { ...request, from }, strategy);
    expect(part.decisions).to.deep.equal(whole.decisions.filter(({ bar }) => bar >= from));
    expect(part.fills).to.deep.equal(whole.fills.filter(({ bar }) => bar >= from));
    expect(part.trades).to.deep.equal(whole.trades);
  });

  it("lets a refused entry be decided, and come to nothing", () => {
    const entry = whole.decisions.find(({ action }) => action === "enter")!;
    const refused = replay(candles, { ...request, withoutEffect: [entry.bar] }, strategy);
    expect(refused.decisions.find(({ bar }) => bar === entry.bar)).to.deep.equal(entry);
    expect(refused.fills.filter(({ bar }) => bar === entry.bar + 3_600_000)).to.deep.equal([]);
    expect(compareRecords(refused, replay(candles, { ...request, withoutEffect: [entry.bar] }, strategy)).decisions.share).to.equal(1);
  });

  it("fills no more of an entry than was let in, and decides all of it", () => {
    const entry = whole.decisions.find(({ action }) => action === "enter")!;
    const smaller = replay(candles, { ...request, sizeLimits: [{ bar: entry.bar, quantity: 0.001 }] }, strategy);
    expect(smaller.decisions.find(({ bar }) => bar === entry.bar)).to.deep.equal(entry);
    expect(smaller.fills.find(({ bar }) => bar === entry.bar + 3_600_000)?.quantity).to.equal(0.001);
    expect(smaller.trades[0]).to.include({ entryBar: whole.trades[0]!.entryBar, quantity: 0.001 });
  });

  it("has no bar that the account did not live through", () => {
    const unseen = candles[300]!.openTime;
    const without = replay(candles, { ...request, unseen: [unseen] }, strategy);
    expect(without.decisions.map(({ bar }) => bar)).to.deep.equal(whole.decisions.map(({ bar }) => bar).filter((bar) => bar !== unseen));
    expect(without.equity.some(({ bar }) => bar === unseen)).to.equal(false);
  });

  it("names a bar on which the bot was away and would have acted, and follows it from there on", () => {
    const exit = whole.decisions.find(({ action }) => action === "exit")!;
    const away = replay(candles, { ...request, withoutEffect: [exit.bar] }, strategy);
    const own = { ...away, decisions: away.decisions.map((decision) => (decision.bar === exit.bar ? { ...decision, action: "hold" as const, intent: null, late: true } : decision)) };
    const parity = compareRecords(own, away);
    expect(parity.decisions.compared - parity.decisions.matched).to.equal(1);
    expect([parity.cause, verdictOf(parity).frozen]).to.deep.equal(["missed bar", true]);
  });

  it("knows a revised candle by the close that the account was valued at", () => {
    // Before what is compared, so that the averages come closer, as with another seed.
    const revised = candles.map((candle, index) => (index === 480 ? { ...candle, close: candle.close * 1.001, high: candle.high * 1.001 } : candle));
    const within = { ...request, from: candles[481]!.openTime };
    const [own, now] = [replay(candles, within, strategy), replay(revised, within, strategy)];
    expect(compareRecords(own, now).cause).to.equal("indicator seed");
    expect(compareRecords(own, now, [candles[480]!.openTime]).cause).to.equal("revised candle");
  });
});

describe("what a replay is asked for", () => {
  const cases: [title: string, change: object, problem: RegExp][] = [
    ["an unknown key", { leverage: 3 }, /leverage/],
    ["no cash", { startingCash: 0 }, /startingCash/],
    ["a start before its warm-up", { startBar: request.warmupFrom - 1 }, /in this order/],
    ["a time that is none", { from: 1.5 }, /from/],
    ["another execution", { execution: { ...defaultExecution, rebate: 1 } }, /rebate/],
  ];
  for (const [title, change, problem] of cases) {
    it(`is refused with ${title}`, () => {
      const parsed = replayRequest.safeParse({ ...request, ...change });
      expect(parsed.success).to.equal(false);
      expect(JSON.stringify(parsed.error!.issues)).to.match(problem);
    });
  }
});

describe("the lines of a replay", () => {
  const record = replay(candles, request, strategy);
  const lines = [...replayLines(record)];
  const read = (of: readonly string[]) => {
    const reader = new ReplayReader();
    for (const line of of) reader.take(line);
    return reader.result();
  };

  it("are the record again, to the last digit", () => {
    const { decisions, fills, trades, equity } = record;
    expect(read(lines)).to.deep.equal({ decisions, fills, trades, equity });
  });

  const broken: [title: string, lines: readonly string[], problem: RegExp][] = [
    ["that were cut off", lines.slice(0, -1), /cut off after \d+ lines/],
    ["of which one is missing", lines.slice(1), /799 decisions and says 800/],
    ["with one after the last", [...lines, lines[0]!], /follows the end/],
    ["that are no JSON", ["<html>"], /line 1 is no line of a replay: <html>/],
    ["of something else", ['{"decision": {"bar": 1}}'], /line 1 is no line/],
  ];
  for (const [title, of, problem] of broken) it(`are refused ${title}`, () => expect(() => read(of)).to.throw(problem));
});
