import { expect } from "chai";
import { BrokerClient, type Answer } from "../../../../services/bot/brokerClient";
import { createLogger } from "../../../../services/shared/log";
import { FakeServer, type Call } from "./support";

const log = createLogger("bot", "silent");
const never = new AbortController().signal;
const registration = {
  ...{ bot: "one", startBar: 3_600_000, warmupFrom: 0, configurationHash: "0123", simulated: true, decisionWindowMilliseconds: null },
  execution: { feeRate: 0.001, slippageRate: 0.0005, priceTick: 0.01, quantityStep: 0.00001, priceCollar: 0.02 },
};

describe("the bot's broker client", () => {
  let server: FakeServer;
  afterEach(() => server.close());
  const client = (): BrokerClient => new BrokerClient(server.url, "secret", log);

  it("registers with its token, and goes on trying until the broker takes it", async () => {
    let attempts = 0;
    server = await FakeServer.start(() => {
      attempts++;
      return attempts < 3 ? { status: 503, body: { error: "the feed has started no session yet" } } : { body: registration };
    });
    const failures: string[] = [];
    const result = await client().register(250, { signal: never, onFailure: (reason) => failures.push(reason) });
    expect(result).to.deep.equal({
      ...{ startBar: 3_600_000, warmupFrom: 0, configurationHash: "0123", execution: registration.execution, decisionWindowMilliseconds: null },
    });
    expect(failures).to.deep.equal(["503 the feed has started no session yet", "503 the feed has started no session yet"]);
    const call: Call = { method: "POST", path: "/v1/register", authorization: "Bearer secret", body: { warmupBars: 250 } };
    expect(server.calls).to.deep.equal([call, call, call]);
  });

  it("is told the decision window of a running market", async () => {
    server = await FakeServer.start(() => ({ body: { ...registration, decisionWindowMilliseconds: 300_000 } }));
    const result = await client().register(250, { signal: never, onFailure: () => undefined });
    expect(result.decisionWindowMilliseconds).to.equal(300_000);
  });

  it("stops registering when the bot stops", async () => {
    server = await FakeServer.start(() => ({ status: 503, body: { error: "no" } }));
    const stop = new AbortController();
    const registered = client().register(0, { signal: stop.signal, onFailure: () => stop.abort(new Error("the bot stops")) });
    const outcome = await registered.then(() => "registered", (error: Error) => error.message);
    expect(outcome).to.equal("the bot stops");
  });

  const answers: [string, number, object, Answer][] = [
    ["a new order", 201, { status: "accepted" }, { kind: "taken", status: "accepted" }],
    ["a known order", 200, { status: "filled" }, { kind: "taken", status: "filled" }],
    ["another order under the id", 409, { status: "conflict", reason: "known" }, { kind: "rejected", reason: "known" }],
    ["a refused intent", 422, { status: "rejected", reason: "too late" }, { kind: "rejected", reason: "too late" }],
    ["a broker without a database", 503, { error: "try again" }, { kind: "unanswered", reason: "503 try again" }],
    ["too many requests", 429, { status: "rejected", reason: "too many messages" }, { kind: "unanswered", reason: "429 too many messages" }],
    ["a wrong token", 401, { error: "a token is needed" }, { kind: "unanswered", reason: "401 a token is needed" }],
  ];
  for (const [name, status, body, expected] of answers) {
    it(`understands ${name}`, async () => {
      server = await FakeServer.start(() => ({ status, body }));
      expect(await client().submit("id", 7, { action: "moveStop", stopPrice: 12.5 }, never)).to.deep.equal(expected);
      expect(server.calls.map((call) => call.body)).to.deep.equal([{ clientOrderId: "id", bar: 7, action: "moveStop", stopPrice: 12.5 }]);
    });
  }

  it("says why nobody answers", async () => {
    server = await FakeServer.start(() => ({ body: {} }));
    await server.close();
    expect(await client().submit("id", 7, { action: "exit" }, never)).to.deep.equal({
      kind: "unanswered",
      reason: "fetch failed: ECONNREFUSED",
    });
  });
});
