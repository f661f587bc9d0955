import { expect } from "chai";
import { isDue, newestLifted, type Lifted } from "../../../../domain/guard/latch";

const verdict = { rule: "drawdown", cause: "counted from the beginning", bot: "one" } as const;
const halt = { id: "INC-1", bot: "one", rule: "drawdown", cause: "counted from the beginning" };
const lifted = (change: Partial<Lifted> = {}): Lifted => ({ ...halt, liftedAt: "2026-01-05T00:00:00Z", ...change });

describe("a verdict", () => {
  const cases: readonly (readonly [name: string, inForce: (typeof halt | { id: string; bot: null; rule: string; cause: string })[], lifted: Lifted[], due: boolean])[] = [
    ["is due where nothing stands", [], [], true],
    ["is not while its halt stands", [halt], [], false],
    ["is not while a halt of its rule stands for another cause", [{ ...halt, cause: "other" }], [], false],
    ["is not while its rule holds every bot", [{ ...halt, bot: null }], [], false],
    ["is due beside a halt of another bot", [{ ...halt, bot: "two" }], [], true],
    ["is due beside a halt of another rule", [{ ...halt, rule: "daily-loss" }], [], true],
    ["is not for what a person lifted", [], [lifted()], false],
    ["is due for another cause than that", [], [lifted({ cause: "other" })], true],
    ["is due where it was lifted for another bot", [], [lifted({ bot: "two" })], true],
  ];
  for (const [name, inForce, ones, due] of cases) it(name, () => expect(isDue(verdict, inForce, ones)).to.equal(due));
});

describe("what a loss is counted from", () => {
  it("is the newest rearm of the rule for the bot, or for all", () => {
    const ones = [lifted({ id: "old" }), lifted({ id: "new", bot: null, liftedAt: "2026-01-06T00:00:00Z" }), lifted({ id: "other", rule: "daily-loss", liftedAt: "2026-01-07T00:00:00Z" }), lifted({ id: "two", bot: "two", liftedAt: "2026-01-08T00:00:00Z" })];
    expect(newestLifted("drawdown", "one", ones)?.id).to.equal("new");
    expect(newestLifted("drawdown", "one", [])).to.equal(undefined);
  });
});
