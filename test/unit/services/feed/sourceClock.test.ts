import { expect } from "chai";
import { SourceClock } from "../../../../services/feed/sourceClock";

const noon = Date.UTC(2024, 0, 1, 12);

/** A source and a local clock that is ahead of it; a question and its answer take some milliseconds. */
function trial(options: { ahead: number; there: number; back: number; resolution: number }) {
  let world = noon;
  let monotonic = 7000;
  const pass = (milliseconds: number): void => {
    world += milliseconds;
    monotonic += milliseconds;
  };
  const clock = new SourceClock({ wall: () => world + options.ahead, monotonic: () => monotonic }, options.resolution);
  const ask = () =>
    clock.ask(async () => {
      pass(options.there);
      const told = Math.floor(world / options.resolution) * options.resolution;
      pass(options.back);
      return told;
    });
  return { clock, ask, pass, world: () => world };
}

describe("clock of a source", () => {
  const cases: { title: string; ahead: number; there: number; back: number; skew: number }[] = [
    { title: "is the same", ahead: 0, there: 40, back: 40, skew: 0 },
    { title: "is behind", ahead: 300, there: 40, back: 40, skew: 300 },
    { title: "is ahead", ahead: -2500, there: 5, back: 5, skew: -2500 },
    { title: "is a slow answer away", ahead: 0, there: 0, back: 500, skew: 250 },
  ];
  for (const { title, skew, ...options } of cases) {
    it(`that ${title} is compared with half the round trip allowed for`, async () => {
      const { clock, ask } = trial({ ...options, resolution: 1 });
      expect(clock.skew).to.equal(null);
      await ask();
      expect(clock.skew).to.equal(skew);
    });
  }

  it("goes on by the monotonic clock between two questions", async () => {
    const { clock, ask, pass, world } = trial({ ahead: 86_400_000, there: 10, back: 10, resolution: 1 });
    expect(clock.now).to.equal(null);
    await ask();
    pass(12_345);
    expect(clock.now).to.equal(world());
  });

  it("that counts in seconds is known better with every question", async () => {
    const { clock, ask, pass } = trial({ ahead: 120, there: 10, back: 10, resolution: 1000 });
    const errors: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      await ask();
      errors.push(Math.abs((clock.skew as number) - 120));
      pass(19_700);
    }
    expect(Math.max(...errors)).to.be.at.most(510);
    expect(errors.at(-1)).to.be.at.most(160);
  });

  it("that was set is believed anew", async () => {
    const options = { ahead: 0, there: 10, back: 10, resolution: 1000 };
    const { clock, ask, pass } = trial(options);
    for (let turn = 0; turn < 5; turn++) {
      await ask();
      pass(19_700);
    }
    options.ahead = 60_000;
    await ask();
    expect(clock.skew).to.be.within(59_400, 60_600);
  });
});
