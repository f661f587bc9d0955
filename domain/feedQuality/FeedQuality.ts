import type { Candle } from "../candles";
import type { FeedState } from "../feedState";
import { CandleJudge } from "./CandleJudge";
import { CandleOrder, type Range } from "./CandleOrder";
import { reached } from "./candleRules";
import type { FeedFinding } from "./findings";
import { Ledger } from "./Ledger";
import type { FeedQualityOptions, JudgedCandle } from "./options";
import { Recovery } from "./Recovery";
import { SourceWatch } from "./SourceWatch";
import { candles as counted, dateTime, isoTime } from "./text";
import { wallMilliseconds } from "./timeRules";

/** Candles held back for one gap; when more wait, the gap is left open. */
const mostHeld = 1000;

/**
 * Judges one market's feed: takes what arrives and the passing of time, says which candles are to be written in which
 * order, what was found, and in which state the feed is. Pure: every time `at` is given by the caller, in milliseconds of
 * a monotonic clock, and never goes back.
 *
 * The state is that of the worst active condition. Standing conditions last as long as what they say is true; events last
 * until the next candle is released. After the last one the feed is DEGRADED until `recoveryCandles` clean candles came:
 * such as arrived in order while nothing was active, and made nothing active. It begins DOWN ("no candle yet"), is
 * DEGRADED until the candles of the warm-up are there, and a feed that starts again on stored candles has to recover as
 * well: what happened before is not known, and a restart must not shorten the way back.
 */
export class FeedQuality {
  private readonly order: CandleOrder;
  private readonly judge: CandleJudge;
  private readonly source: SourceWatch;
  private readonly recovery: Recovery;
  private readonly ledger: Ledger;
  private readonly backfillMilliseconds: number | null;
  private released: JudgedCandle[] = [];
  /** Candles there are, as far as the warm-up asks. */
  private warm: number;
  private now = Number.NEGATIVE_INFINITY;
  /** The first candle that is asked for once more, how often that failed, and since when it is asked for. */
  private asked: number | undefined;
  private attempts = 0;
  private askedSince = 0;

  constructor(private readonly options: FeedQualityOptions) {
    const { interval, settings, speed, warmupCandles, stored = [] } = options;
    this.recovery = new Recovery(options.recoveryCandles, options.acknowledgeDown, options.unacknowledged ?? null);
    this.ledger = new Ledger(this.recovery);
    this.order = new CandleOrder(interval, warmupCandles + settings.gapWindowCandles, stored);
    this.judge = new CandleJudge(interval, settings, this.ledger, (openTime) => this.order.before(openTime));
    this.source = new SourceWatch(settings, speed, this.ledger, () => this.order.last);
    this.backfillMilliseconds = speed === "maximum" ? null : wallMilliseconds(settings.backfillSeconds, speed, 3);
    this.warm = Math.min(stored.length, Math.max(warmupCandles, 1));
    for (const candle of stored) this.judge.countFlat(candle);
    this.judgeOpenGaps();
  }

  /** A closed candle arrived. */
  candle(candle: Candle, at: number): void {
    this.advance(at);
    const calm = this.ledger.conditions.calm;
    this.source.heard();
    if (!this.judge.accepts(candle)) return;
    const { openTime } = candle;
    const placement = this.order.place(candle);
    switch (placement.kind) {
      case "duplicate":
        this.source.droppedDuplicate();
        if (!placement.told) this.ledger.note("duplicate", openTime, `candle of ${dateTime(openTime)} came again with the same values`, {});
        return;
      case "revision":
        this.revised(candle, placement.first);
        return;
      case "out of order":
        this.source.droppedOutOfOrder(openTime);
        return;
      case "repair":
        this.repair(candle);
        return;
      case "placed":
        this.source.outstanding.arrived(openTime);
        if (placement.fills) this.ledger.note("backfilled", openTime, `missing candle of ${dateTime(openTime)} came when it was asked for again`, { inTime: "yes" });
        this.judgeGap(placement.hole);
        this.release(calm);
        while (this.order.heldCandles > mostHeld && this.order.hole !== null) this.leaveOpen();
    }
  }

  /** The source gave a sign of life. */
  heard(at: number): void {
    this.advance(at);
    this.source.heard();
  }

  /**
   * The candle with this open time will be closed, and is to arrive, at that time; told ahead or later. That time may be
   * in the future and does not make time pass.
   */
  expect(openTime: number, at: number): void {
    const { last } = this.order;
    if (last === null || openTime > last) this.source.outstanding.expect(openTime, at);
  }

  /** Local clock minus the source's, in milliseconds, round trip allowed for. */
  clockSkew(milliseconds: number, at: number): void {
    this.advance(at);
    this.source.clockSkew(milliseconds);
  }

  /** The wall clock moved against the monotonic one. */
  clockJump(milliseconds: number, at: number): void {
    this.advance(at);
    this.source.clockJump(milliseconds);
  }

  /** The connection had to be made anew. */
  reconnected(at: number): void {
    this.advance(at);
    this.source.reconnected();
  }

  /** What `missing` asks for could not be had. */
  backfillFailed(at: number): void {
    this.advance(at);
    if (this.order.hole === null) return;
    this.attempts++;
    if (this.attempts >= this.options.settings.backfillAttempts) this.leaveOpen();
  }

  /** A candle that an order was decided on, or filled in, was revised. */
  revisedAfterTrade(openTime: number, at: number): void {
    this.advance(at);
    this.ledger.judge("revision", {
      state: "DOWN",
      lasting: "event",
      each: true,
      reason: `candle of ${dateTime(openTime)} was revised after it was traded on`,
      openTime,
      details: { afterTrade: "yes" },
    });
  }

  /** A position is open while the feed is DOWN. */
  positionOpen(at: number): void {
    this.advance(at);
    this.recovery.positionOpen(this.ledger.conditions.reason || "the feed was DOWN");
  }

  /**
   * Somebody looked at a feed that was DOWN and lets it go on.
   * @returns whether there was anything to acknowledge
   */
  acknowledge(by: string, at: number): boolean {
    this.advance(at);
    if (!this.recovery.awaitsAcknowledgement) return false;
    const what = this.recovery.unacknowledged;
    this.ledger.note("acknowledged", null, `${by} acknowledged: ${what ?? "the feed is DOWN"}`, { by, what, ...this.source.when() });
    this.recovery.acknowledge();
    return true;
  }

  /** Time has passed. */
  tick(at: number): void {
    this.advance(at);
  }

  /** What is to be written, in order; each is given once. */
  take(): { readonly candles: readonly JudgedCandle[]; readonly findings: readonly FeedFinding[] } {
    const candles = this.released;
    this.released = [];
    return { candles, findings: this.ledger.take() };
  }

  get state(): FeedState {
    const { worst } = this.ledger.conditions;
    if (this.warm === 0 || worst === "DOWN") return "DOWN";
    return worst === "DEGRADED" || this.isWarmingUp || !this.recovery.done ? "DEGRADED" : "HEALTHY";
  }

  /** Why, for people. */
  get reason(): string {
    const { conditions } = this.ledger;
    const { unacknowledged, cleanCandles, candles } = this.recovery;
    if (!conditions.none) return conditions.reason;
    if (this.warm === 0) return "no candle yet";
    if (this.isWarmingUp) return `warming up: ${this.warm} of ${counted(this.options.warmupCandles)}`;
    if (unacknowledged !== null) return `was DOWN with a position open, to be acknowledged: ${unacknowledged}`;
    if (!this.recovery.done) return `recovering: ${cleanCandles} of ${candles} clean candles`;
    return "candles arrive in order";
  }

  /** What the state is judged by: ages in seconds, skew in milliseconds, counts. */
  get measures(): Readonly<Record<string, number | string | null>> {
    const { conditions } = this.ledger;
    return {
      ...this.source.measures(),
      lastCandle: isoTime(this.order.last),
      missingCandles: this.order.waitedFor,
      heldCandles: this.order.heldCandles,
      backfillAttempts: this.attempts,
      leftOpenCandles: this.order.leftOut,
      flatCandles: this.judge.flatCandles,
      rejectedCandles: this.judge.rejectedCandles,
      cleanCandles: this.recovery.cleanCandles,
      recoveryCandles: this.recovery.candles,
      warmupCandles: this.warm,
      unacknowledged: this.recovery.unacknowledged,
      active: conditions.none ? null : conditions.kinds.join(", "),
    };
  }

  /** Open times of the first and the last candle to be fetched once more; null when none is missing. */
  get missing(): { readonly from: number; readonly to: number } | null {
    return this.order.hole;
  }

  private get isWarmingUp(): boolean {
    return this.warm < this.options.warmupCandles;
  }

  private advance(at: number): void {
    this.now = Math.max(this.now, at);
    this.source.advance(this.now);
    const limit = this.backfillMilliseconds;
    while (limit !== null && this.order.hole !== null && this.now - this.askedSince > limit) this.leaveOpen();
  }

  /** @param calm whether nothing was active when the candle arrived that led to this */
  private release(calm: boolean): void {
    for (let candle = this.order.next(); candle !== undefined; candle = this.order.next()) {
      this.ledger.endEvents();
      this.warm = Math.min(this.warm + 1, Math.max(this.options.warmupCandles, 1));
      this.source.released(candle.openTime);
      this.judgeOpenGaps();
      this.judge.released(candle);
      if (calm && this.ledger.conditions.none) this.recovery.cleanCandle();
      this.released.push({ candle, state: this.state, repair: false });
    }
    const first = this.order.hole?.from;
    if (first === this.asked) return;
    this.asked = first;
    this.attempts = 0;
    this.askedSince = this.now;
  }

  /** Lets the candles behind the first hole go on without it. */
  private leaveOpen(): void {
    const hole = this.order.hole;
    if (hole === null) return;
    this.order.leaveOpen();
    this.judgeGap(null);
    this.judgeOpenGaps(hole);
    this.release(false);
  }

  private repair(candle: Candle): void {
    this.source.outstanding.arrived(candle.openTime);
    this.ledger.note("backfilled", candle.openTime, `missing candle of ${dateTime(candle.openTime)} came after others had gone on without it`, { inTime: "no" });
    this.judge.repaired(candle);
    this.judgeOpenGaps();
    this.released.push({ candle, state: this.state, repair: true });
  }

  private revised({ openTime, open, high, low, close, volume }: Candle, first: Candle): void {
    this.ledger.judge("revision", {
      state: "DEGRADED",
      lasting: "event",
      each: true,
      reason: `candle of ${dateTime(openTime)} came again with other values (close ${close} instead of ${first.close})`,
      openTime,
      details: { open, high, low, close, volume, firstClose: first.close },
    });
  }

  /** @param fresh candles that were just found to be missing */
  private judgeGap(fresh: Range | null): void {
    const missing = this.order.waitedFor;
    const limits = this.options.settings.missingCandles;
    const state = missing === 0 ? "HEALTHY" : reached(missing, limits);
    if (fresh !== null && state === "HEALTHY") this.ledger.note("gap", fresh.from, `${counted(this.order.count(fresh))} missing from ${dateTime(fresh.from)}, asked for again`, { missingCandles: this.order.count(fresh) });
    if (state === "HEALTHY") {
      this.ledger.end("gap");
      return;
    }
    const first = this.order.hole!;
    const limit = state === "DOWN" ? limits.down : limits.degraded;
    this.ledger.judge("gap", {
      state,
      lasting: "standing",
      each: fresh !== null,
      reason: `${counted(missing)} missing from ${dateTime(first.from)}, asked for again`,
      openTime: (fresh ?? first).from,
      details: { missingCandles: fresh === null ? missing : this.order.count(fresh), limit },
    });
  }

  /** @param fresh a gap that was just left open */
  private judgeOpenGaps(fresh: Range | null = null): void {
    const oldest = this.order.openGaps[0];
    const missing = this.order.leftOut;
    if (oldest === undefined) {
      this.ledger.end("gap left open");
      return;
    }
    const about = fresh ?? oldest;
    this.ledger.judge("gap left open", {
      state: "DOWN",
      lasting: "standing",
      each: fresh !== null,
      reason: `${counted(missing)} missing from ${dateTime(oldest.from)}, could not be had`,
      openTime: about.from,
      details: { missingCandles: this.order.count(about) },
    });
  }
}
