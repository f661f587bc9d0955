import { expect } from "chai";
import type { OutOfSample } from "../../../../domain/evaluation/outOfSample";
import { unproven, type EvaluationFacts } from "../../../../domain/evaluation/unproven";
import { tradeFigures } from "../../../../domain/kpis/trades";

const measured = (given: Partial<OutOfSample> = {}): OutOfSample => ({
  ...{ bars: 9600, days: 400, maxDrawdown: 0.05, totalReturn: 0.08, tradesPer30Days: 6, interval: { low: -0.5, high: 2.4 }, minimumTrackRecordDays: 988.2 },
  sharpe: { sharpe: 1, standardError: 0.95, probability: 0.85, minimumReturns: 23_717, returns: 9600 },
  trades: tradeFigures(Array.from({ length: 80 }, () => ({ profit: 1, fees: 1 }))),
  ...given,
});
const facts = (given: Partial<EvaluationFacts> = {}): EvaluationFacts => ({ measured: measured(), sets: 1, chosen: 1, inSampleSharpe: 1.4, missingCandles: 0, ageDays: 2, feeRate: 0.001, slippageRate: 0.0005, ...given });

const given = "Whether these settings were picked with these candles in sight, no computation can tell: only what comes after them, such as paper trading, is out of sample for certain.";
const simulated = "Fills are simulated at a fee of 0.1 % and a slippage of 0.05 %: no order book, no outage, no other trader.";

describe("what data cannot prove", () => {
  it("is said of any evaluation, however good", () => {
    const [ratio, ...others] = unproven(facts({ measured: measured({ minimumTrackRecordDays: 200 }) }));
    expect(ratio).to.equal("That the Sharpe ratio is above 0 is proven at 95 % for candles like these (it took 200 of 400 days); that it is 1.00 is not: it may be -0.90 or 2.90.");
    expect(others).to.deep.equal([given, simulated]);
  });

  const cases: [title: string, facts: EvaluationFacts, sentence: string][] = [
    ["a record that is too short", facts(), "That the Sharpe ratio is above 0 is not proven: with 1.00 it takes 989 days at 95 %, and these are 400."],
    [
      "a ratio below 0",
      facts({ measured: measured({ minimumTrackRecordDays: undefined, sharpe: { sharpe: -0.4, standardError: 1, probability: 0.3, minimumReturns: undefined, returns: 9600 } }) }),
      "A Sharpe ratio above 0 is not proven and no longer record like this one proves it: it is -0.40.",
    ],
    ["a curve that does not move", facts({ measured: measured({ sharpe: undefined }) }), "The curve does not move: nothing was measured."],
    ["few trades", facts({ measured: measured({ trades: tradeFigures([{ profit: 1, fees: 1 }]) }) }), "1 closed trades are too few to speak of hit rate or profit factor; 30 are the least."],
    ["settings that were chosen", facts({ sets: 320 }), "Each fold chose the best of 320 sets, whose Sharpe ratio was 1.40 on the candles it was chosen on: that number proves nothing."],
    ["settings that were chosen without a ratio", facts({ sets: 3, inSampleSharpe: undefined }), "Each fold chose among 3 sets of which none had a Sharpe ratio: it chose nothing."],
    ["folds that chose differently", facts({ sets: 320, chosen: 4 }), "The folds chose 4 different sets: what was measured is the choosing, not any one of them."],
    ["missing candles", facts({ missingCandles: 7 }), "7 candles are missing: what happened then is in no figure."],
    ["old candles", facts({ ageDays: 2597.4 }), "The candles end 2597 days ago: of the market since then they say nothing."],
  ];
  for (const [title, each, sentence] of cases) it(`names ${title}, and nothing like it otherwise`, () => {
    expect(unproven(each)).to.include(sentence);
    expect(unproven(facts({ measured: measured({ minimumTrackRecordDays: 200 }) }))).to.not.include(sentence);
  });
});
