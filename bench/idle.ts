import { setTimeout as delay } from "node:timers/promises";
import Docker from "dockerode";
import { ThrowAwayStack } from "../test/support/throwAwayStack";
import type { BenchResult } from "./result";

/** Per cent of one core that a whole stack may use while nothing happens. */
const BOUND = 5;
/** A market at its own speed: no candle closes while this is measured, but for one in an hour. */
const configuration = { feed: { source: "synthetic", seed: 7, speed: 1 } };

/** CPU time of a container since it was started, as the kernel accounts it to its control group. */
interface CpuReading {
  /** Nanoseconds of one core. */
  readonly used: number;
  /** When it was read, wall milliseconds. */
  readonly at: number;
}

/**
 * CPU of a throw-away stack at rest: all processes of each container, health checks included, from the counters of their
 * control groups. `docker stats` takes its numbers from the same place, but looks at one second and rounds.
 */
export async function benchIdle(say: (text: string) => void, seconds = { settling: 60, measured: 60 }): Promise<BenchResult[]> {
  const stack = await ThrowAwayStack.make({ configuration });
  try {
    const up = await stack.up();
    if (up.code !== 0) throw new Error(up.text);
    const ids = await stack.containerIds();
    say(`${Object.keys(ids).length} containers are up, they settle for ${seconds.settling} s`);
    await delay(seconds.settling * 1000);
    const before = await readAll(ids);
    await delay(seconds.measured * 1000);
    const after = await readAll(ids);
    const shares = Object.keys(ids)
      .sort()
      .map((service) => ({ service, share: share(before[service]!, after[service]!) }));
    const total = shares.reduce((sum, { share: own }) => sum + own, 0);
    return [
      ...shares.map(({ service, share: own }): BenchResult => ({ name: `CPU of ${service} at rest`, unit: "%", value: own, comparedWith: { name: "the stack", value: total }, target: "-", met: true })),
      { name: `CPU of the stack at rest, ${seconds.measured} s`, unit: "%", value: total, comparedWith: { name: "its bound", value: BOUND }, target: `at most ${BOUND} % of a core`, met: total <= BOUND },
    ];
  } finally {
    await stack.remove();
  }
}

/** CPU of some services of a stack that is up already, in per cent of a core. */
export async function benchServices(stack: ThrowAwayStack, services: readonly string[], seconds: number): Promise<number> {
  const all = await stack.containerIds();
  const ids = Object.fromEntries(services.map((service) => [service, all[service]!]));
  const before = await readAll(ids);
  await delay(seconds * 1000);
  const after = await readAll(ids);
  return services.reduce((sum, service) => sum + share(before[service]!, after[service]!), 0);
}

function share(before: CpuReading, after: CpuReading): number {
  return ((after.used - before.used) / 1e6 / (after.at - before.at)) * 100;
}

async function readAll(ids: Readonly<Record<string, string>>): Promise<Record<string, CpuReading>> {
  const docker = new Docker();
  const entries = Object.entries(ids).map(async ([service, id]) => [service, await readCpu(docker.getContainer(id))] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function readCpu(container: Docker.Container): Promise<CpuReading> {
  // Without one-shot the Engine waits a second for a number to compare with.
  const stats = await container.stats({ stream: false, "one-shot": true });
  const used = stats.cpu_stats.cpu_usage.total_usage;
  if (!(used > 0)) throw new Error(`the Engine tells no CPU time of container ${container.id}`);
  return { used, at: Date.parse(stats.read) };
}
