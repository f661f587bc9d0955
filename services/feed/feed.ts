import type { Logger } from "../shared/log";
import type { Readiness } from "../shared/server";
import type { FeedBook } from "./book";
import type { Driver } from "./driver";
import type { MarketJudge } from "./judge";

export interface FeedParts {
  readonly driver: Driver;
  readonly judges: readonly MarketJudge[];
  readonly book: FeedBook;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** The livefeed service: one driver's candles, judged, written, and told of. */
export class Feed {
  constructor(private readonly parts: FeedParts) {}

  /** Ready while candles are written when they are due, whatever the judges think of them. */
  readiness(): Readiness {
    const { book, driver } = this.parts;
    if (book.trouble !== undefined) return { ready: false, reason: book.trouble };
    const { ready, reason } = driver.readiness;
    const states = book.states.map(({ symbol, state, reason: why }) => `${symbol}: ${state === "HEALTHY" ? "" : `${state}, `}${why}`);
    return { ready, reason: [reason, ...(ready ? states : [])].filter(Boolean).join("; ") };
  }

  /**
   * Runs until the signal is aborted.
   * @throws SourceChangedError when the database holds other candles than the source gives
   * @throws SettingsError when the source cannot give what the settings ask for
   */
  async run(): Promise<void> {
    const { driver, book, signal } = this.parts;
    const failure = new Promise<never>((_resolve, reject) => book.startRenewal(() => driver.beforeRenewal(), reject));
    try {
      await Promise.race([driver.run(), failure]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await book.close();
    }
  }

  /**
   * Somebody looked at a feed that was DOWN and lets it go on.
   * @param symbol all symbols when left out
   * @returns the symbols of which there was something to acknowledge
   */
  async acknowledge(by: string, symbol?: string): Promise<string[]> {
    const { judges, book, driver, log } = this.parts;
    const acknowledged: string[] = [];
    for (const judge of judges.filter((each) => symbol === undefined || each.symbol === symbol)) {
      judge.tell((quality) => {
        if (quality.acknowledge(by, driver.now)) acknowledged.push(judge.symbol);
      });
      const output = judge.take();
      if (output !== undefined) book.add(output);
    }
    if (acknowledged.length > 0) log.warn({ by, symbols: acknowledged }, "acknowledged");
    await book.renew();
    return acknowledged;
  }
}
