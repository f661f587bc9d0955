import { createHash } from "node:crypto";
import type { Candle } from "./candles";
import { gridOf } from "./decimals";

export interface RandomMarketSettings {
  /** The same seed and symbol give the same candles, everywhere and always. */
  readonly seed: number;
  readonly symbol: string;
  /** Open time (epoch ms) of candle 0. */
  readonly startTime: number;
  /** Open of candle 0, which the price is drawn back to over months; 30,000 unless given. */
  readonly startPrice?: number;
  /** 0.01 unless given. */
  readonly priceTick?: number;
  /** Length of a candle; an hour unless given. */
  readonly intervalMilliseconds?: number;
}

/** A stretch of the market with one drift and one volatility, both per candle. */
interface Regime {
  readonly number: number;
  readonly end: number;
  readonly drift: number;
  readonly volatility: number;
}

const stepsPerCandle = 6;
const volumeGrid = gridOf(0.01);

/**
 * A made-up market: a random walk through regimes of drift and volatility, drawn slowly back to its start price. Each
 * candle opens at the close before it. Candle n depends on seed, symbol and n alone, never on how it was asked for;
 * only + − × ÷ and integer hashing are used, so that every machine computes the same.
 */
export class RandomMarket {
  private readonly settings: Required<RandomMarketSettings>;
  private readonly key: number;
  private readonly grid: ReturnType<typeof gridOf>;
  private nextIndex = 0;
  private price: number;
  private regime: Regime;

  constructor(settings: RandomMarketSettings) {
    this.settings = { startPrice: 30_000, priceTick: 0.01, intervalMilliseconds: 3_600_000, ...settings };
    this.key = createHash("sha256").update(`${settings.seed}:${settings.symbol}`).digest().readInt32LE(0);
    this.grid = gridOf(this.settings.priceTick);
    this.price = this.grid.nearest(this.settings.startPrice);
    this.regime = this.regimeOf(0, 0);
  }

  /**
   * Candle number `index`, counted from 0. Going forward costs one step a candle; going back starts over.
   * @throws RangeError when index is not a whole number from 0 on
   */
  candle(index: number): Candle {
    if (!Number.isSafeInteger(index) || index < 0) {
      throw new RangeError(`There is no candle number ${index}`);
    }
    if (index < this.nextIndex) {
      this.nextIndex = 0;
      this.price = this.grid.nearest(this.settings.startPrice);
      this.regime = this.regimeOf(0, 0);
    }
    while (this.nextIndex < index) {
      this.step();
    }
    return this.step();
  }

  /** `count` candles from number `from` on. */
  candles(from: number, count: number): Candle[] {
    return Array.from({ length: count }, (_, offset) => this.candle(from + offset));
  }

  private step(): Candle {
    const index = this.nextIndex;
    if (index >= this.regime.end) {
      this.regime = this.regimeOf(this.regime.number + 1, index);
    }
    const { startPrice, startTime, intervalMilliseconds, priceTick } = this.settings;
    const open = this.price;
    const pull = Math.max(-1, Math.min(1, 1 - open / startPrice)) * 0.0005;
    const burst = this.uniform(index, 1);
    // Most candles are calm and a few are wild, as in real markets.
    const volatility = this.regime.volatility * (0.7 + 1.6 * burst * burst * burst * burst);
    const stepDrift = (this.regime.drift + pull) / stepsPerCandle;
    const stepVolatility = volatility / Math.sqrt(stepsPerCandle);

    let value = open;
    let high = open;
    let low = open;
    for (let step = 0; step < stepsPerCandle; step++) {
      const lane = 10 + 2 * step;
      // The sum of two uniform numbers, scaled to a variance of 1.
      const shock = (this.uniform(index, lane) + this.uniform(index, lane + 1) - 1) * Math.sqrt(6);
      value = Math.max(priceTick, this.grid.nearest(value * (1 + stepDrift + stepVolatility * shock)));
      high = Math.max(high, value);
      low = Math.min(low, value);
    }
    const activity = 1 + (100 * (high - low)) / open;
    const volume = volumeGrid.nearest((20 + 200 * this.uniform(index, 2)) * activity);
    this.price = value;
    this.nextIndex = index + 1;
    return { openTime: startTime + index * intervalMilliseconds, open, high, low, close: value, volume };
  }

  private regimeOf(number: number, start: number): Regime {
    const length = 48 + Math.floor(this.uniform(number, 3) * 240);
    const direction = Math.floor(this.uniform(number, 4) * 3) - 1;
    const strength = 0.0004 + 0.0008 * this.uniform(number, 5);
    const volatility = 0.003 + 0.006 * this.uniform(number, 6);
    return { number, end: start + length, drift: direction * strength, volatility };
  }

  /** A number in [0, 1) that depends on the market's key, a counter and a lane alone (finaliser of MurmurHash3, twice). */
  private uniform(counter: number, lane: number): number {
    let hash = this.key ^ Math.imul(counter + 1, 0x9e3779b1);
    hash = mix(hash ^ Math.imul(lane, 0x85ebca6b));
    return (mix(hash ^ this.key) >>> 0) / 2 ** 32;
  }
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
