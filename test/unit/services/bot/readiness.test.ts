import { expect } from "chai";
import { Progress } from "../../../../services/bot/Progress";
import { judge, type BotProgress } from "../../../../services/bot/readiness";

const hour = 3_600_000;
const bar = Date.UTC(2024, 0, 1);

/** A bot on an account, and a clock that the test moves on. */
class World {
  now = 1_000_000;
  readonly progress = new Progress(() => this.now);
  constructor() {
    this.progress.begin();
  }
  judge(rest: Partial<BotProgress> = {}) {
    const { decidedBar, processedBar, behindSince, processedAt } = this.progress;
    return judge({ waitingFor: null, decidedBar, processedBar, behindSince, processedAt, waitingCandle: null, ...rest }, this.now);
  }
  ready(rest: Partial<BotProgress> = {}): boolean {
    return this.judge(rest).ready;
  }
}

describe("the bot's readiness", () => {
  const now = 1_000_000;
  const going: BotProgress = { waitingFor: null, decidedBar: 5 * hour, processedBar: 5 * hour, behindSince: null, processedAt: 0, waitingCandle: null };
  const cases: [string, Partial<BotProgress>, { ready: boolean; reason: string }][] = [
    ["decided on the last bar", {}, { ready: true, reason: "decided up to 1970-01-01T05:00:00.000Z" }],
    ["no bar yet", { decidedBar: null, processedBar: null }, { ready: true, reason: "registered; the account has no bar yet" }],
    [
      "behind for a moment",
      { processedBar: 6 * hour, behindSince: now - 4000 },
      { ready: true, reason: "decided up to 1970-01-01T05:00:00.000Z" },
    ],
    [
      "behind for long",
      { processedBar: 6 * hour, behindSince: now - 6000 },
      { ready: false, reason: "decided up to 1970-01-01T05:00:00.000Z, but the account is at 1970-01-01T06:00:00.000Z" },
    ],
    [
      "never decided",
      { decidedBar: null, behindSince: now - 6000 },
      { ready: false, reason: "decided on no bar, but the account is at 1970-01-01T05:00:00.000Z" },
    ],
    [
      "without the lock",
      { waitingFor: "another instance of this bot holds its lock" },
      { ready: false, reason: "another instance of this bot holds its lock" },
    ],
    [
      "candles wait for the broker, not for long",
      { waitingCandle: 6 * hour, processedAt: now - 29_000 },
      { ready: true, reason: "decided up to 1970-01-01T05:00:00.000Z" },
    ],
    [
      "candles wait for a broker that is gone",
      { waitingCandle: 6 * hour, processedAt: now - 31_000 },
      {
        ready: false,
        reason: "the account stands at 1970-01-01T05:00:00.000Z although the candle 1970-01-01T06:00:00.000Z is there: the broker works no bars",
      },
    ],
    [
      "candles wait for a broker that never worked one",
      { decidedBar: null, processedBar: null, waitingCandle: 5 * hour, processedAt: now - 31_000 },
      { ready: false, reason: "the account has no bar yet although the candle 1970-01-01T05:00:00.000Z is there: the broker works no bars" },
    ],
    [
      "behind with a broker that is gone as well: its own fault comes first",
      { processedBar: 6 * hour, behindSince: now - 6000, waitingCandle: 7 * hour, processedAt: now - 31_000 },
      { ready: false, reason: "decided up to 1970-01-01T05:00:00.000Z, but the account is at 1970-01-01T06:00:00.000Z" },
    ],
  ];
  for (const [name, change, expected] of cases) {
    it(name, () => expect(judge({ ...going, ...change }, now)).to.deep.equal(expected));
  }
});

describe("the bot's readiness over time", () => {
  let world: World;
  beforeEach(() => {
    world = new World();
    world.progress.account(bar);
    world.progress.decided(bar);
  });

  it("stays while it decides on each bar of an hour within 5 s, and the moment at which the account goes on does not matter", () => {
    for (let number = 1; number <= 3; number++) {
      world.now += hour;
      expect(world.ready(), "before the account goes on").to.equal(true);
      world.progress.account(bar + number * hour);
      for (let waited = 0; waited <= 5000; waited += 1000) {
        expect(world.ready(), `${waited} ms after the account went on`).to.equal(true);
        world.now += 1000;
      }
      expect(world.ready(), "later than that").to.equal(false);
      world.progress.decided(bar + number * hour);
      expect(world.ready()).to.equal(true);
    }
  });

  it("is lost by a bot that stands still, also while the account goes on without it", () => {
    for (let number = 1; number <= 10; number++) {
      world.progress.account(bar + number * hour);
      world.now += 1000;
    }
    expect(world.judge()).to.deep.equal({ ready: false, reason: "decided up to 2024-01-01T00:00:00.000Z, but the account is at 2024-01-01T10:00:00.000Z" });
  });

  it("stays while the bot catches up step by step", () => {
    world.progress.account(bar + 100 * hour);
    for (let number = 10; number <= 90; number += 10) {
      world.now += 4000;
      world.progress.decided(bar + number * hour);
      expect(world.ready(), `at bar ${number}`).to.equal(true);
    }
    world.now += 5001;
    expect(world.ready()).to.equal(false);
  });

  it("gives the time anew to a bot that was waiting for its lock", () => {
    world.progress.account(bar + hour);
    world.now += hour;
    expect(world.judge({ waitingFor: "another instance of this bot holds its lock" })).to.deep.equal({ ready: false, reason: "another instance of this bot holds its lock" });
    world.progress.begin();
    expect(world.ready()).to.equal(true);
    world.now += 5001;
    expect(world.ready()).to.equal(false);
  });

  it("does not depend on when the market last had a candle, but on whether the broker works those there are", () => {
    world.now += 100 * hour;
    expect(world.judge()).to.deep.equal({ ready: true, reason: "decided up to 2024-01-01T00:00:00.000Z" });
    expect(world.judge({ waitingCandle: bar + hour })).to.deep.equal({
      ready: false,
      reason: "the account stands at 2024-01-01T00:00:00.000Z although the candle 2024-01-01T01:00:00.000Z is there: the broker works no bars",
    });
    expect(world.ready({ waitingCandle: bar + hour, processedAt: world.now - 30_000 })).to.equal(true);
  });

});
