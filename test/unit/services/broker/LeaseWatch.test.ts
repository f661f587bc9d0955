import { expect } from "chai";
import { guardLease, LeaseWatch, type LeaseSight } from "../../../../services/broker/LeaseWatch";

const start = Date.UTC(2024, 0, 1);
const hour = 3_600_000;
const second = 1000;

/** A feed that renews every 10 s for 60 s, a database and a broker, each with a clock that the test moves. */
class Clocks {
  own = 5_000;
  database = start;
  leaseUntil: number | null = null;
  renewals = 7;
  alive = true;
  readonly watch = new LeaseWatch(() => this.own);

  constructor(alive = true) {
    this.alive = alive;
    if (alive) this.renew();
  }

  renew(): void {
    this.leaseUntil = this.database + 60 * second;
    this.renewals++;
  }

  get sight(): LeaseSight {
    return { now: this.database, leaseUntil: this.leaseUntil, renewals: this.renewals, state: "HEALTHY", reason: "fine" };
  }

  /** Lets time pass for both clocks; the feed renews every 10 s and the broker looks every 15 s. */
  pass(seconds: number): void {
    for (let passed = 1; passed <= seconds; passed++) {
      this.own += second;
      this.database += second;
      if (this.alive && passed % 10 === 0) this.renew();
      if (passed % 15 === 0) this.watch.look(this.sight);
    }
  }

  get refusal(): string | null {
    return this.watch.refusal(this.sight);
  }
}

describe("the watch over the feed's lease", () => {
  it("lets entries in as long as the feed renews", () => {
    const clocks = new Clocks();
    for (let minute = 0; minute < 200; minute++) {
      expect(clocks.refusal).to.equal(null);
      clocks.pass(60);
    }
  });

  it("starts closed without a lease, and opens with the first renewal", () => {
    const clocks = new Clocks(false);
    expect(clocks.refusal).to.equal("no entry without the feed's lease: the feed is HEALTHY (fine)");
    clocks.pass(30);
    clocks.alive = true;
    clocks.pass(30);
    expect(clocks.refusal).to.equal(null);
  });

  it("closes within a minute when the feed is gone", () => {
    const clocks = new Clocks();
    clocks.pass(30);
    clocks.alive = false;
    clocks.pass(59);
    expect(clocks.refusal).to.equal(null);
    clocks.pass(1);
    expect(clocks.refusal).to.equal("no entry without the feed's lease: the feed is HEALTHY (fine)");
  });

  it("closes when the database's clock is set an hour ahead, and opens when the feed has renewed", () => {
    const clocks = new Clocks();
    clocks.pass(30);
    clocks.database += hour;
    expect(clocks.refusal).to.contain("the feed is HEALTHY");
    clocks.renew();
    clocks.pass(60);
    expect(clocks.refusal).to.equal(null);
  });

  it("closes when the database's clock is set an hour back, and opens when the feed has renewed", () => {
    const clocks = new Clocks();
    clocks.pass(30);
    clocks.database -= hour;
    expect(clocks.refusal).to.equal("no entry without the feed's lease: it would run for 3660 s, no lease is longer than 90 s");
    clocks.pass(60);
    expect(clocks.refusal).to.equal(null);
  });

  it("stays closed when the clock goes back to just when a lease of a dead feed was good", () => {
    const clocks = new Clocks();
    clocks.pass(30);
    clocks.alive = false;
    clocks.pass(hour / second);
    clocks.database -= hour;
    expect(clocks.refusal).to.equal("no entry without the feed's lease: the feed has not renewed it since the database's clock was set");
    clocks.pass(20);
    expect(clocks.refusal).to.contain("has not renewed");
  });

  it("does not take a renewal from before the jump for one after it", () => {
    const clocks = new Clocks();
    clocks.pass(30);
    clocks.renew();
    clocks.database -= hour;
    clocks.leaseUntil = clocks.database + 30 * second;
    expect(clocks.refusal).to.contain("has not renewed");
    clocks.renew();
    expect(clocks.refusal).to.equal(null);
  });

  it("closes by its own clock when the database's stands still", () => {
    const clocks = new Clocks();
    clocks.alive = false;
    clocks.watch.look(clocks.sight);
    // Slow enough that no single look sees a jump.
    for (let look = 0; look < 9; look++) {
      clocks.own += 10 * second;
      expect(clocks.refusal).to.equal(null);
    }
    clocks.own += second;
    expect(clocks.refusal).to.equal("no entry without the feed's lease: no renewal was seen for more than 90 s");
  });

  it("closes after a laptop's sleep, in which its own clock stood still, until the feed has renewed", () => {
    const clocks = new Clocks();
    clocks.pass(30);
    clocks.database += 8 * hour;
    expect(clocks.refusal).to.not.equal(null);
    clocks.renew();
    clocks.watch.look(clocks.sight);
    expect(clocks.refusal).to.equal(null);
  });

  const bounds: [string, number | null, boolean][] = [
    ["that runs out now", 0, false],
    ["with a millisecond left", 1, true],
    ["of 90 s", 90_000, true],
    ["of more", 90_001, false],
    ["that was never granted", null, false],
  ];
  for (const [name, left, good] of bounds) {
    it(`${good ? "takes" : "does not take"} a lease ${name}`, () => {
      const clocks = new Clocks();
      clocks.leaseUntil = left === null ? null : clocks.database + left;
      expect(clocks.refusal === null).to.equal(good);
    });
  }
});

/** A guard that renews every 5 s for 15 s. */
describe("the watch over the guard's lease", () => {
  let own: number;
  let database: number;
  let sight: Omit<LeaseSight, "now">;
  let watch: LeaseWatch;
  const refusal = () => watch.refusal({ ...sight, now: database });
  const renew = (): void => {
    sight = { ...sight, leaseUntil: database + 15 * second, renewals: sight.renewals + 1 };
  };
  const pass = (seconds: number): void => {
    own += seconds * second;
    database += seconds * second;
  };

  beforeEach(() => {
    own = 1000;
    database = start;
    sight = { leaseUntil: null, renewals: 1, state: "GRANTED", reason: "all rules hold" };
    watch = new LeaseWatch(() => own, guardLease);
    renew();
  });

  it("lets entries in as long as the guard renews, however seldom anyone looks", () => {
    for (let minute = 0; minute < 60; minute++) {
      expect(refusal()).to.equal(null);
      for (let renewal = 0; renewal < 12; renewal++) {
        pass(5);
        renew();
      }
    }
  });

  it("closes 15 s after the guard is gone", () => {
    expect(refusal()).to.equal(null);
    pass(14);
    expect(refusal()).to.equal(null);
    pass(1);
    expect(refusal()).to.equal("no entry without the guard's lease: the guard is GRANTED (all rules hold)");
  });

  it("closes at once when the guard withholds it", () => {
    sight = { ...sight, state: "WITHHELD", reason: "the clock is wrong", leaseUntil: null };
    expect(refusal()).to.equal("no entry without the guard's lease: the guard is WITHHELD (the clock is wrong)");
  });

  it("takes no lease that would run longer than a guard's", () => {
    sight = { ...sight, leaseUntil: database + 16 * second };
    expect(refusal()).to.equal("no entry without the guard's lease: it would run for 16 s, no lease is longer than 15 s");
  });

  it("closes by its own clock when the database's stands still", () => {
    expect(refusal()).to.equal(null);
    for (let look = 0; look < 3; look++) {
      own += 5 * second;
      expect(refusal()).to.equal(null);
    }
    own += 1;
    expect(refusal()).to.equal("no entry without the guard's lease: no renewal was seen for more than 15 s");
  });

  it("stays closed when the database's clock is set back to when a dead guard's lease was good", () => {
    expect(refusal()).to.equal(null);
    pass(60);
    database -= 55 * second;
    expect(refusal()).to.equal("no entry without the guard's lease: the guard has not renewed it since the database's clock was set");
    renew();
    expect(refusal()).to.equal(null);
  });
});
