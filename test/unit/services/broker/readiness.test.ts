import { expect } from "chai";
import type { LoopStatus } from "../../../../services/broker/BarLoop";
import type { HaltsSeen } from "../../../../services/broker/Halts";
import { judge, type Progress } from "../../../../services/broker/readiness";

const now = 1_000_000;
const turning: LoopStatus = { lastTurn: now - 500, lastBar: now - 60_000, error: null, waitingFor: null };
const free: HaltsSeen = { problem: null, standings: new Map([["a", { level: null, incidents: [], reason: null }]]) };

const cases: [string, Progress[], Record<string, LoopStatus>, { ready: boolean; reason: string }][] = [
  ["before anyone registered", [], { a: turning }, { ready: true, reason: "0 of 1 bots registered, fills are simulated" }],
  ["up to date", [{ bot: "a", behind: false }], { a: turning }, { ready: true, reason: "1 of 1 bots registered, fills are simulated" }],
  [
    "behind, waiting for a bot that is there",
    [{ bot: "a", behind: true }],
    { a: { ...turning, waitingFor: "decision" } },
    { ready: true, reason: "1 of 1 bots registered, fills are simulated; waiting for the decision of a" },
  ],
  [
    "behind, with bars worked all the time",
    [{ bot: "a", behind: true }],
    { a: { ...turning, lastBar: now - 100 } },
    { ready: true, reason: "1 of 1 bots registered, fills are simulated" },
  ],
  [
    "behind for no reason",
    [{ bot: "a", behind: true }],
    { a: turning },
    { ready: false, reason: "a is behind the newest candle and not waiting for its bot" },
  ],
  [
    "a loop that hangs",
    [{ bot: "a", behind: false }],
    { a: { ...turning, lastTurn: now - 16_000 } },
    { ready: false, reason: "the loop of a took no turn for 16 s" },
  ],
  [
    "a bar that fails, of one of two bots",
    [{ bot: "a", behind: false }, { bot: "b", behind: false }],
    { a: turning, b: { ...turning, error: "cash is negative" } },
    { ready: false, reason: "the bars of b are not worked: cash is negative" },
  ],
  [
    "the account of a bot that is no longer configured",
    [{ bot: "a", behind: false }, { bot: "gone", behind: true }],
    { a: turning },
    { ready: true, reason: "1 of 1 bots registered, fills are simulated" },
  ],
];

describe("the broker's readiness", () => {
  for (const [name, progress, loops, expected] of cases) {
    it(name, () => expect(judge(null, progress, new Map(Object.entries(loops)), [], free, now)).to.deep.equal(expected));
  }

  it("is lost while another broker is at work, whatever else is wrong", () => {
    const reason = "another broker works in this database; waiting until it is gone";
    const loops = new Map([["a", { ...turning, error: "trouble" }]]);
    expect(judge(reason, [], loops, [{ bot: "a", mismatch: "some" }], free, now)).to.deep.equal({ ready: false, reason });
  });

  it("is lost while the books of a bot do not fit together", () => {
    const problems = [{ bot: "a", mismatch: "the account holds 2" }];
    const reason = "the books of a do not fit together: the account holds 2";
    expect(judge(null, [], new Map([["a", turning]]), problems, free, now)).to.deep.equal({ ready: false, reason });
  });

  it("stays under a halt, which it tells", () => {
    const halts: HaltsSeen = { problem: null, standings: new Map([["a", { level: "kill", incidents: ["INC-1", "INC-2"], reason: "halted at level kill" }]]) };
    const reason = "0 of 1 bots registered, fills are simulated; halted: a at level kill (INC-1, INC-2)";
    expect(judge(null, [], new Map([["a", turning]]), [], halts, now)).to.deep.equal({ ready: true, reason });
  });

  it("is lost while the control folder cannot be read", () => {
    const halts: HaltsSeen = { problem: "/control/stack.json is missing or cannot be read", standings: new Map([["a", { level: "reduce", incidents: [], reason: "not known" }]]) };
    const reason = "whether trading is halted cannot be read, so that only exits are let out: /control/stack.json is missing or cannot be read";
    expect(judge(null, [], new Map([["a", turning]]), [], halts, now)).to.deep.equal({ ready: false, reason });
  });
});
