import { expect } from "chai";
import Fastify, { type FastifyInstance } from "fastify";
import { addRoutes } from "../../../../services/feed/routes";
import { candleAt, hour, start } from "./support";

describe("endpoints of the feed", () => {
  let app: FastifyInstance;
  let asked: unknown[];

  beforeEach(() => {
    asked = [];
    app = Fastify();
    addRoutes({
      app,
      symbols: ["BTCUSDT", "ETHUSDT"],
      interval: "1h",
      wall: () => start,
      reader: { candles: async (...words) => (asked.push(words), [candleAt(3)]) },
      feed: { acknowledge: async (by, symbol) => (asked.push([by, symbol]), [symbol ?? "all"]) },
    });
  });
  afterEach(() => app.close());

  it("gives candles by the contract", async () => {
    const answer = await app.inject(`/v1/candles?symbol=BTCUSDT&interval=1h&from=${start + 3 * hour}&limit=5`);
    expect(answer.json()).to.deep.equal({ now: start, candles: [[start + 3 * hour, 100, 110, 90, 100, 4]] });
    expect(asked).to.deep.equal([["BTCUSDT", start + 3 * hour, 5]]);
  });

  it("gives a thousand when no number is named", async () => {
    await app.inject("/v1/candles?symbol=ETHUSDT&interval=1h&from=0");
    expect(asked).to.deep.equal([["ETHUSDT", 0, 1000]]);
  });

  const wrong: { query: string; reason: string }[] = [
    { query: "interval=1h&from=0", reason: 'symbol: missing - allowed: "BTCUSDT", "ETHUSDT"' },
    { query: "symbol=XRPUSDT&interval=1h&from=0", reason: 'symbol: "XRPUSDT" - allowed: "BTCUSDT", "ETHUSDT"' },
    { query: "symbol=BTCUSDT&interval=1m&from=0", reason: 'interval: "1m" - allowed: "1h"' },
    { query: "symbol=BTCUSDT&interval=1h&from=0&limit=1001", reason: 'limit: "1001" - allowed: at most 1000' },
    { query: "symbol=BTCUSDT&interval=1h&from=-1", reason: 'from: "-1" - allowed: at least 0' },
    { query: "symbol=BTCUSDT&interval=1h&from=0&until=3", reason: 'until: unknown key ("3") - allowed: symbol, interval, from, limit' },
  ];
  for (const { query, reason } of wrong) {
    it(`answers ?${query} with what is allowed`, async () => {
      const answer = await app.inject(`/v1/candles?${query}`);
      expect([answer.statusCode, answer.json()]).to.deep.equal([400, { error: reason }]);
      expect(asked).to.deep.equal([]);
    });
  }

  const post = (remoteAddress: string, payload: object) => app.inject({ method: "POST", url: "/v1/acknowledge", remoteAddress, payload });

  it("hears an acknowledgement from its own container", async () => {
    for (const address of ["127.0.0.1", "::1"]) expect((await post(address, { by: "owner" })).json()).to.deep.equal({ acknowledged: ["all"] });
    expect((await post("127.0.0.1", { by: "owner", symbol: "ETHUSDT" })).json()).to.deep.equal({ acknowledged: ["ETHUSDT"] });
    expect(asked).to.deep.equal([["owner", undefined], ["owner", undefined], ["owner", "ETHUSDT"]]);
  });

  const refused: { title: string; address: string; payload: object; status: number }[] = [
    { title: "from another container", address: "172.18.0.4", payload: { by: "owner" }, status: 403 },
    { title: "that nobody puts a name to", address: "127.0.0.1", payload: { by: " " }, status: 400 },
    { title: "of a symbol that is not fed", address: "127.0.0.1", payload: { by: "owner", symbol: "XRPUSDT" }, status: 400 },
    { title: "with a key nobody knows", address: "127.0.0.1", payload: { by: "owner", reason: "x" }, status: 400 },
  ];
  for (const { title, address, payload, status } of refused) {
    it(`refuses one ${title}`, async () => {
      expect((await post(address, payload)).statusCode).to.equal(status);
      expect(asked).to.deep.equal([]);
    });
  }
});
