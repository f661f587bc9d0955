import type { Candle } from "../../domain/candles";
import { SettingsError } from "../shared/settings";
import { loadExchange, type Exchange, type ExchangeClass, type ExchangeMarket } from "./exchangeClass";
import { answerTimeout, SourceFailure, type LiveSource } from "./liveSource";
import type { ExchangeName } from "./settings";

interface Kind {
  readonly mostCandles: number;
  readonly clockResolution: number;
  readonly options: object;
  /** Restricts the list of markets to these symbols where the exchange can. */
  readonly marketsQuery: (symbols: readonly string[]) => object;
}

const kinds: Readonly<Record<ExchangeName, Kind>> = {
  binance: {
    mostCandles: 1000,
    clockResolution: 1,
    options: { fetchMarkets: { types: ["spot"] }, fetchMargins: false, fetchCurrencies: false },
    // The whole list is many megabytes.
    marketsQuery: (symbols) => ({ symbols: JSON.stringify(symbols) }),
  },
  coinbase: { mostCandles: 300, clockResolution: 1, options: {}, marketsQuery: () => ({}) },
  // It gives the newest 720 candles, whatever it is asked for, and its clock in seconds.
  kraken: { mostCandles: 720, clockResolution: 1000, options: {}, marketsQuery: () => ({}) },
};

/** Public data of an exchange, by ccxt; no key is needed and none is taken. */
export class ExchangeSource implements LiveSource {
  readonly identity: string;
  readonly clockResolution: number;
  readonly mostCandles: number;
  private exchange: Exchange | undefined;
  /** The exchange's own names of the symbols. */
  private readonly names = new Map<string, string>();

  constructor(
    private readonly settings: { readonly exchange: ExchangeName; readonly address?: string | undefined },
    private readonly symbols: readonly string[],
    private readonly interval: string,
    private readonly load: (name: ExchangeName) => Promise<ExchangeClass> = loadExchange,
  ) {
    const { mostCandles, clockResolution } = kinds[settings.exchange];
    this.identity = `exchange ${settings.exchange}`;
    this.mostCandles = mostCandles;
    this.clockResolution = clockResolution;
  }

  async open(): Promise<void> {
    const { exchange: name } = this.settings;
    const exchange = (this.exchange ??= await this.make());
    if (exchange.timeframes[this.interval] === undefined) {
      throw new SettingsError(`SETTINGS.interval: "${this.interval}" - allowed with ${name}: ${Object.keys(exchange.timeframes).join(", ")}`);
    }
    try {
      await exchange.loadMarkets(true, kinds[name].marketsQuery(this.symbols));
    } catch (error) {
      if ((error as Error).name !== "BadSymbol") throw this.failure("its markets", error);
      throw new SettingsError(`SETTINGS.symbols: ${JSON.stringify(this.symbols)} - allowed: spot markets of ${name}; it says: ${shortened(error)}`);
    }
    const spot = Object.values(exchange.markets).filter((market) => market.spot);
    for (const symbol of this.symbols) {
      const market = spot.find(({ base, quote }) => `${base}${quote}` === symbol);
      if (market === undefined) throw new SettingsError(`SETTINGS.symbols: "${symbol}" - allowed: a spot market of ${name}, written as base and quote, for example ${example(spot)}`);
      this.names.set(symbol, market.symbol);
    }
  }

  async time(): Promise<number> {
    let time: number | undefined;
    try {
      time = await this.opened.fetchTime();
    } catch (error) {
      throw this.failure("its time", error);
    }
    if (time === undefined || !Number.isFinite(time)) throw new SourceFailure(`${this.settings.exchange} does not tell its time`);
    return time;
  }

  async candles(symbol: string, from: number, limit: number): Promise<Candle[]> {
    const name = this.names.get(symbol);
    if (name === undefined) throw new SourceFailure(`${symbol} was not asked for`);
    let rows: (number | undefined)[][];
    try {
      rows = await this.opened.fetchOHLCV(name, this.interval, from, Math.min(limit, this.mostCandles));
    } catch (error) {
      throw this.failure(`candles of ${symbol}`, error);
    }
    return rows.map(candleOf).filter(({ openTime }) => openTime >= from);
  }

  private get opened(): Exchange {
    if (this.exchange === undefined) throw new SourceFailure(`${this.settings.exchange} is not open`);
    return this.exchange;
  }

  private async make(): Promise<Exchange> {
    const { exchange: name, address } = this.settings;
    const Class = await this.load(name);
    const exchange = new Class({ enableRateLimit: true, timeout: answerTimeout, options: kinds[name].options, has: { fetchCurrencies: false } });
    if (address !== undefined) {
      const api = exchange.urls.api;
      for (const [key, url] of Object.entries(api)) api[key] = movedTo(address, exchange.implodeHostname(url));
    }
    return exchange;
  }

  private failure(what: string, error: unknown): SourceFailure {
    return new SourceFailure(`${this.settings.exchange} does not give ${what}: ${shortened(error)}`);
  }
}

/** An address with another beginning: what comes after scheme, host and port stays. */
export function movedTo(address: string, url: string): string {
  return `${address.replace(/\/+$/, "")}${new URL(url).pathname.replace(/\/+$/, "")}`;
}

function candleOf(row: (number | undefined)[]): Candle {
  // A value that is missing is no number, which the quality rules reject.
  const [openTime, open, high, low, close, volume] = Array.from({ length: 6 }, (_, index) => row[index] ?? Number.NaN) as [number, number, number, number, number, number];
  return { openTime, open, high, low, close, volume };
}

function shortened(error: unknown): string {
  const { name, message } = error as Error;
  return `${name}: ${message}`.slice(0, 300);
}

function example(markets: readonly ExchangeMarket[]): string {
  const market = markets.find(({ base }) => base === "BTC") ?? markets[0];
  return market === undefined ? "BTCUSDT" : `${market.base}${market.quote}`;
}
