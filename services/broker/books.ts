import type { Books } from "./reconcileQuery";
import type { Standing } from "./venue";

/** Cash is kept to 8 decimals and rounded once for each fill. */
const cashStep = 0.00000001;

/**
 * What of a bot's books does not fit together, one clause each; empty when all does. An intent that was decided on and
 * never sent is no mismatch: the bot may have ended in between.
 */
export function mismatchesOf(books: Books): string[] {
  const found: string[] = [];
  if (books.undecided !== null) found.push(`no decision of the same content stands behind order ${books.undecided}`);
  if (books.misfilled !== null) found.push(`the fills of order ${books.misfilled} are not what its status says`);
  if (books.filledQuantity !== books.quantity) {
    found.push(`the fills make a position of ${books.filledQuantity}, the account holds ${books.quantity}`);
  }
  const isFlat = books.quantity === 0;
  if (isFlat && books.workingStops > 0) found.push(`${books.workingStops} stops work without a position`);
  if (!isFlat && books.workingStops !== 1) found.push(`${books.workingStops} stops work for an open position`);
  if (!isFlat && books.workingStops === 1 && !books.stopFits) found.push("the working stop is not that of the position");
  const difference = Math.abs(books.filledCash - books.cash);
  // Doubles near large amounts are further apart than the step.
  if (!(difference <= cashStep * (books.fills + 1) + Math.abs(books.cash) * 1e-15)) {
    found.push(`the fills make a cash of ${books.filledCash}, the account holds ${books.cash}`);
  }
  return found;
}

/** What a venue holds for an account that the database does not, and the other way round. */
export function differencesOf(database: Standing, venue: Standing): string[] {
  const found: string[] = [];
  if (database.quantity !== venue.quantity) {
    found.push(`the venue holds a position of ${venue.quantity}, the account ${database.quantity}`);
  }
  const known = new Set(database.openOrders);
  const there = new Set(venue.openOrders);
  for (const id of venue.openOrders) if (!known.has(id)) found.push(`the venue has an open order ${id} that is not in the database`);
  for (const id of database.openOrders) if (!there.has(id)) found.push(`the venue does not have the open order ${id}`);
  return found;
}
