import type { AccountRecord } from "../shared/accountRecord";
import { readAhead, type ArrivedCandle, type CandleReader } from "./CandleReader";

/** The candles that follow an account, as they were read. */
export interface Following {
  /** The one to be worked next. */
  readonly candle: ArrivedCandle;
  /** All that are read ahead, oldest first, that one among them. */
  readonly candles: readonly ArrivedCandle[];
  /** The feed's count of candles written before already written ones, at that moment. */
  readonly repairs: number;
}

/** The candles of one account that are read ahead of it; closed candles never change. */
export class CandleQueue {
  private ahead: ArrivedCandle[] = [];
  private repairs = 0;
  /** Counts the times that there may be new candles, and what it was when there were no more than are read ahead. */
  private arrivals = 1;
  private exhausted = 0;

  constructor(private readonly reader: CandleReader) {}

  /** There may be new candles. */
  came(): void {
    this.arrivals++;
  }

  /** Whether there is no candle to be had beyond what was worked. */
  get isEmpty(): boolean {
    return this.ahead.length === 0 && this.exhausted === this.arrivals;
  }

  /** How many candles are known to follow. */
  get length(): number {
    return this.ahead.length;
  }

  async following(record: AccountRecord): Promise<Following | undefined> {
    const { processedBar } = record.account;
    const first = this.ahead[0];
    if (first === undefined || (processedBar !== null && first.openTime <= processedBar)) {
      if (this.isEmpty) return undefined;
      const seen = this.arrivals;
      const { candles, repairs } = await this.reader.next(record);
      this.ahead = [...candles];
      this.repairs = repairs;
      if (this.ahead.length < readAhead) this.exhausted = seen;
    }
    const candle = this.ahead[0];
    return candle && { candle, candles: this.ahead, repairs: this.repairs };
  }

  /** The first candle was worked. */
  worked(): void {
    this.ahead.shift();
  }

  /** What was read is outdated. */
  forget(): void {
    this.ahead = [];
    this.arrivals++;
  }
}
