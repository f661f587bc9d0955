import { Command } from "commander";
import { ThrowAwayStack } from "../test/support/throwAwayStack";
import { benchBacktest } from "./backtest";
import { benchBackup } from "./backup";
import { benchRecovery } from "./recovery";
import { benchChangedBot } from "./changedBot";
import { benchDrift } from "./drift";
import { benchFirstRun } from "./firstRun";
import { benchGrid } from "./grid";
import { benchHalt } from "./halt";
import { benchGuard } from "./guard";
import { benchIdle } from "./idle";
import { benchKpis } from "./kpis";
import { benchKpiStorage } from "./kpiStorage";
import { benchLatency } from "./latency";
import { benchMemory } from "./memory";
import { benchParity } from "./parity";
import { benchLiveBringUp } from "./liveBringUp";
import { benchRollback } from "./rollback";
import { benchPreview } from "./preview";
import { benchSlowdown } from "./slowdown";
import { renderResults, type BenchResult } from "./result";
import { benchUnchangedUp } from "./unchangedUp";

/** Measurements that work on a running stack. */
const ON_STACK: Readonly<Record<string, (stack: ThrowAwayStack) => Promise<BenchResult[]>>> = { up: benchUnchangedUp, bot: benchChangedBot, memory: benchMemory, rollback: benchRollback };
/** Measurements that bring up what they need, each after the other. */
const ON_THEIR_OWN: Readonly<Record<string, (say: (text: string) => void) => Promise<BenchResult[]>>> = { latency: benchLatency, idle: benchIdle, guard: benchGuard, backup: benchBackup, slowdown: benchSlowdown, recovery: benchRecovery, halt: benchHalt, grid: benchGrid, kpis: benchKpis, "kpi-storage": benchKpiStorage, parity: benchParity, live: benchLiveBringUp, drift: benchDrift, preview: benchPreview };
const NAMES = [...Object.keys(ON_STACK), ...Object.keys(ON_THEIR_OWN), "backtest", "start"];

async function main(): Promise<void> {
  const program = new Command("npm run bench --")
    .description("Measures on throw-away stacks, side by side with what one would pick instead, in one run.")
    .argument("[names...]", `what to measure: ${NAMES.join(", ")} (default: all)`)
    .option("--cold", "with start: without caches and images; removes this project's images from the Engine first")
    .option("--json", "print JSON")
    .parse();
  const { json, cold } = program.opts<{ json?: boolean; cold?: boolean }>();
  const names = program.args.length > 0 ? program.args : NAMES;
  for (const name of names) if (!NAMES.includes(name)) program.error(`unknown measurement "${name}"; allowed: ${NAMES.join(", ")}`, { exitCode: 2 });
  const say = (text: string) => process.stderr.write(`${text}\n`);

  const results: BenchResult[] = [];
  if (names.includes("backtest")) results.push(...(await backtests()));
  const onStack = names.flatMap((name) => (ON_STACK[name] ? [[name, ON_STACK[name]] as const] : []));
  if (onStack.length > 0) {
    say("bringing up a throw-away stack");
    const stack = await ThrowAwayStack.make();
    try {
      const up = await stack.up();
      if (up.code !== 0) throw new Error(up.text);
      for (const [name, bench] of onStack) {
        say(`measuring ${name}`);
        results.push(...(await bench(stack)));
      }
    } finally {
      await stack.remove();
    }
  }
  for (const name of names) {
    const bench = ON_THEIR_OWN[name];
    if (bench === undefined) continue;
    say(`measuring ${name}`);
    results.push(...(await bench(say)));
  }
  if (names.includes("start")) {
    say("measuring start");
    results.push(...(await benchFirstRun(cold === true)));
  }
  process.stdout.write(json ? `${JSON.stringify(results, null, 2)}\n` : `${renderResults(results)}\n`);
  // A number that is not reached is told to whoever runs this by itself as well.
  if (results.some(({ met }) => !met)) process.exitCode = 1;
}

async function backtests(): Promise<BenchResult[]> {
  const { candles, median, first } = await benchBacktest();
  return [{ name: `backtest of ${candles} real candles, warm`, unit: "ms", value: median, comparedWith: { name: "its first run", value: first }, target: "at most 10 ms", met: median <= 10 }];
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
