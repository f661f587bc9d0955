import { expect } from "chai";
import Fastify, { type FastifyInstance } from "fastify";
import { Registry } from "prom-client";
import { createMetrics, type BrokerMetrics } from "../../../../services/broker/metrics";
import { Rejections } from "../../../../services/broker/Rejections";
import { addRoutes } from "../../../../services/broker/routes";
import { brokerSettings } from "../../../../services/broker/settings";
import type { Submission } from "../../../../services/broker/submit";
import { TokenBucket } from "../../../../services/broker/TokenBucket";
import { TokenCheck } from "../../../../services/broker/tokens";
import { simulatedVenue } from "../../../../services/broker/venue";
import type { Database } from "../../../../services/shared/database";
import { createLogger } from "../../../../services/shared/log";
import type { Order } from "../../../../domain/orders";

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
  let rejections: Rejections;
  let submission: Submission;
  let submitted: [string, string][];
  /** Why the broker does nothing now. */
  let waitingFor: string | null;
  /** Intents that were answered for good, so that no bar waits for them. */
  let answered: [string, string | null][];

  beforeEach(() => {
    app = Fastify();
    metrics = createMetrics(new Registry());
    rejections = new Rejections({ database: {} as Database, metrics, log: createLogger("broker", "silent") });
    submission = { kind: "accepted" };
    submitted = [];
    answered = [];
    waitingFor = null;
    addRoutes(app, {
      ...{ stack: "paper", bots: settings.bots, tokens: new TokenCheck(new Map([["one", token]])), metrics },
      database: {} as Database,
      venue: simulatedVenue(settings.execution),
      log: createLogger("broker", "silent"),
      rejections,
      waitingFor: () => waitingFor,
      windowMilliseconds: 300_000,
      submit: (bot, request) => {
        submitted.push([bot, request.clientOrderId]);
        return Promise.resolve(submission);
      },
      onRegistered: () => undefined,
      onAnswered: (bot, id) => answered.push([bot, id]),
      bucket: () => new TokenBucket({ perSecond: 0, burst: 3 }),
    });
  });
  afterEach(async () => {
    clearInterval(timerOf(rejections));
    await app.close();
  });

  const post = (url: string, payload: string | object, authorization = `Bearer ${token}`) =>
    app.inject({ method: "POST", url, headers: { authorization, "content-type": "application/json" }, payload });
  const rejected = async () => (await metrics.rejections.get()).values.map(({ labels, value }) => ({ ...labels, value }));

  for (const url of ["/v1/register", "/v1/intents"]) {
    it(`asks for a token at ${url}`, async () => {
      const response = await post(url, {}, "Bearer wrong");
      expect(response.statusCode).to.equal(401);
      expect(response.json()).to.deep.equal({ error: "a bot's token is needed: Authorization: Bearer <token>" });
      expect(await rejected()).to.deep.equal([{ bot: "unknown", kind: "authentication", value: 1 }]);
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
      expect(await rejected()).to.deep.equal([{ bot: "one", kind: "malformed", value: 1 }]);
    });
  }

  const exit = { clientOrderId: "paper-one-3600-exit", bar: 3_600_000, action: "exit" };
  const answers: [string, Submission, number, object][] = [
    ["an accepted one", { kind: "accepted" }, 201, { status: "accepted" }],
    ["a known one", { kind: "known", order: { status: "filled" } as Order }, 200, { status: "filled" }],
    ["a conflict", { kind: "conflict" }, 409, { status: "conflict", reason: "another intent is known under this clientOrderId" }],
    ["a rejected one", { kind: "rejected", rejection: "no decision", reason: "why" }, 422, { status: "rejected", reason: "why" }],
  ];
  for (const [name, given, status, body] of answers) {
    it(`answers ${name}, and lets no bar wait for it any longer`, async () => {
      submission = given;
      const response = await post("/v1/intents", exit);
      expect([response.statusCode, response.json()]).to.deep.equal([status, body]);
      expect(submitted).to.deep.equal([["one", exit.clientOrderId]]);
      expect(answered).to.deep.equal([["one", exit.clientOrderId]]);
    });
  }

  const unreadable: [string, string | object, string | null][] = [
    ["malformed under its id", { ...exit, stopPrice: 1 }, exit.clientOrderId],
    ["without an id", { action: "exit" }, null],
    ["no JSON at all", "{NaN", null],
  ];
  for (const [name, body, id] of unreadable) {
    it(`lets no bar wait for an intent that was ${name}`, async () => {
      await post("/v1/intents", body);
      expect([submitted, answered]).to.deep.equal([[], [["one", id]]]);
    });
  }

  it("lets the bar wait when the intent could not be judged now", async () => {
    submission = { kind: "accepted" };
    app = Fastify();
    addRoutes(app, {
      ...{ stack: "paper", bots: settings.bots, tokens: new TokenCheck(new Map([["one", token]])), metrics, rejections },
      ...{ database: {} as Database, venue: simulatedVenue(settings.execution), log: createLogger("broker", "silent") },
      ...{ windowMilliseconds: 300_000, waitingFor: () => null },
      submit: () => Promise.reject(new Error("the database is away")),
      onRegistered: () => undefined,
      onAnswered: (bot, id) => answered.push([bot, id]),
    });
    expect((await post("/v1/intents", exit)).statusCode).to.equal(503);
    expect(answered).to.deep.equal([]);
  });

  it("does nothing without the broker's lock, says so, and lets the bar wait", async () => {
    waitingFor = "another broker works in this database; waiting until it is gone";
    for (const [url, body] of [["/v1/intents", exit], ["/v1/register", { warmupBars: 0 }]] as const) {
      const response = await post(url, body);
      expect([response.statusCode, response.json()]).to.deep.equal([503, { error: `not possible now, try again: ${waitingFor}` }]);
    }
    expect([submitted, answered, await rejected()]).to.deep.equal([[], [], []]);
    expect((await post("/v1/intents", exit, "Bearer wrong")).statusCode).to.equal(401);
    waitingFor = null;
    expect((await post("/v1/intents", exit)).statusCode).to.equal(201);
  });

  it("holds back a bot that sends too much, before its body is read, and counts it", async () => {
    for (let message = 0; message < 3; message++) expect((await post("/v1/intents", exit)).statusCode).to.equal(201);
    for (const body of [exit, "{NaN"]) {
      const response = await post("/v1/intents", body);
      expect([response.statusCode, response.json()]).to.deep.equal([429, { status: "throttled" }]);
    }
    expect(submitted).to.have.length(3);
    expect(answered).to.have.length(3);
    expect(await rejected()).to.deep.equal([{ bot: "one", kind: "throttled", value: 2 }]);
  });
});

/** The counts are not written here. */
function timerOf(rejections: Rejections): NodeJS.Timeout {
  return (rejections as unknown as { timer: NodeJS.Timeout }).timer;
}
