import { expect } from "chai";
import fc from "fast-check";
import type { Candle } from "../../../../domain/candles";
import { defaultFeedQuality, FeedQuality, type FeedFinding, type JudgedCandle } from "../../../../domain/feedQuality";
import { calm, hour } from "./trial";

/** Something that happens to a feed, and how many milliseconds after the last. */
type Happening = readonly [later: number, act: (quality: FeedQuality, at: number) => void, arrived?: Candle];

const prices = fc.constantFrom<Partial<Candle>>({}, {}, {}, {}, { close: 100.4 }, { close: 120, high: 121 }, { volume: 0 }, { low: 0 }, { close: Number.NaN });
const arrival = fc.tuple(fc.integer({ min: -2, max: 3 }), prices, fc.boolean());

/** Candles near the one that comes next (index + offset), and everything else that a feed can be told. */
const happenings: fc.Arbitrary<Happening[]> = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 6, arbitrary: fc.constantFrom(0, 1000, 20_000) }, { weight: 1, arbitrary: fc.constantFrom(61_000, 400_000, 50 * hour) }),
      fc.oneof(
        { weight: 12, arbitrary: arrival },
        { weight: 4, arbitrary: fc.constantFrom("heard", "failed", "tick", "expect", "reconnected", "jump", "skew", "clock right", "position", "acknowledge", "traded") },
      ),
    ),
    { minLength: 1, maxLength: 120 },
  )
  .map((steps) => {
    let next = 0;
    return steps.map(([later, what]): Happening => {
      if (typeof what === "string") return [later, actOf(what, next)];
      const [offset, changes, moves] = what;
      const candle = calm(Math.max(0, next + offset), changes);
      if (moves) next++;
      return [later, (quality, at) => quality.candle(candle, at), candle];
    });
  });

function actOf(what: string, next: number): (quality: FeedQuality, at: number) => void {
  switch (what) {
    case "heard":
      return (quality, at) => quality.heard(at);
    case "failed":
      return (quality, at) => quality.backfillFailed(at);
    case "expect":
      return (quality, at) => quality.expect(calm(next).openTime, at);
    case "reconnected":
      return (quality, at) => quality.reconnected(at);
    case "jump":
      return (quality, at) => quality.clockJump(31_000, at);
    case "skew":
      return (quality, at) => quality.clockSkew(2100, at);
    case "clock right":
      return (quality, at) => quality.clockSkew(0, at);
    case "position":
      return (quality, at) => quality.positionOpen(at);
    case "acknowledge":
      return (quality, at) => quality.acknowledge("owner", at);
    case "traded":
      return (quality, at) => quality.revisedAfterTrade(calm(next).openTime, at);
    default:
      return (quality, at) => quality.tick(at);
  }
}

const options = fc.record({
  speed: fc.constantFrom<(number | "maximum")[]>(1, 720, "maximum"),
  recoveryCandles: fc.integer({ min: 1, max: 4 }),
  warmupCandles: fc.integer({ min: 0, max: 10 }),
  acknowledgeDown: fc.boolean(),
});
type Options = typeof options extends fc.Arbitrary<infer Value> ? Value : never;

interface Seen {
  readonly written: JudgedCandle[];
  readonly findings: FeedFinding[];
  /** After each happening. */
  readonly states: { state: string; reason: string; active: unknown }[];
  /** State before the first thing written after each happening, in the order they were taken. */
  readonly batches: { written: readonly JudgedCandle[]; findings: readonly FeedFinding[]; state: string }[];
}

function run(given: Options, steps: readonly Happening[]): Seen {
  const quality = new FeedQuality({ interval: hour, settings: { ...defaultFeedQuality, gapWindowCandles: 5 }, ...given });
  const seen: Seen = { written: [], findings: [], states: [], batches: [] };
  let at = 0;
  for (const [later, act] of steps) {
    at += later;
    act(quality, at);
    const { candles, findings } = quality.take();
    seen.written.push(...candles);
    seen.findings.push(...findings);
    seen.states.push({ state: quality.state, reason: quality.reason, active: quality.measures.active });
    seen.batches.push({ written: candles, findings, state: quality.state });
  }
  return seen;
}

const check = (property: (given: Options, steps: Happening[]) => void): void => {
  fc.assert(fc.property(options, happenings, property), { numRuns: 400 });
};

describe("feed quality, whatever happens", () => {
  it("writes candles that arrived, each time once, ascending except for repairs", () => {
    check((given, steps) => {
      const { written } = run(given, steps);
      const arrived = new Set(steps.flatMap(([, , candle]) => (candle === undefined ? [] : [candle])));
      let last = Number.NEGATIVE_INFINITY;
      for (const { candle, repair } of written) {
        expect(arrived.has(candle)).to.equal(true);
        expect(Number.isFinite(candle.close) && candle.low > 0).to.equal(true);
        if (repair) expect(candle.openTime).to.be.below(last);
        else expect(candle.openTime).to.be.above(last);
        if (!repair) last = candle.openTime;
      }
      expect(new Set(written.map(({ candle }) => candle.openTime)).size).to.equal(written.length);
    });
  });

  it("is never HEALTHY while anything is active, and says why", () => {
    check((given, steps) => {
      for (const { state, reason, active } of run(given, steps).states) {
        if (active !== null) expect(state).not.to.equal("HEALTHY");
        expect(reason === "candles arrive in order").to.equal(state === "HEALTHY");
        expect(reason).not.to.equal("");
      }
    });
  });

  it("becomes HEALTHY with a candle or an acknowledgement only, and after DOWN only when enough candles came", () => {
    check((given, steps) => {
      const { batches } = run(given, steps);
      let state = "DOWN";
      let sinceDown = 0;
      batches.forEach((batch, index) => {
        sinceDown += batch.written.length;
        if (batch.state === "HEALTHY" && state !== "HEALTHY") {
          const acknowledged = batch.findings.some(({ kind }) => kind === "acknowledged");
          expect(batch.written.length > 0 || acknowledged, `step ${index}`).to.equal(true);
          expect(sinceDown).to.be.at.least(given.recoveryCandles);
        }
        state = batch.state;
        if (state === "DOWN") sinceDown = 0;
      });
    });
  });

  it("every finding that says something against the feed takes its trust away at once", () => {
    check((given, steps) => {
      for (const { written, findings, state } of run(given, steps).batches) {
        const against = findings.filter(({ severity }) => severity !== "note");
        if (against.length === 0) continue;
        // What ended within the same step is on the way back: with one candle of recovery it may be over.
        const recovered = written.length >= given.recoveryCandles;
        if (!recovered) expect(state, JSON.stringify(against)).not.to.equal("HEALTHY");
      }
    });
  });

  it("gives the same for the same", () => {
    check((given, steps) => {
      expect(run(given, steps)).to.deep.equal(run(given, steps));
    });
  });

  it("does not mind how often time is told in between at speed maximum", () => {
    check((asked, steps) => {
      const given = { ...asked, speed: "maximum" as const };
      const more = steps.flatMap(([later, act]): Happening[] => [
        [Math.floor(later / 2), (quality, at) => quality.tick(at)],
        [later - Math.floor(later / 2), act],
      ]);
      expect(run(given, more).written).to.deep.equal(run(given, steps).written);
    });
  });

  it("all it says can be stored as JSON, nothing lost", () => {
    check((given, steps) => {
      const { findings } = run(given, steps);
      expect(JSON.parse(JSON.stringify(findings))).to.deep.equal(findings);
      for (const { reason } of findings) expect(reason).to.match(/^\S.*\S$/).and.not.match(/undefined|NaN|Invalid/);
    });
  });
});
