import type { Candle } from "../../domain/candles";
import { FeedQuality, type FeedFinding, type FeedQualityOptions, type JudgedCandle } from "../../domain/feedQuality";
import type { FeedState } from "../../domain/feedState";
import type { FeedOutput, StateChange } from "./store";

/** One market's judge: notes what it gives, and every change of its state, until that is taken to be written. */
export class MarketJudge {
  private candles: JudgedCandle[] = [];
  private findings: FeedFinding[] = [];
  private changes: StateChange[] = [];
  private known: FeedState | undefined;
  private newest: number | null = null;

  private rules: FeedQuality;

  constructor(
    readonly symbol: string,
    private readonly options: FeedQualityOptions,
  ) {
    this.rules = new FeedQuality(options);
  }

  get quality(): FeedQuality {
    return this.rules;
  }

  /** Clean closed candles before the feed is HEALTHY again. */
  get recoveryCandles(): number {
    return this.options.recoveryCandles;
  }

  /** Open time of the newest candle, epoch ms. */
  get lastOpenTime(): number | null {
    return this.newest;
  }

  /** Lets the quality rules hear of something. */
  tell(event: (quality: FeedQuality) => void): void {
    event(this.rules);
    const { candles, findings } = this.rules.take();
    for (const judged of candles) {
      this.candles.push(judged);
      this.newest = Math.max(this.newest ?? -Infinity, judged.candle.openTime);
    }
    if (findings.length > 0) this.findings.push(...findings);
    const { state } = this.rules;
    if (state === this.known) return;
    this.known = state;
    this.changes.push({ state, reason: this.rules.reason, lastOpenTime: this.newest });
  }

  /**
   * Begins anew where an earlier run came to.
   * @param stored newest candles in the database, ascending
   * @param fresh as many of them are judged again, without being written again: the feed was HEALTHY with them
   * @param at the judges' clock in milliseconds
   */
  resume(stored: readonly Candle[], fresh: number, unacknowledged: string | null, at: number): void {
    const known = stored.length - fresh;
    this.rules = new FeedQuality({ ...this.options, stored: stored.slice(0, known), unacknowledged });
    this.newest = stored.at(-1)?.openTime ?? null;
    for (const candle of stored.slice(known)) this.rules.candle(candle, at);
    this.rules.take();
  }

  /** What came since the last time; undefined when nothing did. */
  take(): FeedOutput | undefined {
    const { symbol, candles, findings, changes } = this;
    if (candles.length === 0 && findings.length === 0 && changes.length === 0) return undefined;
    this.candles = [];
    this.findings = [];
    this.changes = [];
    return { symbol, candles, findings, changes };
  }
}
