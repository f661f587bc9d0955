import { expect } from "chai";
import { ClockWatch, type ClockSample } from "../../../../domain/guard/ClockWatch";

const begin = Date.UTC(2026, 0, 5);
/** Everything agrees, so many milliseconds after the beginning. */
const sample = (after: number, change: Partial<ClockSample> = {}): ClockSample => {
  const wall = change.wall ?? begin + after;
  return { wall, monotonic: 1000 + after, database: { now: wall, askedAt: wall - 3, answeredAt: wall }, exchangeSkew: null, ...change };
};

describe("the clocks", () => {
  it("are fine while they go together, however slow an answer is", () => {
    const watch = new ClockWatch(2000);
    expect(watch.look(sample(0))).to.equal(null);
    expect(watch.look(sample(60_000))).to.equal(null);
    const wall = begin + 70_000;
    expect(watch.look(sample(70_000, { database: { now: wall - 9000, askedAt: wall - 10_000, answeredAt: wall } }))).to.equal(null);
  });

  const apart: readonly (readonly [name: string, change: Partial<ClockSample>, words: RegExp])[] = [
    ["a database that is ahead", { database: { now: begin + 3001, askedAt: begin, answeredAt: begin + 1000 } }, /the database's clock is at least 2\.0 s/],
    ["a database that is behind", { database: { now: begin - 2001, askedAt: begin, answeredAt: begin + 1000 } }, /the database's clock is at least 2\.0 s/],
    ["an exchange that is ahead", { exchangeSkew: -2001 }, /the exchange's are 2\.0 s apart/],
    ["an exchange that is behind", { exchangeSkew: 2001 }, /the exchange's are 2\.0 s apart/],
  ];
  for (const [name, change, words] of apart) {
    it(`let no entry out beside ${name}, until it agrees again`, () => {
      const watch = new ClockWatch(2000);
      const verdict = watch.look(sample(1000, change));
      expect(verdict).to.deep.include({ rule: "clock", bot: null, act: { kind: "withhold" } });
      expect(verdict!.reason).to.match(words).and.to.match(/wsl --shutdown/).and.to.match(/w32tm \/resync/);
      expect(watch.look(sample(1500))).to.equal(null);
    });
  }

  for (const [name, jump] of [["ahead, as after a sleep", 3_600_000], ["back", -2001]] as const) {
    it(`let no entry out for half a minute after a jump ${name}`, () => {
      const watch = new ClockWatch(2000);
      watch.look(sample(0));
      expect(watch.look(sample(500, { wall: begin + 500 + jump }))?.numbers).to.include({ jumpSeconds: jump / 1000 });
      expect(watch.look(sample(30_000, { wall: begin + 30_000 + jump }))).not.to.equal(null);
      expect(watch.look(sample(30_501, { wall: begin + 30_501 + jump }))).to.equal(null);
    });
  }

  it("say nothing of a database that was not asked", () => {
    expect(new ClockWatch(2000).look(sample(0, { database: null }))).to.equal(null);
  });
});
