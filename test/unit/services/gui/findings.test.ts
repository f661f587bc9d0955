import { expect } from "chai";
import { findingText } from "../../../../services/gui/page/feed";

describe("a finding on the page", () => {
  const cases: { title: string; finding: Parameters<typeof findingText>[0]; text: string }[] = [
    {
      title: "is told with its reason and numbers",
      finding: { reason: "4 reconnects within an hour (limit 3)", details: { perHour: 4, limit: 3, lastCandle: null } },
      text: "4 reconnects within an hour (limit 3): per hour 4, limit 3",
    },
    { title: "without numbers is told with its reason", finding: { reason: "candle of 2026-01-01 03:00 UTC came again with the same values", details: {} }, text: "candle of 2026-01-01 03:00 UTC came again with the same values" },
    { title: "without a reason is told with its numbers", finding: { reason: "", details: { line: 5 } }, text: "line 5" },
  ];
  for (const { title, finding, text } of cases) it(title, () => expect(findingText(finding)).to.equal(text));
});
