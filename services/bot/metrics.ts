import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface BotMetrics {
  readonly decisions: Counter<"action" | "late">;
  readonly intents: Counter<"action" | "result">;
  /** Open time of the last bar decided on, Unix seconds of market time. */
  readonly lastDecidedBar: Gauge;
  /** From the candle's arrival in the database to the written decision; late bars are left out. */
  readonly decisionSeconds: Histogram;
}

export function createMetrics(registry: Registry): BotMetrics {
  const registers = [registry];
  return {
    decisions: new Counter({
      name: "trading_bot_decisions_total",
      help: "Decisions written, by action; late ones were held on bars that were over",
      labelNames: ["action", "late"],
      registers,
    }),
    intents: new Counter({
      name: "trading_bot_intents_total",
      help: "Intents handed in, by action and the broker's answer",
      labelNames: ["action", "result"],
      registers,
    }),
    lastDecidedBar: new Gauge({
      name: "trading_bot_decided_bar_timestamp_seconds",
      help: "Open time of the last bar decided on (market time)",
      registers,
    }),
    decisionSeconds: new Histogram({
      name: "trading_bot_decision_seconds",
      help: "From the candle's arrival to the written decision",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    }),
  };
}
