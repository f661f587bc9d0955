import { expect } from "chai";
import { readFile } from "node:fs/promises";
import { backtest } from "../../../domain/backtest";
import { readCandles, type Candle, type CandleFile } from "../../../domain/candles";
import { realCandlesFile } from "../../support/candles";
import { oracle, type OracleParameters } from "../../support/oracle";

describe("RefStrat_01 over real candles", () => {
  let csv: string;
  let file: CandleFile;

  before(async function () {
    this.timeout(180_000);
    csv = await readFile(await realCandlesFile(), "utf8");
    file = readCandles(csv);
  });

  it("reads every candle, ascending, and reports the five rows out of order", () => {
    expect(file.candles).to.have.length(20_111);
    const steps = new Set(file.candles.slice(1).map((candle, index) => candle.openTime - file.candles[index]!.openTime));
    expect([...steps]).to.deep.equal([3_600_000]);
    expect(new Date(file.candles[0]!.openTime).toISOString()).to.equal("2017-07-01T11:00:00.000Z");
    const lines = file.findings.map(({ kind, line }) => `${kind} ${line}`);
    expect(lines).to.deep.equal([16901, 16903, 16905, 16907, 16909].map((line) => `out of order ${line}`));
  });

  const cases: { title: string; oracle: OracleParameters }[] = [
    { title: "defaults", oracle: { fast: 20, slow: 50, atr: 14, multiple: 3, risk: 0.005, exposure: 1 } },
    { title: "1 % risk", oracle: { fast: 20, slow: 50, atr: 14, multiple: 3, risk: 0.01, exposure: 1 } },
    { title: "short averages, near stop", oracle: { fast: 12, slow: 26, atr: 7, multiple: 1, risk: 0.005, exposure: 1 } },
    { title: "all cash in each entry", oracle: { fast: 12, slow: 26, atr: 14, multiple: 2, risk: 0.1, exposure: 1 } },
    { title: "half of the cash", oracle: { fast: 50, slow: 200, atr: 20, multiple: 2.5, risk: 0.1, exposure: 0.5 } },
  ];
  const run = (candles: readonly Candle[], parameters: OracleParameters) =>
    backtest(candles, {
      parameters: {
        emaFast: parameters.fast,
        emaSlow: parameters.slow,
        atrPeriod: parameters.atr,
        stopAtrMultiple: parameters.multiple,
        riskFraction: parameters.risk,
        maxExposure: parameters.exposure,
      },
      startingCash: 10_000,
    });

  for (const { title, oracle: parameters } of cases) {
    it(`gives the fills, trades and equity of the independent implementation: ${title}`, () => {
      const expected = oracle(csv, parameters, 10_000);
      const actual = run(file.candles, parameters);
      expect(expected.trades.length).to.be.greaterThan(30);
      const fills = actual.fills.map((fill) => ({
        bar: fill.bar,
        side: fill.side,
        price: fill.price.toFixed(2),
        quantity: fill.quantity.toFixed(5),
        fee: fill.fee.toFixed(8),
      }));
      expect(fills).to.deep.equal(expected.fills);
      const trades = actual.trades.map(({ entryBar, exitBar, profit, exitReason }) => ({
        entryBar,
        exitBar,
        profit: profit.toFixed(8),
        exitReason,
      }));
      expect(trades).to.deep.equal(expected.trades);
      expect(actual.equity.map(({ equity }) => equity.toFixed(8))).to.deep.equal(expected.equity);
    });
  }

  it("gives them on a recording with missing candles, the one after an entry's decision among them", () => {
    const parameters = cases[2]!.oracle;
    const entries = run(file.candles, parameters).fills.filter(({ side }) => side === "buy").map(({ bar }) => bar);
    // Every third entry loses its bar, and every fiftieth candle is missing as well.
    const missing = new Set(entries.filter((_, index) => index % 3 === 0));
    const lines = csv.split("\n");
    const left = lines.filter((line, index) => index < 2 || line.trim() === "" || (index % 50 !== 0 && !missing.has(readCandles([...lines.slice(0, 2), line].join("\n")).candles[0]!.openTime)));
    const { candles } = readCandles(left.join("\n"));
    expect(file.candles.length - candles.length).to.be.greaterThan(400 + missing.size / 2);
    const expected = oracle(left.join("\n"), parameters, 10_000);
    const actual = run(candles, parameters);
    expect(actual.trades.map(({ entryBar, exitBar, profit }) => [entryBar, exitBar, profit.toFixed(8)])).to.deep.equal(expected.trades.map(({ entryBar, exitBar, profit }) => [entryBar, exitBar, profit]));
    const steps = new Map(candles.slice(1).map((candle, index) => [candle.openTime, candle.openTime - candles[index]!.openTime]));
    expect(actual.fills.filter(({ side, bar }) => side === "buy" && steps.get(bar) !== 3_600_000)).to.deep.equal([]);
    // Had entries outlived the gaps, there would be nearly as many.
    expect(actual.trades.length).to.be.lessThan(entries.length * 0.9);
  });

  it("gives the figures that docs/strategies/RefStrat_01.md states", async () => {
    const { metrics, trades } = backtest(file.candles);
    const page = await readFile(`${__dirname}/../../../docs/strategies/RefStrat_01.md`, "utf8");
    const stops = trades.filter((trade) => trade.exitReason === "stop").length;
    const figures = {
      "Closed trades": `${metrics.trades} (${stops} by the stop)`,
      "Trades per 30 days": metrics.tradesPer30Days!.toFixed(1),
      "Final equity": metrics.finalEquity.toFixed(2),
      "Total return": `${(100 * metrics.totalReturn).toFixed(1)} %`,
      "Sharpe ratio": metrics.sharpe!.toFixed(2),
      "Maximum drawdown": `${(100 * metrics.maxDrawdown!).toFixed(1)} %`,
      "Hit rate": `${(100 * metrics.hitRate!).toFixed(1)} %`,
      "Profit factor": metrics.profitFactor!.toFixed(2),
      "Fees": metrics.fees.toFixed(2),
    };
    for (const [name, value] of Object.entries(figures)) {
      expect(page).to.contain(`| ${name} | ${value} |`);
    }
  });
});
