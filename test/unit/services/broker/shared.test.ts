import { expect } from "chai";
import { EventEmitter } from "node:events";
import { limitConnections } from "../../../../services/broker/connectionLimit";
import { OneAtATime } from "../../../../services/broker/OneAtATime";
import { brokerSettings } from "../../../../services/broker/settings";
import { symbolOf } from "../../../../services/broker/wakeUps";

describe("tasks one at a time", () => {
  it("run in order, also after one that failed", async () => {
    const tasks = new OneAtATime();
    const seen: string[] = [];
    const task = (name: string) => async () => {
      seen.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`${name} ends`);
      if (name === "b") throw new Error("b fails");
      return name;
    };
    const results = await Promise.allSettled(["a", "b", "c"].map((name) => tasks.run(task(name))));
    expect(results.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected", "fulfilled"]);
    expect(seen).to.deep.equal(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });
});

describe("connections of one address", () => {
  it("are cut off beyond their share, and those of others are not", () => {
    const server = new EventEmitter();
    limitConnections(server as never, 2);
    const connect = (remoteAddress: string) => {
      const socket = Object.assign(new EventEmitter(), { remoteAddress, destroyed: false, destroy: () => void (socket.destroyed = true) });
      server.emit("connection", socket);
      return socket;
    };
    const [one, two, three] = [connect("10.0.0.1"), connect("10.0.0.1"), connect("10.0.0.1")];
    expect([one, two, three].map(({ destroyed }) => destroyed)).to.deep.equal([false, false, true]);
    expect(connect("10.0.0.2").destroyed).to.equal(false);
    one.emit("close");
    expect(connect("10.0.0.1").destroyed).to.equal(false);
    expect(connect("10.0.0.1").destroyed).to.equal(true);
  });
});

describe("a notified candle", () => {
  const payloads: [string, string | null][] = [
    ['{"symbol":"BTCUSD","interval":"1h","openTime":1}', "BTCUSD"],
    ["", null],
    ["null", null],
    ["{", null],
    ['{"symbol":1}', null],
  ];
  for (const [payload, symbol] of payloads) it(`names ${symbol ?? "no market"}: ${payload}`, () => expect(symbolOf(payload)).to.equal(symbol));
});

describe("the broker's limits in its settings", () => {
  const bot = {
    ...{ name: "one", symbol: "BTCUSD", interval: "1h", startingCash: 1000, strategy: "RefStrat_01", strategySettings: {} },
    configurationHash: "0",
  };

  const wrong: [string, object][] = [
    ["an unknown limit", { bots: [{ ...bot, limits: { orderQuantiy: 1 } }] }],
    ["a limit of zero", { bots: [{ ...bot, limits: { orderQuantity: 0 } }] }],
    ["a limit as text", { bots: [{ ...bot, limits: { orderQuantity: "1" } }] }],
    ["an endless limit", { bots: [bot], limits: { exposureNotional: Number.POSITIVE_INFINITY } }],
    ["an unknown limit of the stack", { bots: [bot], limits: { orderQuantity: 1 } }],
  ];
  for (const [name, settings] of wrong) {
    it(`refuse ${name}`, () => expect(brokerSettings.safeParse(settings).success).to.equal(false));
  }
});
