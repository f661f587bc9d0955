import { join } from "node:path";
import { z } from "zod";
import { secretsFolder } from "../settings";
import type { AlertChannelOptions } from "./AlertChannel";
import { renderJson, type Render } from "./notice";
import { renderNtfy } from "./ntfy";

/** What a service gets in its SETTINGS under `alerts`; the addresses are secret files. */
export const alertSettings = z.strictObject({
  /** Whether there is an address in the secret files alert-webhook and alert-heartbeat. */
  webhook: z.boolean(),
  format: z.enum(["json", "ntfy"]),
  heartbeat: z.boolean(),
  repeatMinutes: z.int().min(1),
});
export type AlertSettings = z.infer<typeof alertSettings>;

const renders: Readonly<Record<AlertSettings["format"], Render>> = { json: renderJson, ntfy: renderNtfy };

/** What a channel's options have of these settings. */
export function channelOptions(settings: AlertSettings, secrets = secretsFolder): Pick<AlertChannelOptions, "addressFile" | "heartbeatFile" | "repeatMinutes" | "render"> {
  return {
    addressFile: settings.webhook ? join(secrets, "alert-webhook") : null,
    heartbeatFile: settings.heartbeat ? join(secrets, "alert-heartbeat") : null,
    repeatMinutes: settings.repeatMinutes,
    render: renders[settings.format],
  };
}
