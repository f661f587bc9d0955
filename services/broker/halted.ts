import { permits, type Asked } from "../../control/levels";
import type { Standing } from "../../control/standing";
import { workingStop, type Holdings, type IntentAction } from "../../domain/orders";
import { haltedWord } from "../shared/words";

/** Of a reason that a person wrote; an order's reason is read in a list. */
const longestReason = 300;

/** What an order or an intent is, as far as a halt asks. */
interface Wanted {
  readonly action: IntentAction;
  readonly stopPrice?: number | null;
}

/**
 * Why a halt does not let something out, or null. Only moving a stop depends on what the account holds: it risks less where
 * it is above the present one, for every position is long.
 */
export function haltedReason(standing: Standing, holdings: Holdings, wanted: Wanted): string | null {
  if (permits(standing.level, askedOf(holdings, wanted))) return null;
  const { reason } = standing;
  // Of a folder that cannot be read the reason does not begin with the word.
  const told = reason?.startsWith(haltedWord) === true ? reason : `${haltedWord}: ${reason ?? `level ${standing.level}`}`;
  return told.length <= longestReason ? told : `${told.slice(0, longestReason - 1)}…`;
}

/**
 * The orders that wait for the next bar and that a halt does not let out, with the reason, by their id. The stop that works
 * is none of them.
 * @param look reads how the bot stands at this moment; not called when nothing waits
 */
export function haltedOrders(holdings: Holdings, look: () => Standing): ReadonlyMap<string, string> {
  const waiting = holdings.orders.filter(({ status }) => status === "accepted");
  if (waiting.length === 0) return none;
  const standing = look();
  return new Map(
    waiting.flatMap(({ clientOrderId, action, stopPrice }) => {
      const reason = action === "stop" ? null : haltedReason(standing, holdings, { action, stopPrice });
      return reason === null ? [] : [[clientOrderId, reason] as const];
    }),
  );
}

const none: ReadonlyMap<string, string> = new Map();

function askedOf(holdings: Holdings, { action, stopPrice }: Wanted): Asked {
  if (action !== "moveStop") return { action };
  const present = workingStop(holdings)?.stopPrice;
  return { action, tightens: typeof stopPrice === "number" && typeof present === "number" && stopPrice > present };
}
