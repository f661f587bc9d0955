import { expect } from "chai";
import type { Lifted } from "../../../../domain/guard/latch";
import { Observer, type Beside } from "../../../../services/guard/Observer";
import { begin, botRow, factRows, feedRow, hour, settings } from "./support";

const beside = (at: number, change: Partial<Beside> = {}): Beside => ({
  ...{ at, held: new Set<string>(), brokerAlive: () => true, restarted: () => false, drill: null, drift: { checked: null, differences: 0, found: [], firstStart: 0, now: 0 } },
  containers: new Map(settings.bots.map(({ name }) => [name, { running: true, startedAt: "a" }])),
  ...change,
});
const halt: Lifted = { id: "INC-1", bot: "one", rule: "drawdown", cause: "x", liftedAt: "2026-01-05T14:00:00Z" };

describe("what the guard observes", () => {
  it("reads on after the equity it knows", () => {
    const observer = new Observer(settings);
    expect([...observer.equityAfter([], new Map())]).to.deep.equal([["one", null], ["two", null]]);
    observer.observe(factRows({ equity: [{ bot: "one", bar: begin, equity: 12_000 }] }), [], new Map(), beside(0));
    expect(observer.equityAfter([], new Map()).get("one")).to.equal(begin);
    const { bots } = observer.observe(factRows({ equity: [{ bot: "one", bar: begin + hour, equity: 11_000 }, { bot: "nobody", bar: begin, equity: 1 }] }), [], new Map(), beside(1));
    expect(bots[0]!.equity).to.include({ peak: 12_000, low: 11_000 });
    expect(bots[1]!.equity).to.equal(null);
  });

  it("reads all of it anew when a halt for a loss was lifted, and counts from there", () => {
    const observer = new Observer(settings);
    observer.observe(factRows({ equity: [{ bot: "one", bar: begin, equity: 12_000 }] }), [], new Map(), beside(0));
    expect(observer.rearms([halt])).to.deep.equal([halt]);
    const bars = new Map([["INC-1", begin + hour]]);
    expect(observer.equityAfter([halt], bars).get("one")).to.equal(null);
    const equity = [0, 1, 2].map((index) => ({ bot: "one", bar: begin + index * hour, equity: 12_000 - 1000 * index }));
    expect(observer.observe(factRows({ equity }), [halt], bars, beside(1)).bots[0]!.equity).to.include({ peak: 11_000, drawdownSince: "INC-1" });
  });

  const feeds: readonly (readonly [name: string, first: Parameters<typeof feedRow>[0], then: Parameters<typeof feedRow>[0], unwellFor: number])[] = [
    ["a feed that renews", { renewals: 1 }, { renewals: 2 }, 0],
    ["a feed that does not renew", { renewals: 1 }, { renewals: 1 }, 9000],
    ["a feed that is DEGRADED, renewing or not", { state: "DEGRADED", renewals: 1 }, { state: "DEGRADED", renewals: 2 }, 9000],
    ["a feed that became DEGRADED", { renewals: 1 }, { state: "DEGRADED", renewals: 1 }, 0],
    ["a feed that got well", { state: "DEGRADED", renewals: 1 }, { renewals: 1 }, 0],
    ["a feed that stays stopped", { phase: "stopped" }, { phase: "stopped" }, 9000],
  ];
  for (const [name, first, then, unwellFor] of feeds) {
    it(`tells for how long ${name} is not well, by its own clock`, () => {
      const observer = new Observer(settings);
      observer.observe(factRows({ feeds: [feedRow(first)] }), [], new Map(), beside(1000));
      // Whatever the database's clock says in between.
      const { feeds: seen } = observer.observe(factRows({ now: begin + 1e9, feeds: [feedRow(then)] }), [], new Map(), beside(10_000));
      expect(seen[0]!.unwellFor).to.equal(unwellFor);
    });
  }

  const behind = factRows({ bots: [botRow({ bar: begin + hour })] });
  const after = (first: typeof behind, then: typeof behind, change: Partial<Beside> = {}, before: Partial<Beside> = {}) => {
    const observer = new Observer(settings);
    observer.observe(first, [], new Map(), beside(1000, before));
    return observer.observe(then, [], new Map(), beside(10_000, change)).bots[0]!.undecided;
  };
  const started = (startedAt: string, running = true) => ({ containers: new Map([["one", { running, startedAt }]]) });
  const none = factRows({ bots: [] });

  const waiting: readonly (readonly [name: string, waitedFor: number | null, ReturnType<typeof after>])[] = [
    ["a bar that is decided on", null, after(factRows(), factRows())],
    ["a bar that is not", 9000, after(behind, behind)],
    ["another bar without a decision", 9000, after(behind, factRows({ bots: [botRow({ bar: begin + 2 * hour })] }))],
    ["a bar after a decision", 0, after(behind, factRows({ bots: [botRow({ bar: begin + 2 * hour, decidedBar: begin + hour })] }))],
    ["a first decision", 9000, after(factRows({ bots: [botRow({ decidedBar: null })] }), factRows({ bots: [botRow({ decidedBar: null })] }))],
    ["a bot that was started anew", 0, after(behind, behind, started("b"))],
    ["a bot that does not run", null, after(behind, behind, started("a", false))],
    ["a bot whose container is not known", null, after(behind, behind, { containers: new Map() })],
    ["a bot that is held", null, after(behind, behind, { held: new Set(["one"]) })],
    ["a bot that was held until now", 0, after(behind, behind, {}, { held: new Set(["one"]) })],
    ["a bot that never registered", 9000, after(none, none)],
    ["a bot that cannot register", null, after(none, none, { brokerAlive: () => false })],
    ["a bot that never registered, without a market", null, after(none, { ...none, feeds: [] })],
    ["a bot that never registered, when all is over", null, after(none, { ...none, feeds: [feedRow({ phase: "ended" })] })],
  ];
  for (const [name, waitedFor, undecided] of waiting) it(`waits for ${name}: ${waitedFor === null ? "not" : `${waitedFor} ms`}`, () => expect(undecided?.waitedFor ?? null).to.equal(waitedFor));
});
