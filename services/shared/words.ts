/** Words that one service writes into the database and another looks for. */

/** Bot under which requests without a valid token are counted. */
export const unknownBot = "unknown";

/** Reason of the state that a feed writes when it is stopped. */
export const feedStopped = "feed stopped";

/** How the reason of an order begins that a halt did not let out, refused or cancelled. */
export const haltedWord = "halted";
