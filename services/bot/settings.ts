import { z } from "zod";
import { intervalMilliseconds } from "../../domain/intervals";
import { strategyNames, strategySettingsSchema } from "../../domain/strategies";

function isInterval(text: string): boolean {
  try {
    return intervalMilliseconds(text) > 0;
  } catch {
    return false;
  }
}

/** SETTINGS of the reference bot; unknown keys are errors. */
export const botSettings = z
  .strictObject({
    /** Name of the bot; its database role is `bot_<name>`. */
    bot: z.string().regex(/^[a-z][a-z0-9]{0,30}$/, "a lower-case letter, then up to 30 lower-case letters and digits"),
    symbol: z.string().min(1),
    interval: z.string().refine(isInterval, 'a count and one of m, h, d, such as "1h"'),
    strategy: z.enum(strategyNames()),
    strategySettings: z.record(z.string(), z.unknown()).prefault({}),
    brokerUrl: z.url({ protocol: /^https?$/ }),
    /** Address of MLflow; null when runs are not tracked. */
    mlflowUrl: z.url({ protocol: /^https?$/ }).nullable(),
  })
  .superRefine(({ strategy, strategySettings }, context) => {
    const parsed = strategySettingsSchema(strategy).safeParse(strategySettings);
    for (const issue of parsed.error?.issues ?? []) {
      context.addIssue({ code: "custom", path: ["strategySettings", ...issue.path], message: issue.message });
    }
  });

export type BotSettings = z.infer<typeof botSettings>;
