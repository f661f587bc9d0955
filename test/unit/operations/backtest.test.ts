import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import * as zlib from "node:zlib";
import type { BacktestReport } from "../../../operations/backtestReport";
import { makeClone, trading } from "./support";

const HOUR = 3_600_000;
const START = Date.parse("2024-01-01T00:00:00Z");
const HEADER = "open_time_ms,open,high,low,close,volume";

/** Candles whose closes are given, each opening at the close before it. */
function csv(closes: readonly number[], step = HOUR): string {
  const rows = closes.map((close, index) => {
    const open = closes[index - 1] ?? close;
    return [START + index * step, open, Math.max(open, close) + 1, Math.min(open, close) - 1, close, 10].join(",");
  });
  return [HEADER, ...rows, ""].join("\n");
}

/** Falls, rises and falls again: one round trip for averages of 2 and 3 bars. */
const ONE_TRADE = [...Array.from({ length: 20 }, (_, index) => 1000 - index), ...Array.from({ length: 10 }, (_, index) => 981 + 5 * index), ...Array.from({ length: 10 }, (_, index) => 1026 - 5 * index)];
const QUICK = ["--set", "emaFast=2", "--set", "emaSlow=3", "--set", "atrPeriod=2", "--warmup-bars", "16"];

describe("backtest", () => {
  let root: string;
  let file: string;
  beforeEach(() => {
    root = makeClone();
    file = path.join(root, "candles.csv");
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  // What is recorded, and where, is in backtestRuns.test.ts: these must not reach an MLflow that runs on this machine.
  const backtest = (...more: string[]) => trading(root, ["backtest", "--data", file, "--no-record", ...more]);
  const report = async (...more: string[]) => JSON.parse((await backtest("--json", ...more)).out) as BacktestReport;

  it("prints a table, - for what cannot be computed", async () => {
    fs.writeFileSync(file, csv(Array.from({ length: 310 }, () => 1000)));
    const told = await backtest();
    expect(told.error).to.equal("");
    expect(told.out).to.equal(
      [
        `Backtest of RefStrat_01 on ${file} (bot refstrat01 of stack paper: emaFast=20, emaSlow=50, atrPeriod=14, stopAtrMultiple=3, riskFraction=0.005, maxExposure=1)`,
        "┌───────────────┬──────────────────────────────────────────────┐",
        "│ figure        │ value                                        │",
        "├───────────────┼──────────────────────────────────────────────┤",
        "│ Period        │ 2024-01-13 12:00 UTC to 2024-01-13 22:00 UTC │",
        "│ Bars          │ 10 traded, 300 of warm-up before them        │",
        "│ File          │ 310 candles, 0 missing                       │",
        "│ Trades        │ 0 (0.00 in 30 days)                          │",
        "│ Profit        │ 0.00 (0.00 %) on 10000.00                    │",
        "│ Sharpe        │ -                                            │",
        "│ Max drawdown  │ 0.00 %                                       │",
        "│ Fees          │ 0.00                                         │",
        "│ Hit rate      │ -                                            │",
        "│ Profit factor │ -                                            │",
        "│ Exposure      │ 0.00 % of the bars                           │",
        "│ At the end    │ no position                                  │",
        "└───────────────┴──────────────────────────────────────────────┘",
        "",
      ].join("\n"),
    );
    expect(told.exitCode).to.equal(0);
    const { metrics } = await report();
    expect([metrics.sharpe, metrics.hitRate, metrics.profitFactor]).to.deep.equal([null, null, null]);
  });

  it("runs the strategy with the settings of the stack and of the command line", async () => {
    fs.writeFileSync(file, csv(ONE_TRADE));
    const { trades, metrics, fees, exposure, equity, profit, settings, execution, fills, openPosition } = await report(...QUICK);
    expect(trades).to.have.length(1);
    const [trade] = trades;
    const bar = (time: number) => (time - START) / HOUR;
    // The averages cross on the close of bar 21 at the latest; entry and exit fill on the next open.
    expect(bar(trade!.entryBar)).to.be.within(21, 23);
    expect(bar(trade!.exitBar)).to.be.within(30, 35);
    expect(exposure).to.be.closeTo((bar(trade!.exitBar) - bar(trade!.entryBar)) / 24, 1e-12);
    expect(equity).to.have.length(24);
    expect(fees).to.be.closeTo(trade!.fees, 1e-9);
    expect(profit).to.be.closeTo(trade!.profit, 1e-6);
    expect(metrics.hitRate).to.equal(trade!.profit > 0 ? 1 : 0);
    expect(settings).to.include({ emaFast: 2, emaSlow: 3, atrPeriod: 2, stopAtrMultiple: 3 });
    expect(execution).to.deep.equal({ feeRate: 0.001, slippageRate: 0.0005, priceTick: 0.01, quantityStep: 0.00001, priceCollar: 0.02 });
    expect([fills.length, openPosition]).to.deep.equal([2, null]);
    const free = await report(...QUICK, "--fee-rate", "0", "--slippage-rate", "0", "--starting-cash", "5000");
    expect([free.fees, free.metrics.startingCash]).to.deep.equal([0, 5000]);
  });

  it("counts a position that is still open into fees and exposure", async () => {
    fs.writeFileSync(file, csv(ONE_TRADE.slice(0, 28)));
    const { trades, fills, fees, exposure, openPosition } = await report(...QUICK);
    expect(trades).to.deep.equal([]);
    expect(fees).to.equal(fills[0]!.fee).and.to.be.above(0);
    expect(exposure).to.be.closeTo((START + 28 * HOUR - openPosition!.entryBar) / HOUR / 12, 1e-12);
    expect((await backtest(...QUICK)).out).to.match(/At the end {4}│ \d+\.\d+ bought at \d+\.\d\d still open/);
  });

  it("reads gzip, whatever the name says, and tells of missing and misplaced rows", async () => {
    const rows = csv(ONE_TRADE).split("\n");
    rows.splice(10, 1);
    [rows[14], rows[15]] = [rows[15]!, rows[14]!];
    fs.writeFileSync(file, zlib.gzipSync(rows.join("\n")));
    const told = await backtest(...QUICK);
    expect(told.out).to.include("│ File          │ 39 candles, 1 missing, 1 out of order");
    expect(told.exitCode).to.equal(0);
  });

  const bad: [string, () => string | Buffer, string][] = [
    ["a wrong value", () => `${HEADER}\n1704067200000,1,2,0.5,abc,1\n`, ': line 2: close "abc" is not a number'],
    ["another header", () => "a,b\n1,2\n", ': line 2: "1,2" is not a known header; known are "open_time_ms,open,high,low,close,volume" and CryptoDataDownload\'s "date,symbol,open,high,low,close,volume_<base>,volume"'],
    ["no rows", () => `${HEADER}\n`, ": there are no candles in the file"],
    ["half a gzip file", () => zlib.gzipSync(csv(ONE_TRADE)).subarray(0, 200), ": cannot be unpacked as gzip (unexpected end of file)"],
    ["candles of a minute", () => csv(ONE_TRADE, 60_000), ": candle 2024-01-01T00:01:00.000Z is 60 s after the one before; allowed: candles of 1h"],
    ["too few candles", () => csv(ONE_TRADE), ": holds 40 candles and 300 go into the warm-up; allowed: a longer file, or a smaller --warmup-bars"],
  ];
  for (const [name, content, message] of bad) {
    it(`refuses ${name}: path, place, exit code 2`, async () => {
      fs.writeFileSync(file, content());
      expect(await backtest()).to.deep.equal({ exitCode: 2, out: "", error: `error: ${file}${message}\n` });
    });
  }
  it("refuses what is no file", async () => {
    expect((await backtest()).error).to.equal(`error: ${file}: there is no such file\n`);
    fs.mkdirSync(file);
    expect((await backtest()).error).to.equal(`error: ${file}: is a folder; allowed: a .csv or .csv.gz file\n`);
  });
});
