import type { Candle } from "../../domain/candles";
import { clientOrderId } from "../../domain/clientOrderId";
import { applyIntent, defaultExecution, processBar } from "../../domain/execution";
import { FaultyMarket, faultSettings, type Arrival, type Fault } from "../../domain/faultScript";
import { defaultFeedQuality, FeedQuality, type FeedFinding, type JudgedCandle } from "../../domain/feedQuality";
import { openAccount, workingStop, type Account, type Fill, type Order } from "../../domain/orders";
import { RandomMarket } from "../../domain/randomMarket";
import { randomNumbers } from "../../domain/randomNumbers";
import { createStrategy, type Decision, type Strategy } from "../../domain/strategies";

export const hour = 3_600_000;
export const start = Date.parse("2024-01-01T00:00:00Z");
export const bars = 300;
/** Faults stand from here on, and end before there. */
const [firstFault, lastFault] = [50, 190];
const warmupCandles = 40;
/** When the operator looks at a feed that has to be acknowledged. */
const lookBar = 285;
/** Moving averages so short that a few hundred candles hold many entries. */
const strategySettings = { emaFast: 3, emaSlow: 8, atrPeriod: 5, stopAtrMultiple: 2, riskFraction: 0.02 };

/** What one seed means. */
export interface Scenario {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly speed: number | "maximum";
  readonly recoveryCandles: number;
  readonly acknowledgeDown: boolean;
}

/** A finding and the number of the candle that was forming when it was made. */
export interface TimedFinding extends FeedFinding {
  readonly during: number;
}

/** All that is to be looked at afterwards. */
export interface RunResult {
  readonly written: JudgedCandle[];
  readonly findings: TimedFinding[];
  readonly decisions: Decision[];
  readonly fills: Fill[];
  readonly refusedEntries: number;
  readonly acceptedEntries: Order[];
  readonly equity: number[];
  readonly account: Account;
  readonly state: string;
  readonly reason: string;
  /** Whether somebody had to acknowledge a DOWN. */
  readonly latched: boolean;
}

export function scenarioOf(seed: number): Scenario {
  const random = randomNumbers(seed);
  const whole = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
  const between = (from: number, to: number): number => from + random() * (to - from);
  const signed = (value: number): number => (random() < 0.5 ? -value : value);
  const oneOf: ((bar: number) => object)[] = [
    (bar) => ({ kind: "gap", bar, bars: whole(1, 3), backfill: random() < 0.7 }),
    (bar) => ({ kind: "duplicate", bar, count: whole(1, 3) }),
    (bar) => ({ kind: "revision", bar, fraction: signed(between(0.001, 0.05)) }),
    (bar) => ({ kind: "outOfOrder", bar }),
    (bar) => ({ kind: "stale", bar, seconds: whole(900, 9000) }),
    (bar) => ({ kind: "flat", bar, bars: whole(1, 8) }),
    (bar) => ({ kind: "jump", bar, fraction: signed(between(0.05, 0.4)) }),
    (bar) => ({ kind: "clockSkew", bar, bars: whole(1, 3), milliseconds: signed(whole(600, 3000)) }),
    (bar) => ({ kind: "reconnectStorm", bar, count: whole(4, 20) }),
  ];
  const faults: Fault[] = [];
  const count = whole(1, 14);
  for (let number = 0; number < count; number++) {
    const near = faults.at(-1)?.bar ?? firstFault;
    // Some fall on one another, or follow each other at once.
    const bar = random() < 0.3 ? Math.min(near + whole(0, 2), lastFault) : whole(firstFault, lastFault);
    faults.push(faultSettings.parse(oneOf[whole(0, oneOf.length - 1)]!(bar)));
  }
  return {
    seed,
    faults,
    speed: random() < 0.3 ? "maximum" : 720,
    recoveryCandles: random() < 0.5 ? 1 : 3,
    acknowledgeDown: random() < 0.3,
  };
}

export function marketOf({ seed, faults }: Scenario): { market: RandomMarket; faulty: FaultyMarket } {
  const market = new RandomMarket({ seed, symbol: "TEST", startTime: start });
  return { market, faulty: new FaultyMarket((index) => market.candle(index), faults) };
}

/** A market with its faults, a feed that judges it, and a bot whose orders are worked on what the feed lets through. */
export class FaultRun {
  readonly result: { -readonly [Key in keyof RunResult]: RunResult[Key] };
  private readonly quality: FeedQuality;
  private readonly faulty: FaultyMarket;
  private strategy: Strategy;
  private during = 0;
  private readonly tradedOn = new Set<number>();

  constructor(private readonly scenario: Scenario) {
    const { speed, recoveryCandles, acknowledgeDown } = scenario;
    this.faulty = marketOf(scenario).faulty;
    this.quality = new FeedQuality({ interval: hour, settings: { ...defaultFeedQuality, gapWindowCandles: 10 }, speed, recoveryCandles, warmupCandles, acknowledgeDown });
    this.strategy = createStrategy("RefStrat_01", strategySettings);
    this.result = { written: [], findings: [], decisions: [], fills: [], refusedEntries: 0, acceptedEntries: [], equity: [], account: openAccount(10_000), state: "", reason: "", latched: false };
  }

  run(): RunResult {
    const { speed } = this.scenario;
    const late: { due: number; arrival: Arrival }[] = [];
    let silentUntil = 0;
    for (let index = 0; index < bars; index++) {
      this.during = index;
      const close = (index + 1) * hour;
      // The source is looked at more often than the shortest silence that counts, which is a second.
      const looks = speed === "maximum" ? [] : [0.15, 0.3, 0.45, 0.6, 0.75, 0.9].map((part) => close - hour + part * hour);
      const moments = [...new Set([...looks, ...late.map(({ due }) => due), close])].filter((moment) => moment <= close);
      for (const moment of moments.sort((one, other) => one - other)) {
        if (silentUntil <= moment) this.tell((quality, at) => quality.heard(at), moment);
        else this.tell((quality, at) => quality.tick(at), moment);
        while (late.length > 0 && late[0]!.due <= moment) this.arrive(late.shift()!.arrival, moment);
        this.backfill(moment);
      }
      this.tell((quality, at) => quality.expect(start + index * hour, at), close);
      const silence = this.faulty.silence(index);
      silentUntil = Math.max(silentUntil, close + silence);
      for (const arrival of this.faulty.arrivals(index)) {
        const delay = arrival.kind === "candle" ? arrival.delay : arrival.kind === "clockSkew" ? silence : 0;
        if (delay === 0) this.arrive(arrival, close);
        else late.push({ due: close + delay, arrival });
      }
      this.backfill(close);
      this.operate(index, close);
    }
    this.result.state = this.quality.state;
    this.result.reason = this.quality.reason;
    return this.result;
  }

  private operate(index: number, close: number): void {
    const { result } = this;
    if (!this.scenario.acknowledgeDown) return;
    const { state } = this.quality;
    if (state === "DOWN" && result.account.position !== null) this.tell((quality, at) => quality.positionOpen(at), close);
    const latched = this.quality.measures.unacknowledged !== null;
    result.latched ||= latched;
    if (latched && state === "HEALTHY") throw new Error(`HEALTHY at bar ${index}, but nobody has acknowledged that it was DOWN`);
    if (latched && index === lookBar) this.tell((quality, at) => quality.acknowledge("operator", at), close);
  }

  private arrive(arrival: Arrival, moment: number): void {
    this.tell((quality, at) => {
      if (arrival.kind === "candle") quality.candle(arrival.candle, at);
      else if (arrival.kind === "reconnect") quality.reconnected(at);
      else quality.clockSkew(arrival.milliseconds, at);
    }, moment);
  }

  private backfill(moment: number): void {
    for (let missing = this.quality.missing; missing !== null; missing = this.quality.missing) {
      for (let openTime = missing.from; openTime <= missing.to; openTime += hour) {
        const candle = this.faulty.backfill(openTime);
        if (candle !== null) this.tell((quality, at) => quality.candle(candle, at), moment);
      }
      if (this.quality.missing !== null) this.tell((quality, at) => quality.backfillFailed(at), moment);
    }
  }

  private tell(act: (quality: FeedQuality, at: number) => void, moment: number): void {
    const { speed } = this.scenario;
    const at = moment / (speed === "maximum" ? 1 : speed);
    act(this.quality, at);
    const { candles, findings } = this.quality.take();
    for (const judged of candles) this.release(judged);
    for (const finding of findings) {
      this.result.findings.push({ ...finding, during: this.during });
      const revised = finding.kind === "revision" && finding.severity === "DEGRADED";
      if (revised && this.tradedOn.has(finding.openTime!)) this.tell((quality) => quality.revisedAfterTrade(finding.openTime!, at), moment);
    }
  }

  /** What broker and bot do with a candle; a repaired one only changes what the indicators are computed from. */
  private release(judged: JudgedCandle): void {
    const { result } = this;
    const { candle } = judged;
    result.written.push(judged);
    if (judged.repair) {
      this.strategy = createStrategy("RefStrat_01", strategySettings);
      const repaired = result.written.map((each) => each.candle).sort((one, other) => one.openTime - other.openTime);
      for (const each of repaired) this.strategy.warmUp(each);
      return;
    }
    const worked = processBar(result.account, candle, { interval: hour });
    result.account = worked.account;
    result.fills.push(...worked.fills);
    result.equity.push(worked.equity);
    if (worked.fills.length > 0) this.tradedOn.add(candle.openTime);
    this.decide(judged, candle);
    const { cash, position } = result.account;
    if ((position !== null) !== (workingStop(result.account) !== undefined)) throw new Error(`bar ${candle.openTime}: a position without a working stop, or a stop without a position`);
    if (!(cash >= 0) || !Number.isFinite(worked.equity)) throw new Error(`bar ${candle.openTime}: cash ${cash}, equity ${worked.equity}`);
  }

  private decide({ state }: JudgedCandle, candle: Candle): void {
    const { result } = this;
    const decision = this.strategy.onBar(candle, result.account);
    result.decisions.push(decision);
    const { intent } = decision;
    if (intent === null) return;
    if (intent.action === "enter" && state !== "HEALTHY") {
      result.refusedEntries++;
      return;
    }
    const source = { clientOrderId: clientOrderId("test", "bot", candle.openTime, intent.action), bar: candle.openTime, referencePrice: candle.close };
    const applied = applyIntent(result.account, intent, source, defaultExecution);
    if (applied.order.status !== "accepted") throw new Error(`bar ${candle.openTime}: ${intent.action} was ${applied.order.status}: ${applied.order.reason}`);
    result.account = applied.account;
    this.tradedOn.add(candle.openTime);
    if (intent.action === "enter") result.acceptedEntries.push(applied.order);
  }
}
