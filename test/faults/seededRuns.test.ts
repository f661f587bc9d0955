import { expect } from "chai";
import { isDeepStrictEqual } from "node:util";
import type { Candle } from "../../domain/candles";
import type { Fault } from "../../domain/faultScript";
import { bars, FaultRun, hour, marketOf, scenarioOf, start, type RunResult, type Scenario } from "../support/faultRun";

const seeds = 1000;
const seedsATest = 100;

const numberOf = (openTime: number): number => (openTime - start) / hour;

/** Chai's own comparison takes most of the time of these runs; it is good at telling what differs. */
function expectEqual(actual: unknown, expected: unknown, title?: string): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, title).to.deep.equal(expected);
}

/** The numbers of the candles that a fault with a length covers. */
function covered(faults: readonly Fault[], choose: (fault: Fault) => boolean): Set<number> {
  return new Set(faults.filter(choose).flatMap((fault) => Array.from({ length: "bars" in fault ? fault.bars : 1 }, (_, offset) => fault.bar + offset)));
}

/** Rows of neighbouring numbers. */
function rows(numbers: Iterable<number>): number[][] {
  const result: number[][] = [];
  for (const number of [...new Set(numbers)].sort((one, other) => one - other)) {
    if (result.at(-1)?.at(-1) === number - 1) result.at(-1)!.push(number);
    else result.push([number]);
  }
  return result;
}

/** All that must hold after a run, whatever the script was. */
class Checks {
  private readonly gaps: Set<number>;
  private readonly lost: Set<number>;
  private readonly expected: Map<number, Candle>;

  constructor(
    private readonly scenario: Scenario,
    private readonly result: RunResult,
  ) {
    const { faults } = scenario;
    this.gaps = covered(faults, ({ kind }) => kind === "gap");
    this.lost = covered(faults, (fault) => fault.kind === "gap" && !fault.backfill);
    const { faulty } = marketOf(scenario);
    const candles = Array.from({ length: bars }, (_, index) => faulty.candle(index));
    this.expected = new Map(candles.filter((_, index) => !this.lost.has(index)).map((candle) => [candle.openTime, candle]));
  }

  all(): void {
    this.candles();
    this.decisions();
    this.orders();
    this.findings();
    expect(this.result.state, this.result.reason).to.equal("HEALTHY");
  }

  /** Written are the market's candles, each once, in order; only what the script changes itself differs. */
  private candles(): void {
    const { written } = this.result;
    expectEqual(written.map(({ candle }) => candle), [...this.expected.values()]);
    const changed = covered(this.scenario.faults, ({ kind }) => kind === "flat" || kind === "jump");
    const { market } = marketOf(this.scenario);
    const plain = written.filter(({ candle }) => !changed.has(numberOf(candle.openTime)));
    expectEqual(plain.map(({ candle }) => candle), plain.map(({ candle }) => market.candle(numberOf(candle.openTime))));
  }

  private decisions(): void {
    const released = this.result.written.filter(({ repair }) => !repair).map(({ candle }) => candle.openTime);
    expectEqual(this.result.decisions.map(({ bar }) => bar), released);
  }

  /** Every entry was decided on a bar of a HEALTHY feed; what fills are there belong to entries that were let in. */
  private orders(): void {
    const states = new Map(this.result.written.map(({ candle, state }) => [candle.openTime, state]));
    for (const order of this.result.acceptedEntries) expect(states.get(order.bar)).to.equal("HEALTHY");
    const accepted = new Set(this.result.acceptedEntries.map(({ clientOrderId }) => clientOrderId));
    const bought = this.result.fills.filter(({ side }) => side === "buy").map(({ clientOrderId }) => clientOrderId);
    expect(bought.filter((id) => !accepted.has(id))).to.deep.equal([]);
    const lateEntries = this.result.fills.filter(({ side, bar, clientOrderId }) => side === "buy" && bar - this.decidedOn(clientOrderId) !== hour);
    expect(lateEntries, "no entry outlives a gap").to.deep.equal([]);
    expect(this.result.equity.every((equity) => Number.isFinite(equity) && equity > 0)).to.equal(true);
  }

  private decidedOn(clientOrderId: string): number {
    return this.result.acceptedEntries.find((order) => order.clientOrderId === clientOrderId)!.bar;
  }

  /** Every scripted fault left a finding of its kind, and there are none of what was not scripted. */
  private findings(): void {
    const { faults, speed } = this.scenario;
    const missing = new Set([...this.gaps, ...covered(faults, ({ kind }) => kind === "outOfOrder")]);
    expect(this.rangesOf("gap"), "gap").to.deep.equal(missing);
    expect(this.numbersOf("backfilled"), "backfilled").to.deep.equal(new Set([...missing].filter((number) => !this.lost.has(number))));
    expect(new Set([...this.rangesOf("gap left open")].filter((number) => !this.lost.has(number))), "gap left open").to.deep.equal(new Set());
    for (const number of this.lost) expect([...this.rangesOf("gap left open")]).to.include(number);
    const arriving = (kind: Fault["kind"]): Set<number> => new Set([...covered(faults, (fault) => fault.kind === kind)].filter((number) => !this.gaps.has(number)));
    expect(new Set([...arriving("duplicate")].filter((number) => !this.numbersOf("duplicate").has(number))), "duplicate").to.deep.equal(new Set());
    expect(this.numbersOf("revision"), "revision").to.deep.equal(arriving("revision"));
    expect(this.numbersOf("jump"), "jump").to.deep.equal(this.jumps());
    expect(this.flats("DEGRADED"), "flat").to.deep.equal(this.flatRows(2));
    expect(this.flats("DOWN"), "flat").to.deep.equal(this.flatRows(6));
    this.firstOfRows("clock skew", "clockSkew", 4);
    this.firstOfRows("reconnects", "reconnectStorm", 1);
    if (speed !== "maximum") this.silences();
    for (const kind of ["inconsistent", "off the interval", "out of order", "clock jump"]) expect([...this.numbersOf(kind)], kind).to.deep.equal([]);
  }

  /** A stale source is found silent, or its candle late; where it already was, the finding is of before. */
  private silences(): void {
    const silent = this.result.findings.filter(({ kind }) => kind === "silence" || kind === "late").map(({ during }) => during);
    const troubled = new Set([...this.gaps, ...covered(this.scenario.faults, ({ kind }) => kind === "outOfOrder" || kind === "stale")]);
    for (const fault of this.scenario.faults) {
      if (fault.kind !== "stale") continue;
      let first = fault.bar;
      while ([1, 2, 3].some((back) => troubled.has(first - back))) first--;
      expect(silent.some((during) => first <= during && during <= fault.bar + 3), `stale ${fault.bar}`).to.equal(true);
    }
  }

  /** The first candle of each row that a fault covers has a finding; the rest of a row goes on with what is active. */
  private firstOfRows(finding: string, kind: Fault["kind"], patience: number): void {
    const found = this.result.findings.filter((each) => each.kind === finding).map(({ during }) => during);
    const all = covered(this.scenario.faults, (fault) => fault.kind === kind);
    // What comes late by a silence of the source joins what is active then.
    for (const [first] of rows([...all].flatMap((number) => [number - 3, number - 2, number - 1, number]))) {
      const bar = first! + 3;
      expect(found.some((during) => bar <= during && during <= bar + patience), `${kind} ${bar}`).to.equal(true);
    }
    if (all.size === 0) expect(found, kind).to.deep.equal([]);
  }

  private jumps(): Set<number> {
    const numbers = [...this.expected.values()].filter(({ openTime, close }) => {
      const before = this.expected.get(openTime - hour);
      return before !== undefined && Math.abs(close - before.close) > before.close * 0.1;
    });
    return new Set(numbers.map(({ openTime }) => numberOf(openTime)));
  }

  /** Numbers of the candles with which a row of flat ones became so long. */
  private flatRows(length: number): Set<number> {
    const flat = [...covered(this.scenario.faults, ({ kind }) => kind === "flat")].filter((number) => !this.lost.has(number));
    return new Set(rows(flat).filter((row) => row.length >= length).map((row) => row[length - 1]!));
  }

  private flats(severity: string): Set<number> {
    return new Set(this.result.findings.filter((finding) => finding.kind === "flat" && finding.severity === severity).map(({ openTime }) => numberOf(openTime!)));
  }

  private numbersOf(kind: string): Set<number> {
    return new Set(this.result.findings.filter((finding) => finding.kind === kind).map(({ openTime }) => numberOf(openTime!)));
  }

  /** The candles that findings of gaps are about. */
  private rangesOf(kind: string): Set<number> {
    const ranges = this.result.findings.filter((finding) => finding.kind === kind);
    return new Set(ranges.flatMap(({ openTime, details }) => Array.from({ length: Number(details.missingCandles) }, (_, offset) => numberOf(openTime!) + offset)));
  }
}

describe("a thousand seeded runs of the fault script over feed, bot and execution", () => {
  const totals = { entries: 0, refused: 0, fills: 0, latched: 0, cancelled: 0, kinds: new Map<string, number>(), states: new Map<string, number>() };

  for (let first = 1; first <= seeds; first += seedsATest) {
    it(`seeds ${first} to ${first + seedsATest - 1}`, function () {
      this.timeout(60_000);
      for (let seed = first; seed < first + seedsATest; seed++) {
        const scenario = scenarioOf(seed);
        try {
          const result = new FaultRun(scenario).run();
          new Checks(scenario, result).all();
          expectEqual(new FaultRun(scenario).run(), result, "the same again");
          totals.entries += result.acceptedEntries.length;
          totals.refused += result.refusedEntries;
          totals.fills += result.fills.length;
          totals.cancelled += result.acceptedEntries.length - result.fills.filter(({ side }) => side === "buy").length;
          totals.latched += result.latched ? 1 : 0;
          for (const { kind } of result.findings) totals.kinds.set(kind, (totals.kinds.get(kind) ?? 0) + 1);
          for (const { state } of result.written) totals.states.set(state, (totals.states.get(state) ?? 0) + 1);
        } catch (error) {
          throw new Error(`seed ${seed} (${JSON.stringify(scenario)}): ${(error as Error).message}`, { cause: error });
        }
      }
    });
  }

  it("had enough of everything in them to mean something", () => {
    expect(totals.entries).to.be.above(5000);
    expect(totals.refused).to.be.above(500);
    expect(totals.fills).to.be.above(10_000);
    expect(totals.latched).to.be.above(50);
    expect(totals.cancelled).to.be.above(40);
    for (const kind of ["gap", "backfilled", "gap left open", "duplicate", "revision", "jump", "open jump", "flat", "clock skew", "reconnects", "silence", "late", "acknowledged"]) {
      expect(totals.kinds.get(kind) ?? 0, kind).to.be.above(50);
    }
    for (const state of ["HEALTHY", "DEGRADED", "DOWN"]) expect(totals.states.get(state) ?? 0, state).to.be.above(5000);
  });
});
