import type { ReplayedStrategy, ReplayRequest } from "../../../domain/parity/replay";
import type { DatabaseSettings } from "../../shared/database";

/** What the replay's thread is given. */
export interface ReplayWork {
  readonly database: DatabaseSettings;
  readonly symbol: string;
  readonly interval: string;
  readonly strategy: ReplayedStrategy;
  readonly request: ReplayRequest;
}

/** What it says, in this order: it failed, or it has begun, lines, and that it is done. */
export type WorkerMessage =
  | { readonly failed: "database" | "candles"; readonly reason: string }
  | { readonly begun: true }
  | { readonly lines: readonly string[] }
  | { readonly done: true };
