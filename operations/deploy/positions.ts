import type { Context } from "../context";
import { CommandError } from "../errors";
import { positionText } from "../statusText";
import type { DeployMeans } from "./means";

/** Accounts with a position, one line each as `name|quantity|entry price|stop price`. */
const OPEN = "select bot, quantity, entry_price, stop_price from trading.accounts where quantity > 0 order by bot";

/**
 * Open positions of a stack, one line for each bot, those of bots that are no longer declared included: from the database, or
 * where that does not answer from the page.
 *
 * @param pagePort undefined where it is not known
 * @returns null where neither says
 */
export async function openPositions(context: Context, means: Pick<DeployMeans, "query">, stack: string, pagePort: number | undefined): Promise<string[] | null> {
  try {
    return (await means.query(stack, "trading", OPEN)).split("\n").filter((line) => line.includes("|")).map(lineOf);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
  }
  const page = pagePort === undefined ? undefined : await context.page(pagePort);
  if (page?.stack !== stack || page.stale) return null;
  return page.bots.filter(({ position }) => position !== null).map((bot) => `${bot.name}: ${positionText(bot)}`);
}

function lineOf(row: string): string {
  const [bot = "", quantity = "", entryPrice = "", stopPrice = ""] = row.split("|");
  const position = { quantity: Number(quantity), entryPrice: Number(entryPrice), stopPrice: stopPrice === "" ? null : Number(stopPrice) };
  return `${bot}: ${positionText({ position })}`;
}
