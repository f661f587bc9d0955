import { z } from "zod";
import { canarySchema } from "../../domain/canary";

const address = z.url({ protocol: /^https?$/, error: "an address that begins with http:// or https://" });

const positive = z.number().positive();
const count = z.int().min(1);

/** The broker's limits for one bot; quantities in the base currency, notionals in the quote currency, counts in market time. */
const limits = z.strictObject({
  orderQuantity: positive,
  orderNotional: positive,
  positionQuantity: positive,
  positionNotional: positive,
  ordersPerHour: count,
  ordersPerDay: count,
  secondsBetweenEntries: z.int().min(0),
});

/** SETTINGS of the gui service. */
export const guiSettingsSchema = z.strictObject({
  /** The bots shown; the first is shown at start. */
  bots: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9]{0,30}$/, "lower-case letters and digits, beginning with a letter, at most 31"),
        symbol: z.string().min(1),
        interval: z.string().min(1),
        strategy: z.string().min(1),
        /** What the broker lets through; not shown when left out. */
        limits: limits.optional(),
      }),
    )
    .min(1),
  /** Addresses of the services inside the stack's network. */
  brokerUrl: address,
  livefeedUrl: address,
  /** Address of the backup service; null where nothing is backed up. */
  backupUrl: address.nullable(),
  /** Address of the guard; null where the stack has none. */
  guardUrl: address.nullable(),
  /** Address of MLflow in the owner's browser; null where there is none. */
  mlflowPageUrl: address.nullable(),
  configuration: z.strictObject({ hash: z.string().min(1) }),
  /** The first days after a promotion, and the part of each entry and of the limits that there is in them; left out where there are none. */
  canary: canarySchema.optional(),
  /** What speaks against trust for as long as the stack is configured so, one line each. */
  notices: z.array(z.string().min(1)).optional(),
});

export type GuiSettings = z.infer<typeof guiSettingsSchema>;
export type BotSettings = GuiSettings["bots"][number];

/** One bot's settings for each market that is traded. */
export function marketsOf(bots: readonly BotSettings[]): BotSettings[] {
  return [...new Map(bots.map((bot) => [`${bot.symbol} ${bot.interval}`, bot])).values()];
}
