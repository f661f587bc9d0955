import { expect } from "chai";
import { WakeUp } from "../../../../services/bot/wakeUp";

/** Longer than any test may take: who sleeps so long was not woken. */
const long = 600_000;
const never = new AbortController().signal;

describe("the bot's wake-up", () => {
  it("ends a sleep", async () => {
    const wakeUp = new WakeUp();
    const slept = wakeUp.sleep(long, never);
    wakeUp.call();
    await slept;
  });

  it("is not lost while nobody sleeps, and wakes once however often it was called", async () => {
    const wakeUp = new WakeUp();
    wakeUp.call();
    wakeUp.call();
    await wakeUp.sleep(long, never);
    let awake = false;
    const second = wakeUp.sleep(long, never).then(() => (awake = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(awake).to.equal(false);
    wakeUp.call();
    await second;
  });

  it("comes when the time is up", () => new WakeUp().sleep(1, never));

  it("comes when the signal is aborted, also before the sleep", async () => {
    const stop = new AbortController();
    const slept = new WakeUp().sleep(long, stop.signal);
    stop.abort();
    await slept;
    await new WakeUp().sleep(long, stop.signal);
  });
});
