import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { parseCandles } from "../domain/candles";
import { rangeValues } from "../domain/evaluation/grid";
import type { SweepReport } from "../operations/sweep/sweepReport";
import { realCandlesFile, recordingOf } from "../test/support/candles";
import type { BenchResult } from "./result";

const run = promisify(execFile);
const root = path.join(__dirname, "..");

const peer = "backtesting==0.6.6";
const mostSeconds = 10;
const timesFaster = 15;

/** 1,000 sets, all of them allowed. */
const grid = {
  emaFast: rangeValues({ from: 5, to: 50, step: 5 }),
  emaSlow: rangeValues({ from: 60, to: 240, step: 20 }),
  stopAtrMultiple: rangeValues({ from: 1, to: 5.5, step: 0.5 }),
};

/** 50 of the sets, spread evenly over the grid, whose time is told for all of them. */
const sample = { emaFast: every(5, grid.emaFast), emaSlow: every(2, grid.emaSlow), stopAtrMultiple: every(2, grid.stopAtrMultiple) };

function every(nth: number, values: readonly number[]): number[] {
  return values.filter((_, index) => index % nth === 0);
}

/** The whole command over the real candles, its start and its reading included, against the optimize alone of a Python package. */
export async function benchGrid(say: (text: string) => void = () => undefined): Promise<BenchResult[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "bench-grid-"));
  try {
    const candles = path.join(folder, "candles.csv");
    await writeFile(candles, recordingOf(parseCandles(await readFile(await realCandlesFile(), "utf8"))));
    const python = await installed(folder, say);
    const gridFile = path.join(folder, "grid.json");
    await writeFile(gridFile, JSON.stringify(grid));

    say(`sweeping ${Object.values(grid).reduce((product, values) => product * values.length, 1)} sets`);
    const began = performance.now();
    const { stdout } = await run(process.execPath, ["operations/trading.mjs", "backtest", "--data", candles, "--grid", gridFile, "--no-record", "--json"], { cwd: root, maxBuffer: 2 ** 28 });
    const seconds = (performance.now() - began) / 1000;
    const sets = (JSON.parse(stdout) as SweepReport).results.length;

    say(`${peer}: optimize of ${Object.values(sample).reduce((product, values) => product * values.length, 1)} of them`);
    const told = await run(python, [path.join(__dirname, "peers", "backtesting_grid.py"), candles, JSON.stringify(sample)], { env: { ...process.env, PYTHONPATH: path.join(folder, "packages") }, maxBuffer: 2 ** 24 });
    const other = JSON.parse(told.stdout.trim().split("\n").at(-1)!) as { sets: number; seconds: number; trades: number };
    if (other.trades === 0) throw new Error(`${peer} made no trade: its time is of nothing`);
    const scaled = (other.seconds / other.sets) * sets;
    return [
      {
        name: `grid of ${sets} sets over the real candles, on ${availableParallelism()} cores`,
        ...{ unit: "s", value: seconds },
        comparedWith: { name: `${peer} (${other.sets} sets took ${other.seconds.toFixed(1)} s, scaled)`, value: scaled },
        target: `at most ${mostSeconds} s, ${timesFaster} times faster`,
        met: seconds <= mostSeconds && scaled >= timesFaster * seconds,
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns the machine's Python, for which the package is in the folder's `packages` */
async function installed(folder: string, say: (text: string) => void): Promise<string> {
  const failures: string[] = [];
  for (const python of ["python3", "python", "py"]) {
    try {
      say(`installing ${peer} beside ${python}`);
      // A folder of its own needs no venv, which Debian packs apart from Python.
      await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--target", path.join(folder, "packages"), peer], { timeout: 600_000 });
      return python;
    } catch (error) {
      failures.push(`${python}: ${(error as Error).message.trim().split("\n").at(-1)}`);
    }
  }
  throw new Error(`${peer} cannot be installed: ${failures.join("; ")}`);
}
