import { expect } from "chai";
import { BrokerLock } from "../../../../services/broker/BrokerLock";
import { silent } from "../shared/support";

/** A session that a test gives and takes. */
class Session {
  /** Why it cannot be had; null when it can. */
  refusal: Error | null = null;
  asked = 0;
  onLost: (reason: string) => void = () => undefined;
  async ask(): Promise<void> {
    this.asked++;
    if (this.refusal !== null) throw this.refusal;
  }
  async close(): Promise<void> {
    this.onLost("closed");
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("the broker's lock", () => {
  let session: Session;
  let held: number;
  let lock: BrokerLock;

  beforeEach(() => {
    session = new Session();
    held = 0;
    lock = new BrokerLock({
      log: silent,
      open: (onLost) => {
        session.onLost = onLost;
        return session;
      },
      onHeld: () => held++,
    });
  });
  afterEach(() => lock.close());

  it("is not held before it was taken", () => {
    expect([lock.held, lock.waitingFor, session.asked]).to.deep.equal([false, "waiting for the broker's lock", 0]);
  });

  it("is taken, and says so once", async () => {
    lock.start();
    await until(() => lock.held);
    expect([lock.waitingFor, held]).to.deep.equal([null, 1]);
  });

  it("waits while it cannot be had, says why, and is taken as soon as it can", async () => {
    session.refusal = new Error("connect ECONNREFUSED");
    lock.start();
    await until(() => session.asked === 1);
    expect([lock.held, lock.waitingFor]).to.deep.equal([false, "the broker's lock cannot be had: connect ECONNREFUSED"]);
    session.refusal = null;
    await until(() => lock.held);
    expect(held).to.equal(1);
  });

  it("is lost at once with its session, without being asked, and had again later", async () => {
    lock.start();
    await until(() => lock.held);
    session.onLost("the connection that holds the broker's lock is gone");
    expect([lock.held, lock.waitingFor]).to.deep.equal([false, "the connection that holds the broker's lock is gone"]);
    await until(() => lock.held);
    expect(held).to.equal(2);
  });

  it("is not asked for any more after it was given back", async () => {
    lock.start();
    await until(() => lock.held);
    await lock.close();
    const { asked } = session;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(session.asked).to.equal(asked);
  });
});
