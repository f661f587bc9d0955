import { spawn, type ChildProcess } from "node:child_process";
import * as os from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { readBrokerSight } from "../control/brokerSight";
import { haltsOf } from "../control/LatchFolder";
import { busySettings, HaltedStack } from "../test/support/haltedStack";
import { eventually, ThrowAwayStack, wideLimits } from "../test/support/throwAwayStack";
import { percentile } from "./firstReaction";
import { median, type BenchResult } from "./result";

/** Halts of each kind that are measured. */
const halts = 40;
/** Times that the other way of stopping is measured. */
const stops = 5;
/** Busy loops for each processor while the machine is loaded. */
const loopsPerProcessor = 3;

/**
 * How soon a halt is in force: from the moment at which the owner's command is begun, the loading of its program included,
 * until the broker has read it. From then on it lets nothing out.
 */
export async function benchHalt(say: (text: string) => void): Promise<BenchResult[]> {
  const stack = await ThrowAwayStack.make({ configuration: { guard: null, bots: [{ name: "refstrat01", settings: busySettings, limits: wideLimits }] } });
  try {
    say("bringing up a throw-away stack");
    const up = await stack.up([], { timeoutSeconds: 600 });
    if (up.code !== 0) throw new Error(up.text);
    const halted = new HaltedStack(stack);
    say(`halting ${halts} times with all up`);
    const idle = await measure(halted, say);
    const loops = busyLoops(os.cpus().length * loopsPerProcessor);
    let loaded: number[];
    try {
      say(`halting ${halts} times beside ${loops.length} busy loops on ${os.cpus().length} processors`);
      loaded = await measure(halted, say);
    } finally {
      for (const loop of loops) loop.kill("SIGKILL");
    }
    say("stopping the bot's container without a halt, for comparison");
    const stopped = await dockerStops(stack, halted);
    const comparedWith = { name: "docker stop of the bot, which ends no order of the broker's", value: median(stopped) };
    const [p99Idle, p99Loaded] = [percentile(idle, 0.99), percentile(loaded, 0.99)];
    return [
      { name: `halt in force with all up, from the command on, ${halts} halts, p99`, unit: "s", value: p99Idle, comparedWith, target: "at most 1 s", met: p99Idle <= 1 },
      { name: "the same, median", unit: "s", value: median(idle), comparedWith, target: "-", met: true },
      { name: `halt in force on a loaded machine, ${halts} halts, p99`, unit: "s", value: p99Loaded, target: "at most 5 s", met: p99Loaded <= 5 },
      { name: "the same, median", unit: "s", value: median(loaded), target: "-", met: true },
    ];
  } finally {
    await stack.remove();
  }
}

async function measure(halted: HaltedStack, say: (text: string) => void): Promise<number[]> {
  const seconds: number[] = [];
  for (let count = 0; count < halts; count++) {
    const before = new Set(readBrokerSight(halted.control)?.incidents);
    const began = performance.now();
    const command = halted.halt("pause");
    let ended = false;
    void command.finally(() => (ended = true)).catch(() => undefined);
    while (!ended && !(readBrokerSight(halted.control)?.incidents ?? []).some((incident) => !before.has(incident))) await delay(5);
    seconds.push((performance.now() - began) / 1000);
    const { outcome, halted: placed } = await command;
    if (outcome.code !== 0) throw new Error(outcome.text);
    // Lifted without the command, which would take most of the time of the benchmark.
    haltsOf(halted.control).lift(placed.halt.id, { liftedAt: new Date().toISOString(), liftedBy: "drill", liftedWho: "benchmark", liftedReason: "measured" });
    await eventually("the broker holds to it no longer", 30, async () => readBrokerSight(halted.control)?.incidents.includes(placed.halt.id) === false);
  }
  say(`in force after ${median(seconds).toFixed(2)} s (median), ${percentile(seconds, 0.99).toFixed(2)} s (p99)`);
  return seconds;
}

/** Processes that do nothing but compute. */
function busyLoops(count: number): ChildProcess[] {
  return Array.from({ length: count }, () => spawn(process.execPath, ["--eval", "for (;;);"], { stdio: "ignore" }));
}

async function dockerStops(stack: ThrowAwayStack, halted: HaltedStack): Promise<number[]> {
  const seconds: number[] = [];
  for (let count = 0; count < stops; count++) {
    const { seconds: taken } = await stack.docker(["stop", stack.container("bot-refstrat01")]);
    seconds.push(taken);
    await stack.docker(["start", stack.container("bot-refstrat01")]);
    await eventually("the bot is healthy", 90, async () => (await halted.state("bot-refstrat01")) === "running healthy");
  }
  return seconds;
}
