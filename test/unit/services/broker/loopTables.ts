import { scriptedDatabase } from "./support";

export const hour = 3_600_000;
/** Open time of the first bar, epoch ms. */
export const first = Date.UTC(2024, 0, 1);

/** The tables that the loop reads and writes, for one bot. Bars are counted from the first. */
export class LoopTables {
  candles = 1;
  processed = 0;
  version = 1;
  /** Action of the decision on each bar. */
  decisions = new Map<number, string>([[0, "hold"]]);
  present = true;
  /** The feed's count of candles written before already written ones. */
  repairs = 0;
  /** Candles that are not there yet. */
  readonly missing = new Set<number>();
  /** Whether the account holds one, entered in bar 0, with a stop at 90. */
  holding = false;
  /** Price of the stop that a late candle reached. */
  passedStop: number | null = null;
  /** Prices of fills. */
  readonly fills: number[] = [];
  /** Called when candles are read. */
  onCandles: () => void = () => undefined;
  /** What was asked, in order. */
  readonly asked: string[] = [];

  readonly database = scriptedDatabase((text, parameters) => {
    const time = (bar: number) => new Date(first + bar * hour);
    if (text.includes("update accounts") || text.includes("UPDATE accounts")) {
      this.asked.push("work");
      if (!parameters.includes(String(this.version))) return [];
      this.processed = ((parameters.find((value) => value instanceof Date) as Date).getTime() - first) / hour;
      this.version++;
      return [{ pg_notify: "" }];
    }
    if (text.includes("pg_locks")) {
      this.asked.push("presence");
      return [{ present: this.present }];
    }
    if (text.includes('from "candles"')) {
      this.asked.push("candles");
      this.onCandles();
      const bars = Array.from({ length: this.candles }, (_, bar) => bar).filter((bar) => bar > this.processed && !this.missing.has(bar));
      return bars.map((bar) => ({
        ...{ open_time: time(bar), open: 100, high: 101, low: 99, close: 100, volume: 1 },
        ...{ received_at: time(bar + 1), repairs: this.repairs },
      }));
    }
    if (text.includes("stop.price")) {
      this.asked.push("passed stop");
      return this.passedStop === null ? [] : [{ stop: this.passedStop }];
    }
    if (text.startsWith("insert into")) {
      if (text.includes('"fills"')) {
        this.fills.push(...parameters.filter((value) => typeof value === "number" && value > 80 && value < 100).map(Number));
        this.holding = false;
      }
      return [];
    }
    this.asked.push("state");
    const stop = { client_order_id: "e-stop", bar: time(0), action: "stop", side: "sell", type: "stop", quantity: 1, stop_price: 90, reference_price: null, status: "working", reason: null };
    return [
      {
        ...{ account_bot: "one", symbol: "BTCUSD", interval: "1h", starting_cash: 1000, cash: 1000, position_quantity: this.holding ? 1 : 0 },
        ...{ entry_price: 100, entry_bar: time(0), entry_fee: 0, repairs: this.repairs },
        ...{ warmup_from: time(0), start_bar: time(0), processed_bar: time(this.processed), client_order_id: null },
        ...{ version: String(this.version), decided_action: this.decisions.get(this.processed) ?? null, known_order: null },
        ...{ taken_at: null, replay: true, ...(this.holding ? stop : {}) },
      },
    ];
  });

  /** What was asked since the last time. */
  news(): string[] {
    return this.asked.splice(0);
  }
}
