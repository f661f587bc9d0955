import { expect } from "chai";
import Fastify, { type FastifyInstance } from "fastify";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultExecution } from "../../../../domain/execution";
import { addReplay } from "../../../../services/bot/replay/routes";
import { createLogger } from "../../../../services/shared/log";

const body = { from: 0, to: 10, startBar: 0, warmupFrom: 0, startingCash: 1, execution: defaultExecution };
const settings = { bot: "alpha", symbol: "BTCUSDT", interval: "1h", strategy: "RefStrat_01", strategySettings: {}, brokerUrl: "http://broker", mlflowUrl: null } as const;
const database = { host: "127.0.0.1", port: 1, name: "trading", user: "bot_alpha", password: "x" };

const token = "a-token-of-this-test";
const authorized = { authorization: `Bearer ${token}` };

/** What a thread does in place of a replay. */
const threads: Readonly<Record<string, string>> = {
  replays: `port.postMessage({ begun: true }); port.postMessage({ lines: ["a", "b"] }); port.postMessage({ lines: ["c"] }); port.postMessage({ done: true });`,
  "waits for ever": `port.postMessage({ begun: true }); port.postMessage({ lines: ["a"] }); setInterval(() => undefined, 1000);`,
  "has no database": `port.postMessage({ failed: "database", reason: "connect ECONNREFUSED" });`,
  "has no candle": `port.postMessage({ failed: "candles", reason: "there is no candle to trade on" });`,
  "ends at once": "",
  "throws half-way": `port.postMessage({ begun: true }); port.postMessage({ lines: ["a"] }); setTimeout(() => { throw new Error("broken"); }, 50);`,
};

describe("POST /v1/replay of the bot", () => {
  let folder: string;
  let app: FastifyInstance;
  let stop: AbortController;
  before(() => (folder = mkdtempSync(join(tmpdir(), "trading-replay-"))));
  after(() => rmSync(folder, { recursive: true }));
  afterEach(async () => {
    stop.abort();
    await app.close();
  });

  const bot = (thread: string): void => {
    const workerFile = join(folder, `${thread.replaceAll(" ", "-")}.cjs`);
    writeFileSync(workerFile, `const port = require("node:worker_threads").parentPort;\n${threads[thread]!}\n`);
    app = Fastify();
    stop = new AbortController();
    addReplay({ app, token, settings: settings as never, database, log: createLogger("test", "silent"), signal: stop.signal, workerFile });
  };
  const ask = (payload: object = body, headers: Record<string, string> = authorized) => app.inject({ method: "POST", url: "/v1/replay", payload, headers });

  it("streams the lines of the thread", async () => {
    bot("replays");
    const answer = await ask();
    expect([answer.statusCode, answer.headers["content-type"], answer.body]).to.deep.equal([200, "application/x-ndjson", "a\nb\nc\n"]);
    expect((await ask()).statusCode, "the next one").to.equal(200);
  });

  const refused: [thread: string, status: number, error: RegExp][] = [
    ["has no database", 503, /ECONNREFUSED/],
    ["has no candle", 409, /no candle to trade on/],
    ["ends at once", 409, /without a word/],
  ];
  for (const [thread, status, error] of refused) {
    it(`answers ${status} when the thread ${thread}, and takes the next request`, async () => {
      bot(thread);
      const answers = [await ask(), await ask()];
      for (const { statusCode, body: text } of answers) {
        expect(statusCode).to.equal(status);
        expect(text).to.match(error);
      }
    });
  }

  for (const [who, headers] of [["nobody", {}], ["another bot", { authorization: "Bearer another-token" }]] as const) {
    it(`does not answer ${who}: what a bot decides is not for others`, async () => {
      bot("replays");
      expect((await ask(body, headers)).statusCode).to.equal(401);
    });
  }

  it("refuses what is no request, naming what is wrong", async () => {
    bot("replays");
    const { statusCode, body: text } = await ask({ ...body, startingCash: -1 });
    expect([statusCode, text]).to.satisfy(([code, said]: [number, string]) => code === 400 && /startingCash/.test(said));
  });

  it("works one at a time, and ends it when the bot stops", async () => {
    bot("waits for ever");
    await app.listen({ host: "127.0.0.1", port: 0 });
    const address = `http://127.0.0.1:${(app.server.address() as { port: number }).port}/v1/replay`;
    const post = () => fetch(address, { method: "POST", headers: { "content-type": "application/json", ...authorized }, body: JSON.stringify(body) });
    const first = await post();
    expect((await post()).status).to.equal(409);
    stop.abort();
    expect(await first.text().catch(() => "broken off")).to.equal("broken off");
  });

  it("breaks off when the thread does", async () => {
    bot("throws half-way");
    await app.listen({ host: "127.0.0.1", port: 0 });
    const address = `http://127.0.0.1:${(app.server.address() as { port: number }).port}/v1/replay`;
    const answer = await fetch(address, { method: "POST", headers: { "content-type": "application/json", ...authorized }, body: JSON.stringify(body) });
    expect(await answer.text().catch(() => "broken off")).to.equal("broken off");
  });
});
