import { sameValues, type Candle } from "../../domain/candles";
import type { FeedOutput, StoredCandle } from "./store";

/** The source's candles are not those in the database; the message is for the owner. */
export class SourceChangedError extends Error {
  override readonly name = "SourceChangedError";
}

const remedy = "Candles of two sources are never mixed: set the source back, or delete this stack's data and begin anew.";

/** @throws SourceChangedError when one of the stored candles is of another source */
export function checkSource(identity: string, symbol: string, stored: readonly StoredCandle[]): void {
  const foreign = stored.find(({ source }) => source !== identity);
  if (foreign === undefined) return;
  throw new SourceChangedError(`the database holds candles of ${symbol} from "${foreign.source}", the settings ask for "${identity}". ${remedy}`);
}

/**
 * Lets a replay that begins anew go on where an earlier run came to: what that one wrote is compared and left out, what
 * comes after it goes through.
 */
export class Resume {
  private readonly left: Map<number, Candle>;
  private readonly last: number;

  /**
   * @param stored candles of the symbol in the database, ascending
   * @throws SourceChangedError when they are of another source
   */
  constructor(
    private readonly identity: string,
    private readonly symbol: string,
    private readonly stored: readonly StoredCandle[],
  ) {
    checkSource(identity, symbol, stored);
    this.left = new Map(stored.map((candle) => [candle.openTime, candle]));
    this.last = stored.at(-1)?.openTime ?? Number.NEGATIVE_INFINITY;
  }

  /** Whether all that was stored came again. */
  get done(): boolean {
    return this.left.size === 0;
  }

  /**
   * What is to be written of an output; undefined when nothing is.
   * @throws SourceChangedError when the source no longer gives what is stored
   */
  pass(output: FeedOutput): FeedOutput | undefined {
    if (this.done) return output;
    const candles = output.candles.filter(({ candle, repair }) => {
      const known = this.left.get(candle.openTime);
      if (known === undefined) {
        // Only a repair can be older than the newest stored candle and yet not be written.
        if (candle.openTime <= this.last && !repair) throw this.changed();
        if (candle.openTime > this.last) this.end();
        return true;
      }
      if (!sameValues(known, candle)) throw this.changed();
      this.left.delete(candle.openTime);
      return false;
    });
    // Findings and states of before are told already; those that come with the last stored candle as well.
    return candles.length > 0 ? { ...output, candles } : undefined;
  }

  /** @throws SourceChangedError when something that is stored did not come again */
  end(): void {
    if (!this.done) throw this.changed();
  }

  private changed(): SourceChangedError {
    const { identity, symbol, stored } = this;
    const until = new Date(this.last).toISOString();
    return new SourceChangedError(`"${identity}" no longer gives the ${stored.length} candles of ${symbol} that the database holds up to ${until}. ${remedy}`);
  }
}
