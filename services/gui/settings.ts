import { z } from "zod";

const address = z.url({ protocol: /^https?$/, error: "an address that begins with http:// or https://" });

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
      }),
    )
    .min(1),
  /** Addresses of the services inside the stack's network. */
  brokerUrl: address,
  livefeedUrl: address,
  /** Address of MLflow in the owner's browser; null where there is none. */
  mlflowPageUrl: address.nullable(),
  configuration: z.strictObject({ hash: z.string().min(1) }),
});

export type GuiSettings = z.infer<typeof guiSettingsSchema>;
export type BotSettings = GuiSettings["bots"][number];
