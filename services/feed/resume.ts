import type { Candle } from "../../domain/candles";
import { checkCandle } from "./checks";
import type { CandleSource } from "./source";

/** What the database already holds of a symbol. */
export interface StoredCandles {
  count: number;
  last: Candle;
  sources: string[];
}

/** The source's candles are not those in the database; the message is for the owner. */
export class SourceChangedError extends Error {
  override readonly name = "SourceChangedError";
}

const remedy =
  "Candles of two sources are never mixed: set the source back, or delete this stack's data and begin anew.";

function sameCandle(a: Candle, b: Candle): boolean {
  return (["openTime", "open", "high", "low", "close", "volume"] as const).every((key) => a[key] === b[key]);
}

/**
 * Makes sure that a source goes on where the stored candles end, with the very candles that are stored.
 * @param interval length of a candle in milliseconds
 * @throws SourceChangedError when it does not
 */
export function checkResume(source: CandleSource, stored: ReadonlyMap<string, StoredCandles>, interval: number): void {
  for (const [symbol, { count, last, sources }] of stored) {
    const other = sources.find((identity) => identity !== source.identity);
    if (other !== undefined) {
      throw new SourceChangedError(
        `the database holds candles of ${symbol} from "${other}", the settings ask for "${source.identity}". ${remedy}`,
      );
    }
    let accepted: Candle | undefined;
    let acceptedCount = 0;
    for (let index = 0; ; index++) {
      const candle = source.at(index)?.find((entry) => entry.symbol === symbol)?.candle;
      if (candle === undefined || candle.openTime > last.openTime) break;
      if (!checkCandle(accepted, candle, interval).accepted) continue;
      accepted = candle;
      acceptedCount++;
    }
    if (accepted === undefined || acceptedCount !== count || !sameCandle(accepted, last)) {
      throw new SourceChangedError(
        `"${source.identity}" no longer gives the ${count} candles of ${symbol} that the database holds up to ${new Date(last.openTime).toISOString()}. ${remedy}`,
      );
    }
  }
}
