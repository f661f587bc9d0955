import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface BrokerMetrics {
  /** Intents by bot, action and result (accepted, known, conflict, rejected). */
  readonly intents: Counter<"bot" | "action" | "result">;
  /** Refused requests by bot ("unknown" without a valid token) and kind of reason. */
  readonly rejections: Counter<"bot" | "kind">;
  readonly bars: Counter<"bot">;
  readonly barSeconds: Histogram<"bot">;
  /** Bars worked although the bot's decision or intent was missing. */
  readonly barsWithout: Counter<"bot" | "missing" | "because">;
  readonly fills: Counter<"bot" | "reason">;
  readonly equity: Gauge<"bot">;
  readonly quantity: Gauge<"bot">;
  /** Open time of the last worked bar, Unix seconds of market time. */
  readonly processedBar: Gauge<"bot">;
  readonly errors: Counter<"bot">;
  /** 1 when what a bot intended, sent and got does not fit together. */
  readonly mismatch: Gauge<"bot">;
  /** The newest count of each (intended, sent, rejected, filled, cancelled, open). */
  readonly books: Gauge<"bot" | "what">;
  /** How far a bot is halted: 0 not at all, 1 pause, 2 reduce, 3 kill. */
  readonly haltLevel: Gauge<"bot">;
}

export function createMetrics(registry: Registry): BrokerMetrics {
  const registers = [registry];
  return {
    intents: new Counter({
      name: "trading_broker_intents_total",
      help: "Intents handed in by bots",
      labelNames: ["bot", "action", "result"],
      registers,
    }),
    rejections: new Counter({
      name: "trading_broker_rejections_total",
      help: "Refused requests by kind of reason",
      labelNames: ["bot", "kind"],
      registers,
    }),
    bars: new Counter({
      name: "trading_broker_bars_total",
      help: "Bars worked",
      labelNames: ["bot"],
      registers,
    }),
    barSeconds: new Histogram({
      name: "trading_broker_bar_seconds",
      help: "Time to work and write one bar",
      labelNames: ["bot"],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    barsWithout: new Counter({
      name: "trading_broker_bars_without_decision_total",
      help: "Bars worked although the bot's decision or intent on the bar before was missing",
      labelNames: ["bot", "missing", "because"],
      registers,
    }),
    fills: new Counter({
      name: "trading_broker_fills_total",
      help: "Simulated fills",
      labelNames: ["bot", "reason"],
      registers,
    }),
    equity: new Gauge({
      name: "trading_broker_equity",
      help: "Cash plus position at the close of the last worked bar, in the quote currency",
      labelNames: ["bot"],
      registers,
    }),
    quantity: new Gauge({
      name: "trading_broker_position_quantity",
      help: "Open position in the base currency",
      labelNames: ["bot"],
      registers,
    }),
    processedBar: new Gauge({
      name: "trading_broker_processed_bar_timestamp_seconds",
      help: "Open time of the last worked bar (market time)",
      labelNames: ["bot"],
      registers,
    }),
    errors: new Counter({
      name: "trading_broker_loop_errors_total",
      help: "Turns of a bot's bar loop that failed and are tried again",
      labelNames: ["bot"],
      registers,
    }),
    mismatch: new Gauge({
      name: "trading_broker_reconciliation_mismatch",
      help: "1 when what a bot intended, sent and got does not fit together; its entries are refused then",
      labelNames: ["bot"],
      registers,
    }),
    books: new Gauge({
      name: "trading_broker_reconciled",
      help: "Newest count of a bot's intents: intended, sent, rejected, filled, cancelled, open",
      labelNames: ["bot", "what"],
      registers,
    }),
    haltLevel: new Gauge({
      name: "trading_halt_level",
      help: "How far a bot is halted: 0 not at all, 1 pause, 2 reduce, 3 kill",
      labelNames: ["bot"],
      registers,
    }),
  };
}
