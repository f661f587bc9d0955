import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";

/** The simplest thing that answers a candle with a row of its own: what the real decision is compared with. */
export class FirstReaction {
  private closed = false;
  private working: Promise<void> = Promise.resolve();

  private constructor(
    private readonly connection: pg.Client,
    readonly table: string,
  ) {}

  /** Asks for new candles so often. */
  static async polling(connection: pg.Client, milliseconds: number): Promise<FirstReaction> {
    const reaction = await FirstReaction.make(connection, "polled");
    reaction.working = (async () => {
      while (!reaction.closed) {
        await reaction.answer();
        await delay(milliseconds);
      }
    })();
    return reaction;
  }

  /** Answers every notification of a candle. */
  static async listening(connection: pg.Client): Promise<FirstReaction> {
    const reaction = await FirstReaction.make(connection, "listened");
    connection.on("notification", () => (reaction.working = reaction.working.then(() => reaction.answer())));
    await connection.query("LISTEN candle");
    return reaction;
  }

  private static async make(connection: pg.Client, table: string): Promise<FirstReaction> {
    await connection.query(`CREATE TABLE ${table} (open_time timestamptz PRIMARY KEY)`);
    return new FirstReaction(connection, table);
  }

  private async answer(): Promise<void> {
    await this.connection.query(
      `INSERT INTO ${this.table} SELECT open_time FROM candles
       WHERE open_time > coalesce((SELECT max(open_time) FROM ${this.table}), '-infinity')`,
    );
  }

  /** Ends after the answer under way. */
  async close(): Promise<void> {
    this.closed = true;
    await this.working;
  }
}

/** The smallest value that so large a share of all values does not exceed. @param share from 0 to 1 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
