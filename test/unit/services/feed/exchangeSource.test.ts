import { expect } from "chai";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { ExchangeClass } from "../../../../services/feed/exchangeClass";
import { ExchangeSource, movedTo } from "../../../../services/feed/exchangeSource";
import { SourceFailure } from "../../../../services/feed/liveSource";
import type { ExchangeName } from "../../../../services/feed/settings";
import { SettingsError } from "../../../../services/shared/settings";
import { ExchangeServer } from "../../../support/exchangeServer";
import { hour } from "./support";

/** Loading an exchange's class takes seconds on a busy machine. */
describe("an exchange as a source", function () {
  this.timeout(60_000);
  let server: ExchangeServer;
  let address: string;

  before(async () => {
    server = new ExchangeServer();
    address = await server.listen();
  });
  beforeEach(() => Object.assign(server.script, { outage: 0, missing: [], clock: 0 }));
  after(() => server.close());

  // The service's bundle finds the classes by a path that only the bundler knows.
  const files = { binance: "binance", coinbase: "coinbaseexchange", kraken: "kraken" };
  const load = async (name: ExchangeName): Promise<ExchangeClass> => {
    const file = path.resolve(__dirname, `../../../../node_modules/ccxt/js/src/${files[name]}.js`);
    return ((await import(pathToFileURL(file).href)) as { default: ExchangeClass }).default;
  };
  const sourceOf = (symbols = ["BTCUSDT"], interval = "1h") => new ExchangeSource({ exchange: "binance", address }, symbols, interval, load);
  const failureOf = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as Error);

  it("gives candles and time of the market with the symbol's base and quote", async () => {
    const source = sourceOf();
    await source.open();
    expect(source.identity).to.equal("exchange binance");
    const from = Math.floor(Date.now() / hour) * hour - 5 * hour;
    const candles = await source.candles("BTCUSDT", from, 3);
    expect(candles).to.deep.equal([0, 1, 2].map((hours) => server.candle("1h", from + hours * hour)));
    const before = Date.now();
    expect(await source.time()).to.be.within(before, Date.now());
  });

  it("asks for its own market only, and never for more than public data", async () => {
    expect(server.asked[0]).to.equal("/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%5D");
    const paths = new Set(server.asked.map((asked) => asked.replace(/\?.*/, "")));
    expect([...paths].sort()).to.deep.equal(["/api/v3/exchangeInfo", "/api/v3/klines", "/api/v3/time"]);
  });

  it("refuses a symbol the exchange does not have, for good", async () => {
    const error = await failureOf(sourceOf(["ABCXYZ"]).open());
    expect(error).to.be.instanceOf(SettingsError);
    expect(error?.message).to.match(/^SETTINGS.symbols: \["ABCXYZ"\] - allowed: spot markets of binance; it says: BadSymbol/);
  });

  it("refuses an interval the exchange does not have", async () => {
    const error = await failureOf(sourceOf(["BTCUSDT"], "7m").open());
    expect(error).to.be.instanceOf(SettingsError);
    expect(error?.message).to.match(/^SETTINGS.interval: "7m" - allowed with binance: 1s, 1m, /);
  });

  it("says what it did not get, and can be opened again", async () => {
    const source = sourceOf();
    server.script.outage = 503;
    const error = await failureOf(source.open());
    expect(error).to.be.instanceOf(SourceFailure);
    expect(error?.message).to.match(/^binance does not give its markets: .*out of order/);
    server.script.outage = 0;
    await source.open();
    server.script.outage = 503;
    expect((await failureOf(source.time()))?.message).to.match(/^binance does not give its time: /);
    expect((await failureOf(source.candles("BTCUSDT", 0, 1)))?.message).to.match(/^binance does not give candles of BTCUSDT: /);
  });

  const addresses: { address: string; url: string; moved: string }[] = [
    { address: "http://mirror:8080", url: "https://api.binance.com/api/v3", moved: "http://mirror:8080/api/v3" },
    { address: "https://example.org/binance/", url: "https://api.binance.com/api/v3", moved: "https://example.org/binance/api/v3" },
    { address: "http://mirror", url: "https://api.kraken.com", moved: "http://mirror" },
  ];
  for (const { address: to, url, moved } of addresses) {
    it(`finds ${url} at ${moved} with the address ${to}`, () => expect(movedTo(to, url)).to.equal(moved));
  }
});
