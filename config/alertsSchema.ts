import { z } from "zod";

/** How a notice is written for its receiver; docs/alerts.md says what each holds. */
export const ALERT_FORMATS = ["json", "ntfy"] as const;

/** An address, or the word `file`: then it stands in a file of `.trading`, because it is as secret as a password. */
const secretAddress = (file: string) =>
  z.string().refine((text) => text === "file" || z.url({ protocol: /^https?$/ }).safeParse(text).success, {
    error: `allowed: an address such as https://host/path, or the word file when it stands in .trading/stacks/<stack>/${file}`,
  });

/** Who is told of what is wrong, whichever part of the stack found it. */
export const alerts = z.strictObject({
  /** Gets each notice. */
  webhook: secretAddress("alert-webhook").optional(),
  /** `json` for a program of one's own, `ntfy` for a telephone: then the address ends with the topic. */
  format: z.enum(ALERT_FORMATS).default("json"),
  /** Is asked for by the guard every minute, with /fail while it cannot see what it guards, so that silence is noticed elsewhere. */
  heartbeat: secretAddress("alert-heartbeat").optional(),
  /** The same of the backups, after each job: another address, or one part that is well would hide another that is not. */
  backupHeartbeat: secretAddress("alert-backup-heartbeat").optional(),
  /** What lasts is told of again so often: until it is acknowledged or over. */
  repeatMinutes: z.int().min(1).max(1440).default(60),
});
export type AlertsConfiguration = z.infer<typeof alerts>;
