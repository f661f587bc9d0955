import { expect } from "chai";
import { TokenBucket } from "../../../../services/broker/TokenBucket";

describe("a bot's token bucket", () => {
  let now = 0;
  const bucket = () => new TokenBucket({ perSecond: 20, burst: 40 }, () => now);
  const taken = (from: TokenBucket, asked: number) => Array.from({ length: asked }, () => from.take()).filter(Boolean).length;

  it("lets a burst through, and then no more", () => expect(taken(bucket(), 10_000)).to.equal(40));

  it("lets through what comes back in the time that passes, whatever was asked for in vain", () => {
    const own = bucket();
    taken(own, 10_000);
    now += 500;
    expect(taken(own, 10_000)).to.equal(10);
    now += 49;
    expect(taken(own, 1)).to.equal(0);
    now += 1;
    expect(taken(own, 10_000)).to.equal(1);
  });

  it("never holds more than a burst", () => {
    const own = bucket();
    now += 3_600_000;
    expect(taken(own, 10_000)).to.equal(40);
  });
});
