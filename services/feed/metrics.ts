import { Counter, Gauge, type Registry } from "prom-client";
import type { FindingSeverity } from "../../domain/feedState";
import { leaseSeconds, type SymbolState } from "./store";

/** What `/metrics` tells of the feed. */
export class FeedMetrics {
  private readonly written: Counter<"symbol">;
  private readonly findings: Counter<"symbol" | "kind" | "severity">;
  private readonly lastCandle: Gauge<"symbol">;
  private readonly state: Gauge<"symbol" | "state">;
  private readonly measure: Gauge<"symbol" | "measure">;
  /** On the monotonic clock, in milliseconds. */
  private readonly leaseUntil = new Map<string, number>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.written = new Counter({ name: "feed_candles_written_total", help: "Candles written since the start", labelNames: ["symbol"], registers });
    this.findings = new Counter({ name: "feed_findings_total", help: "Findings about the source since the start", labelNames: ["symbol", "kind", "severity"], registers });
    this.lastCandle = new Gauge({ name: "feed_last_candle_timestamp_seconds", help: "Open time of the newest candle", labelNames: ["symbol"], registers });
    this.state = new Gauge({ name: "feed_state", help: "1 for the state the feed is in", labelNames: ["symbol", "state"], registers });
    this.measure = new Gauge({ name: "feed_measure", help: "What the state is judged by: silence, lateness, clock skew and counts", labelNames: ["symbol", "measure"], registers });
    const { leaseUntil } = this;
    new Gauge({
      name: "feed_lease_seconds",
      help: "Seconds until the lease runs out",
      labelNames: ["symbol"],
      registers,
      collect() {
        for (const [symbol, until] of leaseUntil) this.set({ symbol }, Math.max(0, (until - performance.now()) / 1000));
      },
    });
  }

  addWritten(symbol: string, count = 1): void {
    this.written.inc({ symbol }, count);
  }

  addFinding(symbol: string, kind: string, severity: FindingSeverity): void {
    this.findings.inc({ symbol, kind, severity });
  }

  /** Called after a state was written to the database, with the lease as it is there now. */
  setState({ symbol, state, lastOpenTime, measures, lease }: SymbolState): void {
    for (const known of ["HEALTHY", "DEGRADED", "DOWN"] as const) this.state.set({ symbol, state: known }, known === state ? 1 : 0);
    if (lastOpenTime !== null) this.lastCandle.set({ symbol }, lastOpenTime / 1000);
    for (const [measure, value] of Object.entries(measures)) {
      if (typeof value === "number") this.measure.set({ symbol, measure }, value);
      else this.measure.remove({ symbol, measure });
    }
    if (lease === "renew") this.leaseUntil.set(symbol, performance.now() + leaseSeconds * 1000);
    else if (lease === "withdraw" || !this.leaseUntil.has(symbol)) this.leaseUntil.set(symbol, 0);
  }
}
