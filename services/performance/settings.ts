import { z } from "zod";
import { executionSettings } from "../../domain/execution";
import { cronPattern } from "../shared/cronPattern";
import { readSecret, secretsFolder } from "../shared/settings";


/** SETTINGS of the performance service; unknown keys are errors. */
export const performanceSettings = z.strictObject({
  /** The bots it watches. */
  bots: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9]{0,30}$/, "a lower-case letter, then up to 30 lower-case letters and digits"),
        /** Where the bot can be asked for a replay. */
        address: z.url({ protocol: /^https?$/ }),
        /** Id of the image it is declared with; null for the reference bot, which notes its own. */
        image: z.string().min(1).nullable(),
      }),
    )
    .min(1),
  /** Address of MLflow; null when comparisons are no runs there. */
  mlflowUrl: z.url({ protocol: /^https?$/ }).nullable(),
  /** By what rules the broker simulates fills. */
  execution: executionSettings,
  parity: z.strictObject({
    /** When every bot is compared with a replay, in UTC. */
    schedule: cronPattern,
    /** Newest days that are compared. */
    days: z.int().min(1).max(1100),
  }),
});

export type PerformanceSettings = z.infer<typeof performanceSettings>;
export type WatchedBot = PerformanceSettings["bots"][number];

/**
 * The token with which each bot is asked for a replay, from the files `bot-<name>-replay-token`.
 * @returns token by bot name
 * @throws SettingsError when a file is missing or empty
 */
export function readReplayTokens({ bots }: PerformanceSettings, folder = secretsFolder): ReadonlyMap<string, string> {
  return new Map(bots.map(({ name }) => [name, readSecret(`bot-${name}-replay-token`, folder)]));
}
