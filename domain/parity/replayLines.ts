import { z } from "zod";
import type { BotRecord } from "./compare";

const bar = z.int();
const intent = z.discriminatedUnion("action", [
  z.object({ action: z.literal("enter"), quantity: z.number(), stopPrice: z.number() }),
  z.object({ action: z.literal("exit") }),
  z.object({ action: z.literal("moveStop"), stopPrice: z.number() }),
]);
const decision = z.object({
  bar,
  action: z.enum(["enter", "exit", "moveStop", "hold"]),
  reason: z.string(),
  indicators: z.record(z.string(), z.number().nullable()),
  intent: intent.nullable(),
});
const fill = z.object({
  ...{ clientOrderId: z.string(), bar, side: z.enum(["buy", "sell"]), price: z.number(), quantity: z.number() },
  ...{ fee: z.number(), slippage: z.number(), reason: z.enum(["entry", "exit", "stop"]) },
});
const trade = z.object({
  ...{ entryBar: bar, exitBar: bar, quantity: z.number(), entryPrice: z.number(), exitPrice: z.number() },
  ...{ fees: z.number(), profit: z.number(), exitReason: z.enum(["exit", "stop"]) },
});
const mark = z.object({ bar, equity: z.number() });
const end = z.object({ decisions: z.int(), fills: z.int(), trades: z.int(), equity: z.int() });

/** One line of a replay's answer; exactly one of the keys. */
const line = z.union([
  z.strictObject({ decision }),
  z.strictObject({ fill }),
  z.strictObject({ trade }),
  z.strictObject({ equity: mark }),
  z.strictObject({ end }),
]);

/** The record as lines of JSON (NDJSON); the last one counts the others, so that an answer that was cut off is known. */
export function* replayLines({ decisions, fills, trades, equity }: BotRecord): Generator<string> {
  for (const each of decisions) yield JSON.stringify({ decision: each });
  for (const each of fills) yield JSON.stringify({ fill: each });
  for (const each of trades) yield JSON.stringify({ trade: each });
  for (const each of equity) yield JSON.stringify({ equity: each });
  yield JSON.stringify({ end: { decisions: decisions.length, fills: fills.length, trades: trades.length, equity: equity.length } });
}

/** Puts the lines of an answer together again. */
export class ReplayReader {
  private readonly record = { decisions: [] as z.infer<typeof decision>[], fills: [] as z.infer<typeof fill>[], trades: [] as z.infer<typeof trade>[], equity: [] as z.infer<typeof mark>[] };
  private count: z.infer<typeof end> | undefined;
  private lines = 0;

  /** @throws Error when it is none of the lines of a replay, or follows the last one */
  take(text: string): void {
    this.lines++;
    if (this.count !== undefined) throw new Error(`line ${this.lines} follows the end`);
    const parsed = line.safeParse(parsedJson(text));
    if (!parsed.success) throw new Error(`line ${this.lines} is no line of a replay: ${text.slice(0, 100)}`);
    const { data } = parsed;
    if ("decision" in data) this.record.decisions.push(data.decision);
    else if ("fill" in data) this.record.fills.push(data.fill);
    else if ("trade" in data) this.record.trades.push(data.trade);
    else if ("equity" in data) this.record.equity.push(data.equity);
    else this.count = data.end;
  }

  /** @throws Error when the last line is missing, or counts other lines than there were */
  result(): BotRecord {
    if (this.count === undefined) throw new Error(`it was cut off after ${this.lines} lines`);
    for (const key of ["decisions", "fills", "trades", "equity"] as const) {
      if (this.record[key].length !== this.count[key]) throw new Error(`it has ${this.record[key].length} ${key} and says ${this.count[key]}`);
    }
    return this.record;
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
