import { expect } from "chai";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { backtest } from "../../domain/backtest";
import { parseCandles } from "../../domain/candles";
import { defaultExecution } from "../../domain/execution";
import { track } from "../../domain/kpis/tracking";
import { kpisOf } from "../../domain/kpis/window";
import { ImageBuilder } from "../../images/build";
import { realCandlesFile } from "../support/candles";
import { execute, PROJECT_ROOT } from "../support/throwAwayStack";

const hour = 3_600_000;
const hoursOfYear = 8760;
const warmupBars = 300;

/** Equity of two backtests over the same bars; figures are compared of the stretch that begins with the first value. */
interface Stretch {
  readonly title: string;
  readonly own: readonly number[];
  readonly reference: readonly number[];
}

/** The key figures against empyrical, a Python package that is used for this by many, and scipy's moments and distribution. */
describe("key figures, computed independently", function () {
  this.timeout(600_000);

  const image = `trading-test-${randomBytes(4).toString("hex")}-kpis`;
  const stretches: Stretch[] = [];
  let computed: Record<string, number | null>[];

  before(async () => {
    const candles = parseCandles(await readFile(await realCandlesFile(), "utf8"));
    const equityOf = (options: Parameters<typeof backtest>[1]) => backtest(candles, { ...options, warmupBars }).equity.map(({ equity }) => equity);
    const own = equityOf({});
    const dearer = equityOf({ execution: { ...defaultExecution, slippageRate: 0.002 } });
    const other = equityOf({ parameters: { emaFast: 12, emaSlow: 26 } });
    // All of the candles, years, months, and one that lost: each with the value before its first bar.
    const parts: [title: string, reference: readonly number[], from: number, bars: number][] = [
      ["all candles, against dearer fills", dearer, 0, own.length - 1],
      ["all candles, against other settings", other, 0, own.length - 1],
      ["the first year", dearer, 0, hoursOfYear],
      ["the second year", other, hoursOfYear, hoursOfYear],
      ...[2000, 6000, 9000, 12_000, 17_000].map((from): [string, readonly number[], number, number] => [`30 days from bar ${from}`, other, from, 720]),
    ];
    for (const [title, reference, from, bars] of parts) stretches.push({ title, own: own.slice(from, from + bars + 1), reference: reference.slice(from, from + bars + 1) });
    const base = await new ImageBuilder(PROJECT_ROOT, () => undefined).ensure("base");
    const built = await execute("docker", ["build", "--quiet", "--build-arg", `BASE=${base}`, "--tag", image, path.join(__dirname, "..", "images", "kpis")]);
    if (built.code !== 0) throw new Error(built.text);
    computed = JSON.parse(await inContainer(JSON.stringify(stretches.map((each) => ({ own: each.own, reference: each.reference, periods: hoursOfYear }))))) as typeof computed;
  });

  after(async () => {
    await execute("docker", ["image", "rm", "--force", image]);
  });

  it("are of stretches that won and of some that lost, so that nothing is compared with nothing", () => {
    const sharpes = computed.map(({ sharpe }) => sharpe!);
    expect(computed).to.have.length(9);
    expect([Math.max(...sharpes) > 1, Math.min(...sharpes) < -1]).to.deep.equal([true, true]);
    expect(computed.every(({ trackingError, maxDrawdown }) => trackingError! > 0 && maxDrawdown! > 0)).to.equal(true);
  });

  it("agree to a billionth: Sharpe ratio and what it is worth, drawdown, return, tracking error, mean difference", () => {
    stretches.forEach(({ title, own, reference }, index) => {
      const marks = own.map((equity, bar) => ({ bar: bar * hour, equity, held: false }));
      const kpis = kpisOf({ windowBars: own.length - 1, barMilliseconds: hour, marks, trades: [], fills: [], peakBefore: null, expectedTradesPer30Days: null });
      const { trackingError, meanDifference } = track({ own, reference })!;
      const { sharpe, standardError, probability, minimumReturns } = kpis.sharpe!;
      const ours = { sharpe, standardError, probability, maxDrawdown: kpis.drawdown!.max, totalReturn: kpis.totalReturn!, trackingError, meanDifference };
      for (const [key, value] of Object.entries(ours)) expect(Math.abs(value / computed[index]![key]! - 1), `${key} of ${title}: ${value} and ${computed[index]![key]}`).to.be.below(1e-9);
      expect(minimumReturns ?? null, `minimumReturns of ${title}`).to.equal(computed[index]!["minimumReturns"]);
    });
  });

  async function inContainer(input: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile("docker", ["run", "--rm", "--interactive", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", image], { maxBuffer: 2 ** 26 }, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
      child.stdin!.end(input);
    });
  }
});
