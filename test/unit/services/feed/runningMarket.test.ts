import { expect } from "chai";
import type { Candle } from "../../../../domain/candles";
import { readHistory } from "../../../../services/feed/history";
import { MarketJudge } from "../../../../services/feed/judge";
import { RunningMarket } from "../../../../services/feed/runningMarket";
import { qualityOptions } from "../../../../services/feed/settings";
import { candleAt, hour, settingsOf, start, symbol } from "./support";

const settings = settingsOf({ speed: 1 });
const numberOf = (openTime: number) => (openTime - start) / hour;

describe("market of a running source", () => {
  let judge: MarketJudge;
  let market: RunningMarket;

  beforeEach(() => {
    judge = new MarketJudge(symbol, qualityOptions({ mode: "paper", settings }));
    market = new RunningMarket(judge, hour);
    market.hand([candleAt(0), candleAt(1)], 0);
    judge.take();
  });
  const found = () => judge.take()?.findings.map(({ kind, severity }) => `${kind} ${severity}`) ?? [];

  const candles: { title: string; candle: Candle; next: number; found: string[] }[] = [
    { title: "moves on with a candle", candle: candleAt(2), next: 3, found: [] },
    { title: "waits on after one that contradicts itself", candle: candleAt(2, { low: 101 }), next: 2, found: ["inconsistent DEGRADED"] },
    { title: "waits on after one that lies off the interval", candle: candleAt(2.5), next: 2, found: ["off the interval DEGRADED"] },
    { title: "waits on after one from the far future that lies off the interval", candle: candleAt(900.001), next: 2, found: ["off the interval DEGRADED"] },
  ];
  for (const { title, candle, next, found: findings } of candles) {
    it(title, () => {
      market.hand([candle], 0);
      expect(numberOf(market.next as number)).to.equal(next);
      expect(found()).to.deep.equal(findings);
    });
  }

  it("does not take for a duplicate what it asked for again, but what one answer has twice", () => {
    market.hand([candleAt(0), candleAt(1)], 0);
    expect(found()).to.deep.equal([]);
    market.hand([candleAt(1), candleAt(2), candleAt(2)], 0);
    expect(found()).to.deep.equal(["duplicate note"]);
    market.hand([candleAt(2), candleAt(2), candleAt(2)], 0);
    expect(found()).to.deep.equal([]);
    expect(judge.quality.measures["duplicatesPerHour"]).to.equal(3);
  });

  const answers: { title: string; candle: Candle; revised: number[] }[] = [
    { title: "the same values", candle: candleAt(1), revised: [] },
    { title: "other values", candle: candleAt(1, { close: 101 }), revised: [1] },
    { title: "values that contradict each other", candle: candleAt(1, { low: 101 }), revised: [] },
    { title: "a time that was not there", candle: candleAt(2), revised: [] },
  ];
  for (const { title, candle, revised } of answers) {
    it(`${revised.length > 0 ? "takes" : "does not take"} ${title} for a revision`, () => {
      expect(market.revisedBy([candle]).map(numberOf)).to.deep.equal(revised);
    });
  }

  it("knows what was stored, and how that was revised before", () => {
    market.remember([candleAt(3), candleAt(4)], [candleAt(3, { close: 101 })]);
    expect(numberOf(market.next as number)).to.equal(5);
    expect(market.revisedBy([candleAt(3, { close: 101 }), candleAt(4)])).to.deep.equal([]);
    expect(market.revisedBy([candleAt(3, { close: 102 })]).map(numberOf)).to.deep.equal([3]);
  });
});

describe("history of a running source", () => {
  it("loses none to a candle that lies off the interval, at the end of a page", async () => {
    const all = [candleAt(0), candleAt(1), candleAt(1.5), candleAt(2), candleAt(3), candleAt(4)];
    const source = { mostCandles: 3, candles: async (_symbol: string, from: number, limit: number) => all.filter(({ openTime }) => openTime >= from).slice(0, limit) };
    const read = await readHistory(source, symbol, { from: start, to: start + 9 * hour }, hour, start + 4.5 * hour);
    expect(read.map(({ openTime }) => numberOf(openTime))).to.deep.equal([0, 1, 1.5, 2, 3]);
  });
});
