import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Candle } from "../../domain/candles";
import { intervalMilliseconds } from "../../domain/intervals";
import { RandomMarket } from "../../domain/randomMarket";

/** Older candles than so many intervals before its start it does not have. */
const depth = 3000;

/** What is to go wrong; each key may be changed while it runs. */
export interface ExchangeScript {
  /** Status that every question is answered with; 0 for none. */
  outage: number;
  /** Open times (epoch ms) of candles that are not given. */
  missing: number[];
  /** Open times (epoch ms) of closed candles that are given with another volume than before. */
  revised: number[];
  /** Its clock minus the machine's, in milliseconds. */
  clock: number;
}

/**
 * The few public endpoints of Binance's spot REST API that a feed asks: exchangeInfo, time and klines, with one made-up
 * market BTCUSDT. `GET /control?outage=503&missing=1,2&revised=3&clock=0` changes what goes wrong.
 */
export class ExchangeServer {
  readonly script: ExchangeScript = { outage: 0, missing: [], revised: [], clock: 0 };
  /** Paths that were asked for, with their queries. */
  readonly asked: string[] = [];
  private readonly markets = new Map<string, { readonly start: number; readonly candles: Candle[]; readonly market: RandomMarket }>();
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://exchange");
      const { status, body } = this.answer(url);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  }

  /** @returns its address */
  async listen(port = 0, host = "127.0.0.1"): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, host, resolve));
    return `http://${host}:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The candle that opens at this time, as it is when it has closed. */
  candle(interval: string, openTime: number): Candle {
    const length = intervalMilliseconds(interval);
    let known = this.markets.get(interval);
    if (known === undefined) {
      const start = (Math.floor(this.now / length) - depth) * length;
      known = { start, candles: [], market: new RandomMarket({ seed: 5, symbol: "BTCUSDT", startTime: start, intervalMilliseconds: length }) };
      this.markets.set(interval, known);
    }
    const index = (openTime - known.start) / length;
    while (known.candles.length <= index) known.candles.push(known.market.candle(known.candles.length));
    return known.candles[index] as Candle;
  }

  private get now(): number {
    return Date.now() + this.script.clock;
  }

  private answer({ pathname, searchParams }: URL): { status: number; body: unknown } {
    if (pathname === "/control") return this.control(searchParams);
    this.asked.push(`${pathname}?${searchParams}`);
    if (this.script.outage !== 0) return { status: this.script.outage, body: { code: -1000, msg: "out of order" } };
    switch (pathname) {
      case "/api/v3/time":
        return { status: 200, body: { serverTime: this.now } };
      case "/api/v3/exchangeInfo":
        return this.exchangeInfo(searchParams.get("symbols"));
      case "/api/v3/klines":
        return { status: 200, body: this.klines(searchParams) };
      default:
        return { status: 404, body: { code: -1, msg: `no such endpoint: ${pathname}` } };
    }
  }

  private control(query: URLSearchParams): { status: number; body: unknown } {
    const { script } = this;
    if (query.has("outage")) script.outage = Number(query.get("outage"));
    if (query.has("clock")) script.clock = Number(query.get("clock"));
    for (const key of ["missing", "revised"] as const) {
      if (query.has(key)) script[key] = (query.get(key) as string).split(",").filter(Boolean).map(Number);
    }
    return { status: 200, body: script };
  }

  private exchangeInfo(symbols: string | null): { status: number; body: unknown } {
    const wanted = symbols === null ? ["BTCUSDT"] : (JSON.parse(symbols) as string[]);
    if (wanted.some((symbol) => symbol !== "BTCUSDT")) return { status: 400, body: { code: -1121, msg: "Invalid symbol." } };
    const symbol = {
      ...{ symbol: "BTCUSDT", status: "TRADING", baseAsset: "BTC", quoteAsset: "USDT", baseAssetPrecision: 8, quotePrecision: 8 },
      ...{ isSpotTradingAllowed: true, isMarginTradingAllowed: false, permissions: ["SPOT"], orderTypes: ["LIMIT", "MARKET"] },
      filters: [
        { filterType: "PRICE_FILTER", minPrice: "0.01", maxPrice: "1000000.00", tickSize: "0.01" },
        { filterType: "LOT_SIZE", minQty: "0.00001", maxQty: "9000.00", stepSize: "0.00001" },
      ],
    };
    return { status: 200, body: { timezone: "UTC", serverTime: this.now, rateLimits: [], exchangeFilters: [], symbols: [symbol] } };
  }

  private klines(query: URLSearchParams): unknown[] {
    const interval = query.get("interval") as string;
    const length = intervalMilliseconds(interval);
    const { now } = this;
    const limit = Math.min(1000, Number(query.get("limit") ?? 500));
    const from = Number(query.get("startTime") ?? now - limit * length);
    const rows: unknown[] = [];
    const oldest = this.candle(interval, Math.floor(now / length) * length) && (this.markets.get(interval)?.start as number);
    for (let openTime = Math.max(oldest, Math.ceil(from / length) * length); openTime <= now && rows.length < limit; openTime += length) {
      if (this.script.missing.includes(openTime)) continue;
      const candle = this.candle(interval, openTime);
      // A candle that is not closed yet has other values than it will have.
      const { open, high, low, close, volume } = openTime + length > now ? { ...candle, high: candle.open, low: candle.open, close: candle.open, volume: 0.01 } : candle;
      const given = this.script.revised.includes(openTime) ? volume + 1 : volume;
      rows.push([openTime, ...[open, high, low, close, given].map(String), openTime + length - 1, "0", 1, "0", "0", "0"]);
    }
    return rows;
  }
}

// As a program of its own it serves a container's network.
if (process.env["EXCHANGE_PORT"] !== undefined) void new ExchangeServer().listen(Number(process.env["EXCHANGE_PORT"]), "0.0.0.0");
