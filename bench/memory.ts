import { lines, type ThrowAwayStack } from "../test/support/throwAwayStack";
import type { BenchResult } from "./result";

/** Bounds of what each service may use, in MB. */
const BOUNDS: Readonly<Record<string, number>> = { "bot-refstrat01": 120, broker: 120, performance: 120, gui: 120, livefeed: 160, mlflow: 450 };

const UNITS: Readonly<Record<string, number>> = { B: 1 / 1e6, KiB: 1024 / 1e6, MiB: 1024 ** 2 / 1e6, GiB: 1024 ** 3 / 1e6 };

/** Memory of each service of ours as the Engine accounts it, the largest of several looks. */
export async function benchMemory(stack: ThrowAwayStack, looks = 3): Promise<BenchResult[]> {
  const highest: Record<string, number> = {};
  for (let look = 0; look < looks; look++) {
    const { stdout } = await stack.docker(["stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}", ...Object.keys(BOUNDS).map((service) => stack.container(service))]);
    for (const line of lines(stdout)) {
      const [name = "", usage = ""] = line.split("\t");
      const [, number = "0", unit = "B"] = /^([\d.]+)([KMG]?i?B)/.exec(usage) ?? [];
      const service = name.slice(stack.container("").length);
      highest[service] = Math.max(highest[service] ?? 0, Number(number) * (UNITS[unit] ?? Number.NaN));
    }
  }
  return Object.entries(BOUNDS).map(([service, bound]) => ({
    name: `memory of ${service}`,
    unit: "MB",
    value: highest[service] ?? Number.NaN,
    comparedWith: { name: "its bound", value: bound },
    target: `at most ${bound} MB`,
    met: (highest[service] ?? Infinity) <= bound,
  }));
}
