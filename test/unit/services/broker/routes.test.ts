import { expect } from "chai";
import Fastify, { type FastifyInstance } from "fastify";
import { Registry } from "prom-client";
import { createMetrics, type BrokerMetrics } from "../../../../services/broker/metrics";
import { addRoutes } from "../../../../services/broker/routes";
import { brokerSettings } from "../../../../services/broker/settings";
import { TokenCheck } from "../../../../services/broker/tokens";
import { simulatedVenue } from "../../../../services/broker/venue";
import type { Database } from "../../../../services/shared/database";
import { createLogger } from "../../../../services/shared/log";

const token = "0123456789abcdef";
const settings = brokerSettings.parse({
  bots: [
    {
      ...{ name: "one", symbol: "BTCUSD", interval: "1h", startingCash: 10_000, strategy: "RefStrat_01" },
      ...{ strategySettings: {}, configurationHash: "0123" },
    },
  ],
});

/** What is refused before the database is asked; the rest is tested on a real one. */
describe("the broker's API", () => {
  let app: FastifyInstance;
  let metrics: BrokerMetrics;

  beforeEach(() => {
    app = Fastify();
    metrics = createMetrics(new Registry());
    addRoutes(app, {
      ...{ stack: "paper", bots: settings.bots, tokens: new TokenCheck(new Map([["one", token]])), metrics },
      database: {} as Database,
      venue: simulatedVenue(settings.execution),
      log: createLogger("broker", "silent"),
      onRegistered: () => undefined,
      onIntent: () => undefined,
    });
  });
  afterEach(() => app.close());

  const post = (url: string, payload: string | object, authorization = `Bearer ${token}`) =>
    app.inject({ method: "POST", url, headers: { authorization, "content-type": "application/json" }, payload });
  const rejections = async () => (await metrics.rejections.get()).values.map(({ labels, value }) => ({ ...labels, value }));

  for (const url of ["/v1/register", "/v1/intents"]) {
    it(`asks for a token at ${url}`, async () => {
      const response = await post(url, {}, "Bearer wrong");
      expect(response.statusCode).to.equal(401);
      expect(response.json()).to.deep.equal({ error: "a bot's token is needed: Authorization: Bearer <token>" });
      expect(await rejections()).to.deep.equal([{ bot: "unknown", kind: "authentication", value: 1 }]);
    });
  }

  it("asks for a token at /v1/account", async () => {
    expect((await app.inject({ method: "GET", url: "/v1/account" })).statusCode).to.equal(401);
  });

  const refused: [string, string, string | object, number, string][] = [
    ["no JSON", "/v1/intents", "{NaN", 400, "Body is not valid JSON but content-type is set to 'application/json'"],
    ["NaN, which JSON does not know", "/v1/intents", '{"quantity":NaN}', 400, "Body is not valid JSON but content-type is set to 'application/json'"],
    ["a large body", "/v1/intents", { note: "x".repeat(3000) }, 413, "Request body is too large"],
    ["an unknown key", "/v1/intents", { clientOrderId: "x", bar: 1, action: "exit", now: true }, 422, 'unknown key "now"'],
    ["an odd registration", "/v1/register", { warmupBars: -1 }, 422, "the body must be {warmupBars: a whole number from 0 to 100000}"],
  ];
  for (const [name, url, payload, status, reason] of refused) {
    it(`refuses and counts ${name}`, async () => {
      const response = await post(url, payload);
      expect(response.statusCode).to.equal(status);
      expect(response.json()).to.deep.equal({ status: "rejected", reason });
      expect(await rejections()).to.deep.equal([{ bot: "one", kind: "malformed", value: 1 }]);
    });
  }
});
