import { z } from "zod";
import { parseSettings, readSecret, secretsFolder, settingsError } from "../shared/settings";

export const migrateSettingsSchema = z.strictObject({
  /** Roles that may log in; each has its password in the secret file `<name>-password`. */
  roles: z
    .array(
      z
        .strictObject({
          name: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, "lower-case letters, digits and underscores"),
          kind: z.enum(["bot", "livefeed", "broker", "performance", "guard", "gui", "mlflow"]),
        })
        .refine((role) => (role.kind === "bot" ? /^bot_[a-z][a-z0-9]{0,30}$/.test(role.name) : role.name === role.kind), {
          message: "bot_<bot name> for a bot, the kind itself for every other role",
        }),
    )
    .refine((roles) => new Set(roles.map((role) => role.name)).size === roles.length, { message: "each name once" }),
});

export type MigrateSettings = z.infer<typeof migrateSettingsSchema>;

export interface RoleWithPassword {
  name: string;
  kind: MigrateSettings["roles"][number]["kind"];
  password: string;
}

export interface MigrateOptions {
  host: string;
  port: number;
  superuserPassword: string;
  roles: RoleWithPassword[];
}

/**
 * Reads DATABASE_HOST, DATABASE_PORT, SETTINGS and a secret file for each role.
 * @throws SettingsError with every problem in one message
 */
export function loadMigrateOptions(env: NodeJS.ProcessEnv = process.env, folder = secretsFolder): MigrateOptions {
  const problems: string[] = [];
  const secret = (name: string): string => {
    try {
      return readSecret(name, folder);
    } catch (error) {
      problems.push((error as Error).message);
      return "";
    }
  };
  const port = env["DATABASE_PORT"] ?? "5432";
  if (!/^[1-9][0-9]{0,4}$/.test(port)) problems.push(`DATABASE_PORT: ${JSON.stringify(port)} - allowed: a port number`);
  const settings = parseSettings(migrateSettingsSchema, env["SETTINGS"]);
  if ("problems" in settings) problems.push(...settings.problems);
  const superuserPassword = secret("superuser-password");
  const roles = "problems" in settings ? [] : settings.value.roles;
  const withPasswords = roles.map((role) => ({ ...role, password: secret(`${role.name}-password`) }));
  if (problems.length > 0) throw settingsError(problems);
  return { host: env["DATABASE_HOST"] ?? "timescaledb", port: Number(port), superuserPassword, roles: withPasswords };
}
