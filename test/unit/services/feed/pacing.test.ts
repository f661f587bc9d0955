import { expect } from "chai";
import { Pacing } from "../../../../services/feed/pacing";
import { hour, start } from "./support";

describe("pacing", () => {
  const cases: { speed: number | "maximum"; passed: number; market: number; wait: number }[] = [
    { speed: 1, passed: 0, market: start + hour, wait: hour },
    { speed: 1, passed: hour, market: start + hour, wait: 0 },
    { speed: 720, passed: 0, market: start + hour, wait: 5000 },
    { speed: 720, passed: 4000, market: start + hour, wait: 1000 },
    { speed: 720, passed: 6000, market: start + 2 * hour, wait: 4000 },
    { speed: 0.5, passed: 0, market: start + hour, wait: 2 * hour },
    { speed: "maximum", passed: 0, market: start + 1000 * hour, wait: 0 },
  ];
  for (const { speed, passed, market, wait } of cases) {
    it(`at speed ${speed}, ${passed} ms after the start, hour ${(market - start) / hour} is ${wait} ms away`, () => {
      let clock = 5_000_000;
      const pacing = new Pacing(speed, () => clock);
      pacing.start(start);
      clock += passed;
      expect(pacing.wait(market)).to.equal(wait);
    });
  }

  it("does not drift when it is asked late", () => {
    let clock = 0;
    const pacing = new Pacing(3600, () => clock);
    pacing.start(start);
    clock = 1700;
    expect(pacing.wait(start + hour)).to.equal(0);
    expect(pacing.wait(start + 2 * hour)).to.equal(300);
  });

  it("waits for nothing before it is started", () => {
    const pacing = new Pacing(1, () => 0);
    expect([pacing.anchored, pacing.wait(start + hour)]).to.deep.equal([false, 0]);
  });
});
