/** May the feed be traded on: HEALTHY yes; DEGRADED no entries; DOWN no entries, and bots are to be stopped. */
export type FeedState = "HEALTHY" | "DEGRADED" | "DOWN";

/** How much a finding says against the feed; a note says nothing against it. */
export type FindingSeverity = "note" | "DEGRADED" | "DOWN";
