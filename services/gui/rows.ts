import type { Selectable } from "kysely";
import type { AccountRow, DecisionRow, FeedSessionRow, FeedStatusRow, OrderRow, RejectionsTable } from "../shared/schema";
import type { DecisionView } from "./api";
import type { BrokerRows } from "./brokerReader";
import type { FeedRows } from "./feedReader";
import type { GuardRows } from "./guardRows";

/** What the database says about one bot. */
export interface BotRows {
  name: string;
  /** A session holds the bot's advisory lock. */
  running: boolean;
  account: AccountRow | undefined;
  lastDecision: DecisionRow | undefined;
  lastEquity: { bar: Date; equity: number; close: number } | undefined;
  /** Highest equity and worst fraction below a peak, both including the starting cash; null without equity rows. */
  peakEquity: number | null;
  maxDrawdown: number | null;
  trades: { count: number; wins: number; profit: number; fees: number };
  fills: { simulated: number; real: number };
  pendingOrders: Pick<OrderRow, "bar" | "action" | "quantity" | "stopPrice">[];
  lastCandle: { openTime: Date; close: number } | undefined;
  behind: number;
  broker: BrokerRows;
  /** The newest comparison with a replay. */
  parity: { frozen: boolean; reason: string } | undefined;
}

/** What the database says, read in one snapshot. */
export interface StatusRows {
  session: FeedSessionRow | undefined;
  feeds: FeedStatusRow[];
  /** One for each market that a bot trades. */
  quality: FeedRows[];
  bots: BotRows[];
  /** Refused requests without a valid token. */
  strangers: Selectable<RejectionsTable>[];
  guard: GuardRows;
}

/** A position from its entry to its exit, or still open. */
export interface HeldPosition {
  entryBar: number;
  exitBar: number | null;
}

/** A stop price handed in after `bar`, which works from the next bar on. */
export interface StopPrice {
  bar: number;
  stopPrice: number;
}

/** A decision as the API gives it. */
export function decisionView(row: DecisionRow): DecisionView {
  return {
    bar: row.bar.getTime(),
    decidedAt: row.decidedAt.getTime(),
    action: row.action,
    reason: row.reason,
    late: row.late,
    indicators: row.indicators,
  };
}
