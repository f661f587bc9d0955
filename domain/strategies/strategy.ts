import type { z } from "zod";
import type { Candle } from "../candles";
import type { ExecutionParameters } from "../execution";
import type { Holdings, Intent } from "../orders";

/** What a strategy decided on one closed bar, and why. */
export interface Decision {
  /** Open time (epoch ms) of the closed bar. */
  readonly bar: number;
  readonly action: Intent["action"] | "hold";
  readonly reason: string;
  /** Values the decision was made from; null before there is one. */
  readonly indicators: Readonly<Record<string, number | null>>;
  /** What to hand to the broker; null for "hold". */
  readonly intent: Intent | null;
}

/** A strategy over one symbol. It sees every closed candle once, oldest first, and keeps nothing but its indicators. */
export interface Strategy {
  /** Candles it must have seen before it may enter. */
  readonly warmupBars: number;
  /** Takes a closed candle into the indicators without deciding. */
  warmUp(candle: Candle): void;
  /** The indicators after the last candle taken in. */
  indicators(): Readonly<Record<string, number | null>>;
  /** Takes a closed candle into the indicators and decides; the account is as it was after that bar was processed. */
  onBar(candle: Candle, account: Holdings): Decision;
  /** The same with nothing but the intent: for runs over many candles that keep no decisions. */
  intentOn(candle: Candle, account: Holdings): Intent | null;
}

/** How a strategy is known to the configuration: its strict settings and what makes one. */
export interface StrategyDefinition<Settings> {
  readonly name: string;
  readonly settings: z.ZodType<Settings>;
  create(settings: Settings, execution: ExecutionParameters): Strategy;
}
