import { z } from "zod";
import { alertSettings } from "../shared/alerts/settings";
import { cronPattern } from "../shared/cronPattern";
import { describeProblems } from "../shared/settingsProblems";
import { parseSettings, settingsError } from "../shared/settings";

const count = z.int().min(0);
const positive = z.int().min(1);
const share = z.number().min(0).max(1);

/** SETTINGS of the backup service: what it needs of `trading:backup`, without addresses, which are secret files. */
export const backupSettings = z.strictObject({
  schedule: z.strictObject({ point: cronPattern, dump: cronPattern, check: cronPattern, prune: cronPattern, copy: cronPattern }),
  retention: z.strictObject({ pointInTimeDays: positive, daily: positive, weekly: count, monthly: count }),
  secondCopy: z.strictObject({ kind: z.enum(["none", "path", "rest"]) }),
  alarms: z.strictObject({
    overdueMinutes: positive,
    smallShare: share,
    archiveMinutes: positive,
    fullShare: share,
    restoreTestDays: positive,
    secondCopyHours: positive,
    unpushedHours: positive,
  }),
  restoreTest: z.enum(["weekly", "monthly"]),
  alerts: alertSettings,
});
export type BackupSettings = z.infer<typeof backupSettings>;

export interface LoadedSettings {
  readonly stack: string;
  readonly mode: "paper" | "live";
  readonly logLevel: string;
  readonly settings: BackupSettings;
}

const environmentSchema = z.object({
  TRADING_STACK: z.string().regex(/^[a-z][a-z0-9-]*$/, "lower-case letters, digits and dashes"),
  TRADING_MODE: z.enum(["paper", "live"]),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
});

/**
 * Reads the environment and SETTINGS. There is no password: the database's own user comes in over its socket.
 * @throws SettingsError with every problem in one message
 */
export function loadBackupSettings(env: NodeJS.ProcessEnv = process.env): LoadedSettings {
  const environment = environmentSchema.safeParse(env, { reportInput: true });
  const settings = parseSettings(backupSettings, env["SETTINGS"]);
  const problems = [
    ...(environment.success ? [] : describeProblems(environmentSchema, env, environment.error, "")),
    ...("problems" in settings ? settings.problems : []),
  ];
  if ("problems" in settings || problems.length > 0) throw settingsError(problems);
  return { ...loadToolEnvironment(env), settings: settings.value };
}

/**
 * Whose stack a tool works for.
 * @throws SettingsError with every problem in one message
 */
export function loadToolEnvironment(env: NodeJS.ProcessEnv = process.env): Omit<LoadedSettings, "settings"> {
  const environment = environmentSchema.safeParse(env, { reportInput: true });
  if (!environment.success) throw settingsError(describeProblems(environmentSchema, env, environment.error, ""));
  const { TRADING_STACK: stack, TRADING_MODE: mode, LOG_LEVEL: logLevel } = environment.data;
  return { stack, mode, logLevel };
}
