import type { Candle } from "../candles";
import type { FeedState } from "../feedState";
import type { FeedQualitySettings } from "./settings";
import type { Speed } from "./timeRules";

export interface FeedQualityOptions {
  /** Length of a candle in milliseconds. */
  readonly interval: number;
  readonly settings: FeedQualitySettings;
  /** Market seconds that pass in one second: wall durations shrink by it, to a second at least. 1 in real time; "maximum" has no durations at all. */
  readonly speed: Speed;
  /** Clean closed candles before the feed is HEALTHY again. */
  readonly recoveryCandles: number;
  /** Candles of the warm-up: with `gapWindowCandles` the window in which a gap counts. */
  readonly warmupCandles: number;
  /** A feed that was DOWN while a position was open stays DEGRADED until somebody acknowledges it. */
  readonly acknowledgeDown: boolean;
  /**
   * What is stored already, ascending, as far back as duplicates are to be recognised. Fewer than the warm-up's candles
   * count as a warm-up that is not over; a gap in them counts as one that was left open.
   */
  readonly stored?: readonly Candle[];
  /** Why an earlier run was still to be acknowledged (its `measures.unacknowledged`): a restart is no way around it. */
  readonly unacknowledged?: string | null;
}

/** A candle to be written, with the state the feed was in right after it. */
export interface JudgedCandle {
  readonly candle: Candle;
  readonly state: FeedState;
  /** It goes before candles that are written already. */
  readonly repair: boolean;
}
