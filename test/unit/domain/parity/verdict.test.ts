import { expect } from "chai";
import type { Cause } from "../../../../domain/parity/cause";
import type { FirstDifference, Match, Parity } from "../../../../domain/parity/compare";
import { verdictOf } from "../../../../domain/parity/verdict";

const bar = Date.UTC(2024, 0, 2, 3);
const match = (matched: number, compared: number): Match => ({ matched, compared, share: compared > 0 ? matched / compared : undefined });
const decision: FirstDifference = { kind: "decision", bar, own: null, reference: null };
const fill: FirstDifference = { kind: "fill", bar, own: null, reference: null };
const tracking = (trackingError: number): Parity["tracking"] => ({ trackingError, meanDifference: 0, equityGap: 0, returns: 700 });

describe("the verdict on a comparison", () => {
  const cases: [title: string, decisions: Match, trades: Match, error: number | undefined, first: FirstDifference | null, cause: Cause, kind: string, frozen: boolean, reason: RegExp][] = [
    ["nothing in both", match(0, 0), match(0, 0), undefined, null, "none", "nothing to compare", false, /no bar is in both/],
    ["all alike", match(700, 700), match(6, 6), 0, null, "none", "equal", false, /^all 700 decisions and 6 trades are the same$/],
    ["all alike without a trade", match(700, 700), match(0, 0), 0, null, "none", "equal", false, /0 trades/],
    ["another fee", match(700, 700), match(6, 6), 0.004, fill, "fee", "costs", false, /^a fill cost another fee, first on 2024-01-02 03:00 UTC; every decision/],
    ["costs that explain no such distance", match(700, 700), match(6, 6), 0.021, fill, "fill price", "costs", false, /2.1 % a year is above 2.0 %/],
    ["costs beyond the bound", match(700, 700), match(6, 6), 0.051, fill, "fill price", "costs", true, /5.1 % a year is above 5.0 %/],
    ["exactly at the bound", match(700, 700), match(6, 6), 0.05, fill, "fill price", "costs", false, /5.0 % a year is above 2.0 %/],
    ["other indicators and the same decisions", match(700, 700), match(6, 6), 0, decision, "indicator seed", "differs", false, /seeded or warmed up otherwise/],
    ["one decision of 700", match(699, 700), match(6, 6), 0, decision, "missed bar", "differs", true, /1 of 700 decisions differ/],
    ["a trade on another bar", match(700, 700), match(5, 7), 0, fill, "execution", "differs", true, /2 of 7 trades differ/],
    ["one bar late", match(500, 700), match(0, 12), 0.2, decision, "one bar late", "differs", true, /^the bot acts one bar late/],
  ];
  for (const [title, decisions, trades, error, first, cause, kind, frozen, reason] of cases) {
    it(title, () => {
      const verdict = verdictOf({ decisions, trades, tracking: error === undefined ? undefined : tracking(error), first, cause });
      expect([verdict.kind, verdict.frozen]).to.deep.equal([kind, frozen]);
      expect(verdict.reason).to.match(reason);
    });
  }
});
