import { expect } from "chai";
import { EquityMeter, type Baseline } from "../../../../domain/guard/EquityMeter";

const hour = 3_600_000;
/** The bar that closes at a time of 5 January 2026 and after, in hours. */
const closing = (hours: number) => Date.UTC(2026, 0, 5) + (hours - 1) * hour;

function metered(marks: readonly (readonly [closes: number, equity: number])[], baselines?: { drawdown: Baseline | undefined; daily: Baseline | undefined }) {
  const meter = new EquityMeter(hour, 10_000, baselines);
  for (const [closes, equity] of marks) meter.add({ bar: closing(closes), equity });
  return meter;
}

/** The same, with all of it looked at: only the newest counts. */
function looked(...given: Parameters<typeof metered>) {
  const meter = metered(...given);
  meter.forget();
  return meter;
}

describe("a bot's equity, bar by bar", () => {
  it("is nothing before the first bar", () => {
    expect(metered([]).facts).to.equal(null);
    expect(metered([]).bar).to.equal(null);
  });

  it("is counted from the starting cash at first", () => {
    expect(metered([[1, 9900]]).facts).to.deep.equal({ drawdownSince: "the beginning", peak: 10_000, dailySince: "the beginning", dayStart: 10_000, day: "2026-01-05", low: 9900, dayLow: 9900 });
  });

  const days: readonly (readonly [name: string, marks: readonly (readonly [number, number])[], dayStart: number, day: string])[] = [
    ["the mark at midnight ends the day before", [[23, 10_100], [24, 10_200]], 10_000, "2026-01-05"],
    ["the next one is of a day that began with it", [[23, 10_100], [24, 10_200], [25, 9900]], 10_200, "2026-01-06"],
    ["a day without bars begins with the last that was known", [[23, 10_100], [72, 9000]], 10_100, "2026-01-07"],
  ];
  for (const [name, marks, dayStart, day] of days) it(`in a day: ${name}`, () => expect(looked(marks).facts).to.include({ dayStart, day }));

  it("keeps the highest, whatever comes after", () => {
    expect(looked([[1, 12_000], [2, 9000], [3, 11_000]]).facts).to.include({ peak: 12_000, low: 11_000 });
  });

  it("counts each bar since the last look, not the newest alone", () => {
    const meter = looked([[1, 12_000]]);
    for (const [closes, equity] of [[2, 9000], [3, 13_000], [4, 12_500]] as const) meter.add({ bar: closing(closes), equity });
    expect(meter.facts).to.include({ peak: 12_000, low: 9000, dayStart: 10_000, dayLow: 9000 });
    meter.forget();
    expect(meter.facts).to.include({ peak: 13_000, low: 12_500, dayLow: 12_500 });
  });

  it("is counted anew from the bar of a rearm", () => {
    const baseline = { incident: "INC-1", bar: closing(2) };
    const { facts } = looked([[1, 12_000], [2, 9000], [3, 9100], [4, 8900]], { drawdown: baseline, daily: undefined });
    expect(facts).to.include({ peak: 9100, drawdownSince: "INC-1", dayStart: 10_000, dailySince: "the beginning" });
    expect(looked([[1, 12_000], [2, 9000], [3, 8900]], { drawdown: undefined, daily: baseline }).facts).to.include({ dayStart: 9000, dailySince: "INC-1", peak: 12_000 });
  });

  it("leaves a rearm of an earlier day to that day", () => {
    const baseline = { incident: "INC-1", bar: closing(2) };
    expect(looked([[2, 9000], [24, 8000], [25, 7900]], { drawdown: undefined, daily: baseline }).facts).to.include({ dayStart: 8000 });
  });

  it("leaves out a bar that it has", () => {
    const meter = looked([[1, 10_000], [2, 10_500]]);
    meter.add({ bar: closing(1), equity: 1 });
    meter.add({ bar: closing(2), equity: 1 });
    expect(meter.facts).to.include({ low: 10_500 });
    expect(meter.bar).to.equal(closing(2));
  });
});
