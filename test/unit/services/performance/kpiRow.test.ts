import { expect } from "chai";
import { kpisOfSpan } from "../../../../domain/kpis/spans";
import { kpiRow } from "../../../../services/performance/kpiRow";

describe("figures as a row", () => {
  const place = { bot: "alpha", span: "30d", bar: Date.UTC(2024, 0, 1) } as const;

  it("have NULL, and never 0, for what cannot be computed", () => {
    const row = kpiRow(place, kpisOfSpan({ marks: [{ bar: place.bar, equity: 100, held: false }], trades: [], fills: [] }, "30d", 3_600_000, null), null);
    const unknown = ["sharpe", "sharpeError", "sharpeProbability", "hitRate", "profitFactor", "averageProfit", "tradesExpected", "tradesVerdict", "slippageMedian", "trackingError", "decisionMatch"] as const;
    for (const key of unknown) expect(row[key], key).to.equal(null);
    expect(row).to.include({ bars: 1, trades: 0, fees: 0, exposure: 0, equity: 100 });
  });

  it("have NULL for what overflowed", () => {
    const marks = [1, 2, 3].map((equity, index) => ({ bar: place.bar + index, equity, held: true }));
    expect(kpiRow(place, { ...kpisOfSpan({ marks, trades: [], fills: [] }, "all", 3_600_000, null), totalReturn: Number.POSITIVE_INFINITY }, null).totalReturn).to.equal(null);
  });

  it("carry what the newest comparison says", () => {
    const parity = { trackingError: 0.01, meanDifference: -0.02, equityGap: 0.001, decisionMatch: 0.99 };
    expect(kpiRow(place, kpisOfSpan({ marks: [], trades: [], fills: [] }, "30d", 3_600_000, null), parity)).to.include(parity);
  });
});
