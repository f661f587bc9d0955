import { expect } from "chai";
import { judge, type Standing } from "../../../../services/performance/readiness";

const bar = Date.UTC(2024, 0, 1);
const hour = 3_600_000;

describe("the performance service", () => {
  const cases: [title: string, standing: Partial<Standing>, ready: boolean, reason: RegExp][] = [
    ["is ready before an account has a bar", { bots: [] }, true, /no account has a bar yet/],
    ["is ready with the newest bar's figures", {}, true, /those of the newest bar/],
    ["is ready a moment behind", { bots: [{ bot: "alpha", processedBar: bar + hour, kpiBar: bar }] }, true, /figures follow: alpha/],
    ["is ready before the first figures", { bots: [{ bot: "alpha", processedBar: bar, kpiBar: null }] }, true, /figures follow: alpha/],
    ["is not ready when figures stand still", { bots: [{ bot: "alpha", processedBar: bar + hour, kpiBar: bar }], lastRound: 60_000 }, false, /no figures were computed for 40 s although alpha went on/],
    ["is not ready when nothing was looked at", { lastRound: 60_000 }, false, /for 40 s$/],
    ["is not ready when a night's comparison was not made", { overdue: ["alpha", "beta"] }, false, /overdue: alpha, beta/],
  ];
  for (const [title, change, ready, reason] of cases) {
    it(title, () => {
      const state = judge({ bots: [{ bot: "alpha", processedBar: bar, kpiBar: bar }], lastRound: 99_000, overdue: [], ...change }, 100_000);
      expect(state.ready, state.reason).to.equal(ready);
      expect(state.reason).to.match(reason);
    });
  }
});
