import { Gauge, type Registry } from "prom-client";
import type { GuardState } from "./Guard";

/** What `/metrics` tells of the guard. */
export function addMetrics(registry: Registry, state: () => GuardState, clock: () => number = () => performance.now()): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `trading_guard_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("lease_granted", "1 while the guard vouches for the stack: without it no entry leaves", () => Number(state().lease.state === "GRANTED"));
  gauge("last_look_age_seconds", "Since the last look that succeeded", () => (clock() - (state().lookedAt ?? 0)) / 1000);
  gauge("looks_total", "Looks that succeeded", () => state().looks);
  gauge("verdicts", "Rules that are broken now", () => state().verdicts.length);
}
