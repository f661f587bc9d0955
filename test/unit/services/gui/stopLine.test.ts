import { expect } from "chai";
import { stopByBar } from "../../../../services/gui/stopLine";

const bars = [1, 2, 3, 4, 5, 6, 7, 8];
const show = (map: Map<number, number>): [number, number][] => [...map].sort(([left], [right]) => left - right);

describe("gui: stop line", () => {
  it("begins with the entry's stop and moves from the bar after each move", () => {
    const stops = [
      { bar: 3, stopPrice: 95 },
      { bar: 1, stopPrice: 90 },
    ];
    expect(show(stopByBar(bars, [{ entryBar: 2, exitBar: 5 }], stops))).to.deep.equal([
      [2, 90],
      [3, 90],
      [4, 95],
      [5, 95],
    ]);
  });

  it("leaves out bars without a position and keeps positions apart", () => {
    const stops = [
      { bar: 1, stopPrice: 90 },
      { bar: 5, stopPrice: 70 },
    ];
    expect(show(stopByBar(bars, [{ entryBar: 2, exitBar: 3 }, { entryBar: 6, exitBar: null }], stops))).to.deep.equal([
      [2, 90],
      [3, 90],
      [6, 70],
      [7, 70],
      [8, 70],
    ]);
  });

  it("shows the stop of a position that began before the first bar", () => {
    expect(show(stopByBar([7, 8], [{ entryBar: 2, exitBar: null }], [{ bar: 1, stopPrice: 90 }, { bar: 7, stopPrice: 95 }]))).to.deep.equal([
      [7, 90],
      [8, 95],
    ]);
  });

  it("is empty without stops", () => {
    expect(show(stopByBar(bars, [{ entryBar: 2, exitBar: null }], []))).to.deep.equal([]);
  });
});
