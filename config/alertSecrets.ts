import type { AlertsConfiguration } from "./alertsSchema";
import { readOwnersFile } from "./clone";

/** Where a stack's alerts go; undefined where nobody is told. */
export interface AlertAddresses {
  readonly webhook: string | undefined;
  readonly heartbeat: string | undefined;
}

/**
 * Reads the addresses that the owner keeps in files; the others stand in the stack's file.
 *
 * @param root folder of the project
 * @throws naming the file, or the key of the stack's file, that has to be mended; never an address
 */
export function alertAddresses(root: string, stack: string, alerts: AlertsConfiguration): AlertAddresses {
  const address = (name: "webhook" | "heartbeat") => {
    const value = alerts[name];
    if (value !== "file") return value;
    const text = readOwnersFile(root, stack, `alert-${name}`, `trading:alerts.${name} is "file"`);
    if (!/^https?:\/\/\S+$/.test(text) || !URL.canParse(text)) throw new Error(`.trading/stacks/${stack}/alert-${name} does not hold an address such as https://host/path`);
    return text;
  };
  const webhook = address("webhook");
  // ntfy takes what arrives at its root for something else, and would refuse every notice.
  if (alerts.format === "ntfy" && webhook !== undefined && new URL(webhook).pathname === "/") {
    throw new Error("trading:alerts.webhook names no topic of ntfy; allowed: an address that ends with it, such as https://ntfy.example/a-topic-that-nobody-guesses");
  }
  return { webhook, heartbeat: address("heartbeat") };
}

/** The secret files of a service that tells of alerts. */
export function alertFiles({ webhook, heartbeat }: AlertAddresses): Record<string, string> {
  return { ...(webhook === undefined ? {} : { "alert-webhook": webhook }), ...(heartbeat === undefined ? {} : { "alert-heartbeat": heartbeat }) };
}

/** What such a service gets in its settings, under `alerts`: all but the addresses. */
export function alertSettings({ webhook, format, heartbeat, repeatMinutes }: AlertsConfiguration): object {
  return { webhook: webhook !== undefined, format, heartbeat: heartbeat !== undefined, repeatMinutes };
}
