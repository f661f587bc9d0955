import { expect } from "chai";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { ExchangeClass } from "../../../../services/feed/exchangeClass";
import { ExchangeSource } from "../../../../services/feed/exchangeSource";
import { candleAt, hour, start } from "./support";

const seconds = (hours: number) => (start + hours * hour) / 1000;
const texts = (hours: number) => Object.values(candleAt(hours)).slice(1).map(String) as [string, string, string, string, string];

/** What the exchanges answer to the questions a feed asks, in the shape of their public interfaces. */
const exchanges = {
  coinbase: {
    file: "coinbaseexchange",
    symbol: "BTCUSD",
    time: start + 3 * hour + 250,
    answers: {
      "/products": [{ id: "BTC-USD", base_currency: "BTC", quote_currency: "USD", quote_increment: "0.01", base_increment: "0.00000001", min_market_funds: "1", status: "online" }],
      "/time": { iso: "", epoch: seconds(3) + 0.25 },
      // Time, low, high, open, close, volume; the newest first.
      "/products/BTC-USD/candles": [2, 1, 0].map((hours) => {
        const { open, high, low, close, volume } = candleAt(hours);
        return [seconds(hours), low, high, open, close, volume];
      }),
    },
  },
  kraken: {
    file: "kraken",
    symbol: "BTCUSDT",
    time: start + 3 * hour,
    answers: {
      "/0/public/AssetPairs": {
        error: [],
        result: {
          XBTUSDT: {
            ...{ altname: "XBTUSDT", wsname: "XBT/USDT", aclass_base: "currency", base: "XXBT", aclass_quote: "currency", quote: "USDT", lot: "unit" },
            ...{ pair_decimals: 1, lot_decimals: 8, lot_multiplier: 1, leverage_buy: [], leverage_sell: [], fees: [[0, 0.4]], fees_maker: [[0, 0.25]] },
            ...{ fee_volume_currency: "ZUSD", margin_call: 80, margin_stop: 40, ordermin: "0.00005", costmin: "0.5", tick_size: "0.1", status: "online" },
          },
        },
      },
      "/0/public/Time": { error: [], result: { unixtime: seconds(3), rfc1123: "" } },
      "/0/public/OHLC": {
        error: [],
        result: {
          // Time, open, high, low, close, volume weighted price, volume, count.
          XBTUSDT: [0, 1, 2].map((hours) => {
            const [open, high, low, close, volume] = texts(hours);
            return [seconds(hours), open, high, low, close, "100.0", volume, 5];
          }),
          last: seconds(2),
        },
      },
    },
  },
} as const;

describe("other exchanges as a source", function () {
  this.timeout(60_000);

  for (const [name, { file, symbol, time, answers }] of Object.entries(exchanges)) {
    describe(name, () => {
      let server: Server;
      let source: ExchangeSource;
      const asked = new Set<string>();

      before(async () => {
        server = createServer((request, response) => {
          const { pathname } = new URL(request.url ?? "/", "http://exchange");
          asked.add(pathname);
          const body = (answers as Record<string, unknown>)[pathname];
          response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" }).end(JSON.stringify(body ?? {}));
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const load = async () => {
          const module = path.resolve(__dirname, `../../../../node_modules/ccxt/js/src/${file}.js`);
          return ((await import(pathToFileURL(module).href)) as { default: ExchangeClass }).default;
        };
        const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        source = new ExchangeSource({ exchange: name as keyof typeof exchanges, address }, [symbol], "1h", load);
        await source.open();
      });
      after(() => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      });

      it("gives the market's candles, ascending, and its time", async () => {
        expect(await source.candles(symbol, start + hour, 10)).to.deep.equal([candleAt(1), candleAt(2)]);
        expect(await source.time()).to.equal(time);
      });

      it("is asked for nothing else", () => expect([...asked].sort()).to.deep.equal(Object.keys(answers).sort()));
    });
  }
});
