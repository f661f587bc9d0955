import { z } from "zod";
import { canarySchema } from "../../domain/canary";
import { executionSettings } from "../../domain/execution";
import { intervalMilliseconds } from "../../domain/intervals";
import { readSecret, secretsFolder, settingsError } from "../shared/settings";

function isInterval(text: string): boolean {
  try {
    return intervalMilliseconds(text) > 0;
  } catch {
    return false;
  }
}

/** An upper bound; null, or not given, means that it is missing, and then every entry is refused. */
const limit = z.number().positive().nullable().default(null);

const botLimits = z.strictObject({
  orderQuantity: limit,
  orderNotional: limit,
  positionQuantity: limit,
  positionNotional: limit,
  ordersPerHour: limit,
  ordersPerDay: limit,
  secondsBetweenEntries: z.number().min(0).nullable().default(null),
});

const stackLimits = z.strictObject({ exposureNotional: limit, ordersPerHour: limit, ordersPerDay: limit });

const botSettings = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9]{0,30}$/, "a lower-case letter, then up to 30 lower-case letters and digits"),
  symbol: z.string().min(1),
  interval: z.string().refine(isInterval, 'a count and one of m, h, d, such as "1h"'),
  /** Cash the account is opened with, in the quote currency. */
  startingCash: z.number().positive(),
  strategy: z.string().min(1),
  strategySettings: z.record(z.string(), z.unknown()),
  /** Says which configuration the bot trades with; written to its account. */
  configurationHash: z.string().min(1),
  /** What its entries may be at most. */
  limits: botLimits.prefault({}),
});

/** SETTINGS of the broker; unknown keys are errors. */
export const brokerSettings = z.strictObject({
  bots: z
    .array(botSettings)
    .min(1)
    .refine((bots) => new Set(bots.map((bot) => bot.name)).size === bots.length, "every bot name once"),
  /** What the entries of all bots together may be at most. */
  limits: stackLimits.prefault({}),
  execution: executionSettings.prefault({}),
  /** Longest wall time that a bar waits for the decision, or the intent, of a bot that is there. */
  decisionGraceSeconds: z.number().positive().max(3600).default(10),
  /** With a running market: wall time after a bar's close in which an entry decided on it may be handed in. */
  decisionWindowSeconds: z.number().positive().max(86_400).default(300),
  /** Whether an entry needs the guard's lease beside the feed's. */
  guard: z.boolean().default(true),
  /** The first days after a promotion: part of each entry that is let in until then, and of the limits of size. */
  canary: canarySchema.nullable().default(null),
});

export type BrokerSettings = z.infer<typeof brokerSettings>;
export type BotSettings = BrokerSettings["bots"][number];

/**
 * The token of every configured bot, from the files `bot-<name>-token`.
 * @returns token by bot name
 * @throws SettingsError when a file is missing or empty, a token is short, or two bots share one
 */
export function readTokens(settings: BrokerSettings, folder = secretsFolder): ReadonlyMap<string, string> {
  const tokens = new Map<string, string>();
  for (const { name } of settings.bots) {
    const token = readSecret(`bot-${name}-token`, folder);
    if (token.length < 16) throw settingsError([`secret file bot-${name}-token: too short - allowed: at least 16 characters`]);
    for (const [other, known] of tokens) {
      if (known === token) throw settingsError([`secret files bot-${other}-token and bot-${name}-token hold the same token`]);
    }
    tokens.set(name, token);
  }
  return tokens;
}
