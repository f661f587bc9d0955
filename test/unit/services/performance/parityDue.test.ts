import { expect } from "chai";
import { parityDue } from "../../../../services/performance/parityDue";

const at = (text: string) => Date.parse(`2024-03-${text}Z`);

describe("a bot is compared with a replay", () => {
  const cases: [title: string, last: number | null, decisions: number, now: number, due: boolean][] = [
    ["not before it has a day of bars", null, 23, at("02T12:00"), false],
    ["as soon as it has one", null, 24, at("02T12:00"), true],
    ["not again on the same day", at("02T01:20"), 500, at("03T01:19"), false],
    ["at its time", at("02T01:20"), 500, at("03T01:20"), true],
    ["on waking, when its time was slept through", at("02T01:20"), 500, at("05T09:00"), true],
    ["once for all the times that were slept through", at("05T09:00"), 500, at("05T09:01"), false],
    ["not for a time that was done by hand just before", at("03T01:20"), 500, at("03T01:20"), false],
    ["when the last one lies in the future: that clock was wrong", at("20T00:00"), 500, at("03T00:00"), true],
  ];
  for (const [title, last, decisions, now, due] of cases) it(title, () => expect(parityDue("20 1 * * *", { last, decisions }, now)).to.equal(due));
});
