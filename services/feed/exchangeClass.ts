import type { ExchangeName } from "./settings";

/** What is used of a ccxt exchange. */
export interface Exchange {
  readonly timeframes: Readonly<Record<string, unknown>>;
  readonly markets: Readonly<Record<string, ExchangeMarket>>;
  readonly urls: { api: Record<string, string> };
  implodeHostname(url: string): string;
  loadMarkets(reload: boolean, parameters: object): Promise<unknown>;
  fetchTime(): Promise<number | undefined>;
  fetchOHLCV(symbol: string, timeframe: string, since: number, limit: number): Promise<(number | undefined)[][]>;
}

export interface ExchangeMarket {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly spot: boolean;
}

export type ExchangeClass = new (options: object) => Exchange;

/** Loads the class of this one exchange: all of them together are megabytes. */
export async function loadExchange(name: ExchangeName): Promise<ExchangeClass> {
  return (await moduleOf(name)).default as unknown as ExchangeClass;
}

function moduleOf(name: ExchangeName): Promise<{ default: unknown }> {
  switch (name) {
    case "binance":
      return import("ccxt-exchange/binance.js");
    case "coinbase":
      return import("ccxt-exchange/coinbaseexchange.js");
    case "kraken":
      return import("ccxt-exchange/kraken.js");
  }
}
