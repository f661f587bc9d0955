import { expect } from "chai";
import { EventEmitter, once } from "node:events";
import type pg from "pg";
import { startWorkLoop, type WorkLoop } from "../../../../services/shared/listen";
import { silent } from "./support";

class FakeClient extends EventEmitter {
  readonly queries: string[] = [];
  constructor(private readonly failure?: Error) {
    super();
  }
  connect(): Promise<void> {
    return this.failure === undefined ? Promise.resolve() : Promise.reject(this.failure);
  }
  query(text: string): Promise<void> {
    this.queries.push(text);
    return Promise.resolve();
  }
  end(): Promise<void> {
    return Promise.resolve();
  }
}

describe("work loop", () => {
  let loop: WorkLoop | undefined;
  const runs = new EventEmitter();

  afterEach(async () => {
    await loop?.close();
    runs.removeAllListeners();
  });

  function start(
    clients: FakeClient[],
    work: () => Promise<void>,
    pollMilliseconds = 60_000,
    more: { concerns?: (channel: string, payload: string) => boolean } = {},
  ): WorkLoop {
    loop = startWorkLoop({
      database: { host: "nowhere", port: 1, name: "trading", user: "nobody", password: "" },
      applicationName: "test",
      channels: ["candle", "account"],
      pollMilliseconds,
      reconnectMilliseconds: 1,
      log: silent,
      work,
      ...more,
      createClient: () => clients.shift() as unknown as pg.Client,
    });
    return loop;
  }
  const counted = () => {
    const state = { count: 0 };
    return {
      state,
      work: async () => {
        state.count++;
        runs.emit("run");
      },
    };
  };

  it("listens on its channels and works once when connected", async () => {
    const client = new FakeClient();
    const { state, work } = counted();
    const ran = once(runs, "run");
    start([client], work);
    await ran;
    expect(client.queries).to.deep.equal(['LISTEN "candle"', 'LISTEN "account"']);
    expect(loop?.listening).to.equal(true);
    expect(state.count).to.equal(1);
  });

  it("works on a notification", async () => {
    const client = new FakeClient();
    const { state, work } = counted();
    let ran = once(runs, "run");
    start([client], work);
    await ran;
    await Promise.resolve();
    ran = once(runs, "run");
    client.emit("notification", { channel: "candle", payload: "" });
    await ran;
    expect(state.count).to.equal(2);
  });

  it("sleeps on through what does not concern it", async () => {
    const client = new FakeClient();
    const { state, work } = counted();
    let ran = once(runs, "run");
    start([client], work, 60_000, { concerns: (channel, payload) => channel === "account" && payload === "mine" });
    await ran;
    await Promise.resolve();
    ran = once(runs, "run");
    for (const [channel, payload] of [["account", "another's"], ["candle", "mine"], ["account", "mine"]]) client.emit("notification", { channel, payload });
    await ran;
    expect(state.count).to.equal(2);
  });

  it("merges what arrives during a run into one more run", async () => {
    let release: () => void = () => undefined;
    let count = 0;
    const work = async (): Promise<void> => {
      count++;
      runs.emit("run");
      if (count === 1) await new Promise<void>((resolve) => (release = resolve));
      else runs.emit("second");
    };
    const client = new FakeClient();
    const ran = once(runs, "run");
    const second = once(runs, "second");
    start([client], work);
    await ran;
    for (let index = 0; index < 5; index++) client.emit("notification", { channel: "candle", payload: "" });
    release();
    await second;
    await loop?.close();
    expect(count).to.equal(2);
  });

  it("polls when nothing is heard, also after work that failed", async () => {
    let count = 0;
    const enough = once(runs, "enough");
    start(
      [new FakeClient()],
      async () => {
        if (++count === 3) runs.emit("enough");
        throw new Error("no database");
      },
      5,
    );
    await enough;
  });

  it("connects again after a loss and works at once", async () => {
    const first = new FakeClient();
    const second = new FakeClient();
    const { work } = counted();
    let ran = once(runs, "run");
    start([first, second], work);
    await ran;
    ran = once(runs, "run");
    first.emit("error", new Error("gone"));
    expect(loop?.listening).to.equal(false);
    await ran;
    expect(loop?.listening).to.equal(true);
    expect(second.queries).to.have.length(2);
  });

  it("connects again when the first attempt fails", async () => {
    const { work } = counted();
    const ran = once(runs, "run");
    start([new FakeClient(new Error("refused")), new FakeClient()], work);
    await ran;
    expect(loop?.listening).to.equal(true);
  });

  it("waits for the run in progress when it is closed, and runs no more", async () => {
    let finished = false;
    const started = once(runs, "run");
    const client = new FakeClient();
    const work = async (): Promise<void> => {
      runs.emit("run");
      await new Promise((resolve) => setTimeout(resolve, 10));
      finished = true;
    };
    const own = start([client], work);
    await started;
    await own.close();
    expect(finished).to.equal(true);
    finished = false;
    own.wake();
    client.emit("notification", { channel: "candle", payload: "" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(finished).to.equal(false);
  });
});
