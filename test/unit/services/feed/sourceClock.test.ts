import { expect } from "chai";
import { SourceClock } from "../../../../services/feed/sourceClock";

const noon = Date.UTC(2024, 0, 1, 12);
const hour = 3_600_000;

/**
 * A source and a local clock that is ahead of it; a question and its answer take some milliseconds.
 * @param wrongs milliseconds by which the first answers are wrong; then it is what the options say
 */
function trial(options: { ahead: number; there: number; back: number; resolution: number; wrong?: number }, wrongs: readonly number[] = []) {
  let asked = 0;
  let world = noon;
  let monotonic = 7000;
  const pass = (milliseconds: number): void => {
    world += milliseconds;
    monotonic += milliseconds;
  };
  const clock = new SourceClock({ wall: () => world + options.ahead, monotonic: () => monotonic }, options.resolution);
  const time = async (): Promise<number> => {
    pass(options.there);
    const wrong = wrongs[asked++] ?? options.wrong ?? 0;
    const told = Math.floor((world + wrong) / options.resolution) * options.resolution;
    pass(options.back);
    return told;
  };
  return { clock, ask: () => clock.ask(time), prove: () => clock.prove(time), questions: () => asked, pass, world: () => world };
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

  it("has reached for certain what it told, and goes on by the monotonic clock between two questions", async () => {
    const { clock, ask, pass, world } = trial({ ahead: 300, there: 9000, back: 10, resolution: 1 });
    expect(clock.proven).to.equal(null);
    await ask();
    expect(clock.proven).to.equal(world() - 10);
    pass(12_345);
    expect(clock.proven).to.equal(world() - 10);
  });

  /** Milliseconds by which the answers are wrong, and by which the local clock is; how far the last answer is believed. */
  const believed: { title: string; wrong: number[]; ahead: number; proven: number }[] = [
    { title: "right answers", wrong: [0, 0, 0], ahead: 0, proven: 0 },
    { title: "one wrong answer", wrong: [0, 0, 0, hour], ahead: 0, proven: 0 },
    { title: "four wrong answers", wrong: [0, hour, hour, hour, hour], ahead: 0, proven: 0 },
    { title: "five wrong answers, which are a clock that was set", wrong: [0, hour, hour, hour, hour, hour], ahead: 0, proven: hour },
    { title: "a right answer after wrong ones", wrong: [hour, hour, 0], ahead: 0, proven: 0 },
    { title: "one wrong answer that goes back", wrong: [0, 0, -hour], ahead: 0, proven: -hour },
    { title: "the next right one", wrong: [0, -hour, 0], ahead: 0, proven: 0 },
    { title: "an answer two seconds ahead", wrong: [0, 2000], ahead: 0, proven: 2000 },
    { title: "an answer more than two seconds ahead", wrong: [0, 2001], ahead: 0, proven: 0 },
    { title: "one wrong answer beside a local clock that is wrong as well", wrong: [0, 0, 0, 2 * hour], ahead: hour, proven: 0 },
  ];
  for (const { title, wrong, ahead, proven } of believed) {
    it(`that gives ${title} is believed so far: ${proven} ms`, async () => {
      const options = { ahead, there: 0, back: 0, resolution: 1, wrong: 0 };
      const { clock, ask, pass, world } = trial(options);
      for (const milliseconds of wrong) {
        options.wrong = milliseconds;
        await ask();
        pass(19_700);
      }
      expect(clock.proven).to.equal(world() + proven);
    });
  }

  const asked: { title: string; wrong: number[]; ahead: number; times: number }[] = [
    { title: "once when the local clock agrees", wrong: [0], ahead: 0, times: 1 },
    { title: "once more after a wrong answer", wrong: [hour, 0], ahead: 0, times: 2 },
    { title: "five times when the local clock never agrees", wrong: [0, 0, 0, 0, 0], ahead: hour, times: 5 },
  ];
  for (const { title, wrong, ahead, times } of asked) {
    it(`is asked ${title}`, async () => {
      const options = { ahead, there: 0, back: 0, resolution: 1, wrong: 0 };
      const { prove, questions, clock, world } = trial(options, wrong);
      await prove();
      expect(questions()).to.equal(times);
      expect(clock.proven).to.equal(world());
    });
  }

  it("that counts in seconds is known as well again after one wrong answer", async () => {
    const options = { ahead: 120, there: 10, back: 10, resolution: 1000, wrong: 0 };
    const { clock, ask, pass } = trial(options);
    for (const wrong of [0, 0, hour, 0, 0, 0]) {
      options.wrong = wrong;
      await ask();
      pass(19_700);
    }
    expect(clock.skew).to.be.within(120 - 510, 120 + 510);
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
