import type { Database } from "../shared/database";
import type { Halts } from "./Halts";
import type { IntentRequest } from "./intents";
import type { LeaseLook } from "./LeaseLook";
import { OneAtATime } from "./OneAtATime";
import type { Reconciliation } from "./Reconciliation";
import type { BrokerSettings } from "./settings";
import { submitIntent, type Submission } from "./submit";
import type { Venue } from "./venue";

export interface DeskContext {
  readonly settings: BrokerSettings;
  readonly database: Database;
  readonly venue: Venue;
  readonly leases: Pick<LeaseLook, "of" | "guard">;
  readonly halts: Pick<Halts, "of">;
  readonly reconciliation: Pick<Reconciliation, "mismatchOf">;
}

/** @returns what takes in the intents of all configured bots, each on its own terms */
export function createDesk(context: DeskContext): (bot: string, request: IntentRequest) => Promise<Submission> {
  const { settings, database, venue, leases, halts, reconciliation } = context;
  const bots = new Map(settings.bots.map((bot) => [bot.name, bot]));
  // The database has entries judged one after the other; those that wait do so here, and not with a connection each.
  const entries = new OneAtATime();
  return async (name, request) => {
    const bot = bots.get(name)!;
    const submit = async (): Promise<Submission> => {
      // Only entries are refused for it, so that nothing else waits for a count.
      const mismatch = request.intent.action === "enter" ? await reconciliation.mismatchOf(name) : null;
      const windowMilliseconds = settings.decisionWindowSeconds * 1000;
      const terms = { limits: bot.limits, stackLimits: settings.limits, canary: settings.canary, windowMilliseconds, mismatch };
      return submitIntent({ database, venue, lease: leases.of(bot), guardLease: leases.guard, halts, terms }, name, request);
    };
    return request.intent.action === "enter" ? entries.run(submit) : submit();
  };
}
