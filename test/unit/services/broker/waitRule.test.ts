import { expect } from "chai";
import { missingOf, nextStep, type Situation, type Step } from "../../../../services/broker/waitRule";

const hold = { hasIntent: false, orderKnown: false };
const submitted = { hasIntent: true, orderKnown: true };
const unsubmitted = { hasIntent: true, orderKnown: false };

const cases: [string, Partial<Situation>, Step][] = [
  ["the first bar has nothing to wait for", { decisionExpected: false }, { work: true, missing: null }],
  ["a decision to hold", { decision: hold }, { work: true, missing: null }],
  ["a decision whose intent became an order", { decision: submitted }, { work: true, missing: null }],
  ["no decision of a bot that is there", {}, { work: false, missing: "decision" }],
  ["no order of a bot that is there", { decision: unsubmitted }, { work: false, missing: "intent" }],
  ["no decision, just before the grace ends", { waited: 9_999 }, { work: false, missing: "decision" }],
  ["no decision, the grace is over", { waited: 10_000 }, { work: true, missing: "decision", because: "grace" }],
  ["no order, the grace is over", { decision: unsubmitted, waited: 20_000 }, { work: true, missing: "intent", because: "grace" }],
  ["no decision of a bot that is away", { present: false }, { work: true, missing: "decision", because: "absent" }],
  ["no order of a bot that is away", { present: false, decision: unsubmitted }, { work: true, missing: "intent", because: "absent" }],
];

describe("the broker's wait rule", () => {
  for (const [name, situation, step] of cases) {
    it(name, () => {
      const full = { decision: null, decisionExpected: true, present: true, waited: 0, grace: 10_000, ...situation };
      expect(nextStep(full)).to.deep.equal(step);
      expect(missingOf(full)).to.equal(step.missing);
    });
  }
});
