import { expect } from "chai";
import { createServer } from "node:http";
import { ServiceProbe } from "../../../../services/gui/probes";
import { Snapshot } from "../../../../services/gui/snapshot";

describe("gui: snapshot", () => {
  it("reads again only when the value is no longer fresh", async () => {
    let [clock, reads] = [0, 0];
    const snapshot = new Snapshot(async () => ++reads, { freshMilliseconds: 500, now: () => clock });
    expect(await snapshot.get()).to.deep.equal({ last: { value: 1, at: 0 }, problem: undefined });
    clock = 499;
    expect((await snapshot.get()).last?.value).to.equal(1);
    clock = 500;
    expect(await snapshot.get()).to.deep.equal({ last: { value: 2, at: 500 }, problem: undefined });
  });

  it("shares one read between those who ask at a time", async () => {
    let reads = 0;
    const snapshot = new Snapshot(async () => ++reads);
    const answers = await Promise.all([snapshot.get(), snapshot.get(), snapshot.get()]);
    expect(answers.map((answer) => answer.last?.value)).to.deep.equal([1, 1, 1]);
  });

  it("keeps the last good value beside the reason of a failure, and recovers", async () => {
    let [clock, failing] = [0, false];
    const snapshot = new Snapshot(
      async () => {
        if (failing) throw new Error("connect ECONNREFUSED");
        return "good";
      },
      { now: () => clock },
    );
    await snapshot.get();
    [clock, failing] = [1000, true];
    expect(await snapshot.get()).to.deep.equal({ last: { value: "good", at: 0 }, problem: "connect ECONNREFUSED" });
    failing = false;
    expect(await snapshot.get()).to.deep.equal({ last: { value: "good", at: 1000 }, problem: undefined });
  });

  it("names the code of an error without a message", async () => {
    const refused = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
    expect(await new Snapshot(() => Promise.reject(refused)).get()).to.deep.equal({ last: undefined, problem: "ECONNREFUSED" });
  });

  it("does not wait for a read that hangs", async () => {
    const snapshot = new Snapshot(() => new Promise<never>(() => undefined), { patienceMilliseconds: 10 });
    expect(await snapshot.get()).to.deep.equal({ last: undefined, problem: "no answer within 0.01 s" });
  });
});

describe("gui: probe of a service", () => {
  async function serve(answer: { status: number; body: string } | "silence"): Promise<{ url: string; close: () => Promise<unknown> }> {
    const server = createServer((_request, response) => {
      if (answer !== "silence") response.writeHead(answer.status, { connection: "close" }).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    return {
      url: `http://127.0.0.1:${port}`,
      close: () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      },
    };
  }

  for (const { answer, expected } of [
    { answer: { status: 200, body: '{"ready":true,"reason":"works"}' }, expected: { name: "broker", state: "up", reason: "works", lastUp: 42 } },
    { answer: { status: 503, body: '{"ready":false,"reason":"database: lost"}' }, expected: { name: "broker", state: "notReady", reason: "database: lost", lastUp: null } },
    { answer: { status: 500, body: "<html>" }, expected: { name: "broker", state: "notReady", reason: "HTTP 500", lastUp: null } },
    { answer: "silence", expected: { name: "broker", state: "down", reason: "no answer within 0.05 s", lastUp: null } },
  ] as const) {
    it(`takes ${answer === "silence" ? answer : answer.status} as ${expected.state}`, async () => {
      const service = await serve(answer);
      try {
        expect(await new ServiceProbe("broker", service.url, { now: () => 42, timeoutMilliseconds: answer === "silence" ? 50 : 5000 }).read()).to.deep.equal(expected);
      } finally {
        await service.close();
      }
    });
  }

  it("takes a refused connection as down and keeps when it was last up", async () => {
    const service = await serve({ status: 200, body: '{"reason":"works"}' });
    let clock = 1000;
    const probe = new ServiceProbe("livefeed", service.url, { now: () => clock });
    await probe.read();
    await service.close();
    clock = 3000;
    expect(await probe.read()).to.deep.equal({ name: "livefeed", state: "down", reason: "no connection (ECONNREFUSED)", lastUp: 1000 });
  });
});
