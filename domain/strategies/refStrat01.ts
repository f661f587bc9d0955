import { ATR, EMA } from "trading-signals";
import { z } from "zod";
import type { Candle } from "../candles";
import { equityAt, gridsOf, type ExecutionParameters } from "../execution";
import { hasPendingOrder, workingStop, type Holdings, type Intent } from "../orders";
import type { Decision, Strategy, StrategyDefinition } from "./strategy";

/** Settings of RefStrat_01; unknown keys are errors. */
export const refStrat01Settings = z
  .strictObject({
    /** Periods of the two exponential moving averages, in bars. */
    emaFast: z.int().min(2).max(1000).default(20),
    emaSlow: z.int().min(3).max(5000).default(50),
    /** Period of Wilder's average true range, in bars. */
    atrPeriod: z.int().min(2).max(1000).default(14),
    /** Distance of the trailing stop below the close, in average true ranges. */
    stopAtrMultiple: z.number().positive().max(100).default(3),
    /** Part of the equity that is lost when the stop is hit at its price. */
    riskFraction: z.number().positive().max(0.1).default(0.005),
    /** Most of the cash that an entry may use, 1 = all of it. */
    maxExposure: z.number().positive().max(1).default(1),
  })
  .refine((settings) => settings.emaFast < settings.emaSlow, {
    path: ["emaFast"],
    message: "emaFast must be below emaSlow",
  });

export type RefStrat01Parameters = Readonly<z.infer<typeof refStrat01Settings>>;

export const defaultRefStrat01: RefStrat01Parameters = Object.freeze(refStrat01Settings.parse({}));

/** The moving averages need this many slow periods before where they were started from has faded out. */
const warmupSlowPeriods = 5;

/**
 * RefStrat_01: enters long when the fast EMA crosses above the slow one, leaves when it is below again or when a stop
 * that trails the close by a multiple of Wilder's ATR is hit. See docs/strategies/RefStrat_01.md.
 */
export class RefStrat01 implements Strategy {
  readonly warmupBars: number;
  private readonly fast: EMA;
  private readonly slow: EMA;
  private readonly range: ATR;
  private barsSeen = 0;
  private emaFast = Number.NaN;
  private emaSlow = Number.NaN;
  private previousFast = Number.NaN;
  private previousSlow = Number.NaN;
  private atr = Number.NaN;
  /** Why the last decision was what it was. */
  private reason = "";

  constructor(
    private readonly parameters: RefStrat01Parameters,
    private readonly execution: ExecutionParameters,
  ) {
    this.warmupBars = warmupSlowPeriods * parameters.emaSlow;
    this.fast = new EMA(parameters.emaFast);
    this.slow = new EMA(parameters.emaSlow);
    this.range = new ATR(parameters.atrPeriod);
  }

  warmUp(candle: Candle): void {
    this.previousFast = this.emaFast;
    this.previousSlow = this.emaSlow;
    this.emaFast = this.fast.update(candle.close, false);
    this.emaSlow = this.slow.update(candle.close, false);
    this.atr = this.range.update(candle, false) ?? Number.NaN;
    this.barsSeen++;
  }

  indicators(): { emaFast: number | null; emaSlow: number | null; atr: number | null } {
    return { emaFast: known(this.emaFast), emaSlow: known(this.emaSlow), atr: known(this.atr) };
  }

  onBar(candle: Candle, account: Holdings): Decision {
    const intent = this.intentOn(candle, account);
    const action = intent === null ? "hold" : intent.action;
    return { bar: candle.openTime, action, reason: this.reason, indicators: this.indicators(), intent };
  }

  intentOn(candle: Candle, account: Holdings): Intent | null {
    this.warmUp(candle);
    if (hasPendingOrder(account)) {
      return this.hold("an order is pending");
    }
    return account.position === null ? this.decideFlat(candle, account) : this.decideInPosition(candle, account);
  }

  private decideFlat(candle: Candle, account: Holdings): Intent | null {
    if (this.barsSeen < this.warmupBars || Number.isNaN(this.atr)) {
      return this.hold("warming up");
    }
    if (!(this.emaFast > this.emaSlow && this.previousFast <= this.previousSlow)) {
      return this.hold("flat, no crossing");
    }
    const { riskFraction, maxExposure } = this.parameters;
    const { feeRate, slippageRate } = this.execution;
    const grids = gridsOf(this.execution);
    const distance = this.parameters.stopAtrMultiple * this.atr;
    if (!(distance > 0 && candle.close > distance)) {
      return this.hold("crossed above, but the true range allows no stop");
    }
    const stopPrice = grids.price.down(candle.close - distance);
    const byRisk = (riskFraction * equityAt(account, candle.close)) / distance;
    const byCash = (maxExposure * account.cash) / (candle.close * (1 + feeRate + slippageRate));
    const quantity = grids.quantity.down(Math.min(byRisk, byCash));
    if (!(quantity > 0 && stopPrice > 0)) {
      return this.hold("crossed above, but the quantity or the stop rounds to nothing");
    }
    this.reason = "fast EMA crossed above slow EMA";
    return { action: "enter", quantity, stopPrice };
  }

  private decideInPosition(candle: Candle, account: Holdings): Intent | null {
    // Below, not only crossing below: a crossing that happened while the bot was away must still end the position.
    if (this.emaFast < this.emaSlow) {
      this.reason = "fast EMA is below slow EMA";
      return { action: "exit" };
    }
    // NaN while there is no ATR yet, and not above anything.
    const trailing = candle.close - this.parameters.stopAtrMultiple * this.atr;
    const stop = workingStop(account)?.stopPrice ?? 0;
    if (trailing > stop) {
      const stopPrice = gridsOf(this.execution).price.down(trailing);
      if (stopPrice > stop) {
        this.reason = "trailing stop rises";
        return { action: "moveStop", stopPrice };
      }
    }
    return this.hold("in position");
  }

  private hold(reason: string): null {
    this.reason = reason;
    return null;
  }
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

export const refStrat01: StrategyDefinition<RefStrat01Parameters> = {
  name: "RefStrat_01",
  settings: refStrat01Settings,
  create: (settings, execution) => new RefStrat01(settings, execution),
};
