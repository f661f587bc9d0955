import { expect } from "chai";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ExternalSource } from "../../../../services/feed/externalSource";
import { SourceFailure } from "../../../../services/feed/liveSource";
import { SettingsError } from "../../../../services/shared/settings";
import { candleAt, hour, start } from "./support";

const row = (hours: number) => Object.values(candleAt(hours));

describe("another livefeed as a source", () => {
  let server: Server;
  let address: string;
  let asked: string[];
  let answer: { status: number; text: string };

  before(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(answer.status).end(answer.text);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    asked = [];
    says({ now: start + 5 * hour, candles: [row(1), row(2)] });
  });
  after(() => new Promise((resolve) => server.close(resolve)));

  const says = (body: unknown, status = 200): void => void (answer = { status, text: typeof body === "string" ? body : JSON.stringify(body) });
  const make = (at = address) => new ExternalSource(at, ["BTCUSDT"], "1h", () => start + 7 * hour);
  const failureOf = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as Error);

  it("is asked by its contract, and its candles are taken", async () => {
    expect(await make(`${address}/`).candles("BTCUSDT", start + hour, 10)).to.deep.equal([candleAt(1), candleAt(2)]);
    expect(asked).to.deep.equal([`/v1/candles?symbol=BTCUSDT&interval=1h&from=${start + hour}&limit=10`]);
  });

  it("tells its time with no more than a candle", async () => {
    expect(await make().time()).to.equal(start + 5 * hour);
    expect(asked[0]).to.include(`from=${start + 7 * hour}&limit=1`);
  });

  it("may say more than the contract asks for", async () => {
    says({ now: 1, candles: [], version: 3 });
    expect(await make().candles("BTCUSDT", 0, 1)).to.deep.equal([]);
  });

  const broken: { title: string; body: unknown; status?: number; reason: RegExp }[] = [
    { title: "is no JSON", body: "<html>", reason: /answers with something that is no JSON: <html>$/ },
    { title: "has no time", body: { candles: [] }, reason: /does not keep the livefeed contract: now: missing - allowed: a value of type number$/ },
    { title: "has texts for numbers", body: { now: 1, candles: [[start, "1", "2", "1", "1", "1"]] }, reason: /does not keep the livefeed contract: candles\[0\]\[1\]: "1" - allowed/ },
    { title: "has a row too short", body: { now: 1, candles: [[start, 1, 2, 1, 1]] }, reason: /does not keep the livefeed contract: candles\[0\]/ },
    { title: "does not ascend", body: { now: 1, candles: [row(2), row(1)] }, reason: /gives candles of BTCUSDT that do not ascend from/ },
    { title: "has the same time twice", body: { now: 1, candles: [row(2), row(2)] }, reason: /do not ascend/ },
    { title: "begins before what was asked for", body: { now: 1, candles: [row(0)] }, reason: /do not ascend/ },
    { title: "is an error", body: "overloaded", status: 500, reason: /limit=10 answers 500: overloaded$/ },
  ];
  for (const { title, body, status, reason } of broken) {
    it(`fails with a reason when its answer ${title}`, async () => {
      says(body, status);
      const error = await failureOf(make().candles("BTCUSDT", start + hour, 10));
      expect(error).to.be.instanceOf(SourceFailure);
      expect(error?.message).to.match(reason);
    });
  }

  it("fails with a reason when nobody is there", async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
    const nowhere = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
    await new Promise((resolve) => gone.close(resolve));
    const error = await failureOf(make(nowhere).time());
    expect(error).to.be.instanceOf(SourceFailure);
    expect(error?.message).to.equal(`${nowhere} does not answer: ECONNREFUSED`);
  });

  it("is refused for good when it does not know the symbol", async () => {
    says({ error: "no such symbol" }, 404);
    const error = await failureOf(make().open());
    expect(error).to.be.instanceOf(SettingsError);
    expect(error?.message).to.match(/answers 404: .*no such symbol/);
  });

  it("is asked again when it is not there at the start", async () => {
    says("starting", 503);
    expect(await failureOf(make().open())).to.be.instanceOf(SourceFailure);
  });
});
