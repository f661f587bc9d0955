import { expect } from "chai";
import type { Candle } from "../../../../domain/candles";
import { openAccount, type Account, type Intent } from "../../../../domain/orders";
import type { Decision, Strategy } from "../../../../domain/strategies";
import { decideOn, lateReasons } from "../../../../services/bot/plan";

const hour = 3_600_000;
const candle = (bar: number): Candle => ({ openTime: bar * hour, open: 1, high: 1, low: 1, close: 1, volume: 1 });

const intents = {
  enter: { action: "enter", quantity: 1, stopPrice: 1 },
  exit: { action: "exit" },
  moveStop: { action: "moveStop", stopPrice: 2 },
  hold: null,
} as const satisfies Record<string, Intent | null>;

/** Writes down what it was asked and always wants the same. */
class Recorder implements Strategy {
  readonly warmupBars = 0;
  readonly calls: string[] = [];
  constructor(private readonly action: keyof typeof intents = "exit") {}
  warmUp({ openTime }: Candle): void {
    this.calls.push(`warm ${openTime / hour}`);
  }
  indicators(): Record<string, number> {
    return { seen: this.calls.length };
  }
  onBar({ openTime }: Candle, account: Account): Decision {
    this.calls.push(`decide ${openTime / hour} with ${account.cash}`);
    return { bar: openTime, action: this.action, reason: "always", indicators: this.indicators(), intent: intents[this.action] };
  }
  intentOn(candle: Candle, account: Account): Intent | null {
    return this.onBar(candle, account).intent;
  }
}

/** In a replay the clock says nothing of a bar. */
const replay = { now: 1e12, decisionWindow: null };

/** Trading starts at bar 3; the account has worked bar 6. */
function run(decided: number | null, bars: readonly number[]) {
  const strategy = new Recorder();
  const account = { ...openAccount(100), processedBar: 6 * hour };
  const standing = { startBar: 3 * hour, decidedBar: decided === null ? null : decided * hour, account, interval: hour, ...replay };
  const decisions = bars.map((bar) => decideOn(candle(bar), standing, strategy)).filter((decision) => decision !== null);
  return { calls: strategy.calls, decisions: decisions.map(({ bar, action, late }) => `${bar / hour} ${action}${late ? " late" : ""}`) };
}

describe("the bot's plan", () => {
  it("only warms up before the start", () => {
    expect(run(null, [0, 1, 2])).to.deep.equal({ calls: ["warm 0", "warm 1", "warm 2"], decisions: [] });
  });

  it("decides on the account's last bar with the account", () => {
    expect(run(5, [4, 5, 6])).to.deep.equal({ calls: ["warm 4", "warm 5", "decide 6 with 100"], decisions: ["6 exit"] });
  });

  it("holds late on bars that passed, from the start on when it never decided", () => {
    expect(run(null, [2, 3, 4, 5, 6])).to.deep.equal({
      calls: ["warm 2", "warm 3", "warm 4", "warm 5", "decide 6 with 100"],
      decisions: ["3 hold late", "4 hold late", "5 hold late", "6 exit"],
    });
  });

  it("never decides twice", () => {
    expect(run(6, [5, 6])).to.deep.equal({ calls: ["warm 5", "warm 6"], decisions: [] });
  });

  it("says why a late bar holds, with the indicators after it", () => {
    const account = { ...openAccount(100), processedBar: 6 * hour };
    const late = decideOn(candle(4), { startBar: 0, decidedBar: null, account, interval: hour, ...replay }, new Recorder());
    expect(late).to.deep.equal({ bar: 4 * hour, action: "hold", reason: lateReasons.away, indicators: { seen: 1 }, intent: null, late: true });
  });

  describe("around the decision window of a running market", () => {
    const decisionWindow = 300_000;
    const close = 7 * hour;
    const moments: [string, number, boolean][] = [
      ["at the end of the window", close + decisionWindow, true],
      ["a millisecond after it", close + decisionWindow + 1, false],
      ["an hour after it, as by a clock that is ahead", close + decisionWindow + hour, false],
      ["as early as the window is long", close - decisionWindow, true],
      ["with a clock that was put back an hour", close - hour, false],
    ];
    for (const [name, now, mayEnter] of moments) {
      for (const action of ["enter", "exit", "moveStop", "hold"] as const) {
        const holds = action === "enter" && !mayEnter;
        it(`${name}: ${action} ${holds ? "becomes a late hold" : "is decided"}`, () => {
          const strategy = new Recorder(action);
          const account = { ...openAccount(100), processedBar: 6 * hour };
          const standing = { startBar: 0, decidedBar: 5 * hour, account, interval: hour, now, decisionWindow };
          const made = holds
            ? { action: "hold", reason: lateReasons.window, intent: null, late: true }
            : { action, reason: "always", intent: intents[action], late: false };
          expect(decideOn(candle(6), standing, strategy)).to.deep.equal({ bar: 6 * hour, indicators: { seen: 1 }, ...made });
          expect(strategy.calls, "taken into the indicators once").to.deep.equal(["decide 6 with 100"]);
        });
      }
    }
  });
});
