import { Counter, Gauge, type Registry } from "prom-client";
import { leaseSeconds, type SymbolState } from "./store";

/** What `/metrics` tells of the feed. */
export class FeedMetrics {
  private readonly written: Counter<"symbol">;
  private readonly findings: Counter<"symbol" | "kind">;
  private readonly lastCandle: Gauge<"symbol">;
  private readonly state: Gauge<"symbol" | "state">;
  /** On the monotonic clock, in milliseconds. */
  private readonly leaseUntil = new Map<string, number>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.written = new Counter({ name: "feed_candles_written_total", help: "Candles written since the start", labelNames: ["symbol"], registers });
    this.findings = new Counter({ name: "feed_findings_total", help: "Findings about rows of the source", labelNames: ["symbol", "kind"], registers });
    this.lastCandle = new Gauge({ name: "feed_last_candle_timestamp_seconds", help: "Open time of the newest candle", labelNames: ["symbol"], registers });
    this.state = new Gauge({ name: "feed_state", help: "1 for the state the feed is in", labelNames: ["symbol", "state"], registers });
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

  addWritten(symbol: string): void {
    this.written.inc({ symbol });
  }

  addFinding(symbol: string, kind: string): void {
    this.findings.inc({ symbol, kind });
  }

  /** Called after a state was written to the database: a healthy one has renewed its lease. */
  setState({ symbol, state, lastOpenTime }: SymbolState): void {
    for (const known of ["HEALTHY", "DEGRADED", "DOWN"] as const) this.state.set({ symbol, state: known }, known === state ? 1 : 0);
    if (lastOpenTime !== null) this.lastCandle.set({ symbol }, lastOpenTime / 1000);
    if (state === "HEALTHY") this.leaseUntil.set(symbol, performance.now() + leaseSeconds * 1000);
    else if (!this.leaseUntil.has(symbol)) this.leaseUntil.set(symbol, 0);
  }
}
