import type { AlertsConfiguration } from "./alertsSchema";
import { readOwnersFile } from "./clone";

/** Where a stack's alerts go; undefined where nobody is told. */
export interface AlertAddresses {
  readonly webhook: string | undefined;
  readonly heartbeat: string | undefined;
  readonly backupHeartbeat: string | undefined;
}

/** What keeps its own channel of alerts. */
export type AlertSender = "guard" | "backup";

/**
 * The part of the addresses, or of the keys, that one sender uses: each has a heartbeat of its own. Where there is no guard,
 * the backups give the stack's.
 */
export function alertsOf<T>(sender: AlertSender, { webhook, heartbeat, backupHeartbeat }: { readonly webhook?: T; readonly heartbeat?: T; readonly backupHeartbeat?: T }, guarded: boolean): { webhook: T | undefined; heartbeat: T | undefined } {
  if (sender === "guard") return { webhook, heartbeat };
  return { webhook, heartbeat: backupHeartbeat ?? (guarded ? undefined : heartbeat) };
}

/**
 * Reads the addresses that the owner keeps in files; the others stand in the stack's file.
 *
 * @param root folder of the project
 * @throws naming the file, or the key of the stack's file, that has to be mended; never an address
 */
export function alertAddresses(root: string, stack: string, alerts: AlertsConfiguration): AlertAddresses {
  const address = (name: "webhook" | "heartbeat" | "backupHeartbeat", file: string) => {
    const value = alerts[name];
    if (value !== "file") return value;
    const text = readOwnersFile(root, stack, file, `trading:alerts.${name} is "file"`);
    if (!/^https?:\/\/\S+$/.test(text) || !URL.canParse(text)) throw new Error(`.trading/stacks/${stack}/${file} does not hold an address such as https://host/path`);
    return text;
  };
  const webhook = address("webhook", "alert-webhook");
  // ntfy takes what arrives at its root for something else, and would refuse every notice.
  if (alerts.format === "ntfy" && webhook !== undefined && new URL(webhook).pathname === "/") {
    throw new Error("trading:alerts.webhook names no topic of ntfy; allowed: an address that ends with it, such as https://ntfy.example/a-topic-that-nobody-guesses");
  }
  return { webhook, heartbeat: address("heartbeat", "alert-heartbeat"), backupHeartbeat: address("backupHeartbeat", "alert-backup-heartbeat") };
}

/** The secret files of a service that tells of alerts. */
export function alertFiles(sender: AlertSender, addresses: AlertAddresses, guarded: boolean): Record<string, string> {
  const { webhook, heartbeat } = alertsOf(sender, addresses, guarded);
  return { ...(webhook === undefined ? {} : { "alert-webhook": webhook }), ...(heartbeat === undefined ? {} : { "alert-heartbeat": heartbeat }) };
}

/** What such a service gets in its settings, under `alerts`: all but the addresses. */
export function alertSettings(sender: AlertSender, alerts: AlertsConfiguration, guarded: boolean): object {
  const { webhook, heartbeat } = alertsOf(sender, alerts, guarded);
  return { webhook: webhook !== undefined, format: alerts.format, heartbeat: heartbeat !== undefined, repeatMinutes: alerts.repeatMinutes };
}
