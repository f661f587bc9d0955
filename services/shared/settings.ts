import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { DatabaseSettings } from "./database";
import { describeProblems } from "./settingsProblems";

export const secretsFolder = "/secrets";

/** What every service gets, and its own part. */
export interface ServiceSettings<T> {
  stack: string;
  mode: "paper" | "live";
  logLevel: string;
  database: DatabaseSettings;
  /** The validated value of SETTINGS. */
  settings: T;
}

/** Lists every wrong key with path, value and what is allowed. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

const environmentSchema = z.object({
  TRADING_STACK: z.string().regex(/^[a-z][a-z0-9-]*$/, "lower-case letters, digits and dashes"),
  TRADING_MODE: z.enum(["paper", "live"]),
  DATABASE_HOST: z.string().min(1),
  DATABASE_PORT: z.string().regex(/^[1-9][0-9]{0,4}$/, "a port number"),
  DATABASE_NAME: z.string().min(1),
  DATABASE_USER: z.string().min(1),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
});

/**
 * The content of a secret file without its last line end.
 * @throws SettingsError naming the file when it is missing or empty
 */
export function readSecret(name: string, folder = secretsFolder): string {
  const path = join(folder, name);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new SettingsError(`secret file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  const secret = text.replace(/\r?\n$/, "");
  if (secret === "") throw new SettingsError(`secret file ${path} is empty`);
  return secret;
}

/** The same, or null where there is no such file. */
export function readOptionalSecret(name: string, folder = secretsFolder): string | null {
  return existsSync(join(folder, name)) ? readSecret(name, folder) : null;
}

/** Parses the JSON of SETTINGS; a syntax error becomes a problem, not an exception. */
function parseJson(text: string | undefined): { value: unknown } | { problem: string } {
  if (text === undefined || text === "") return { problem: "SETTINGS: missing - allowed: a JSON object" };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: `SETTINGS: no valid JSON (${(error as Error).message}) - allowed: a JSON object` };
  }
}

/**
 * Checks one value of SETTINGS on its own; used by tests and by services with an own set of variables.
 * @returns the value, or one line for each problem
 */
export function parseSettings<T>(schema: z.ZodType<T>, text: string | undefined): { value: T } | { problems: string[] } {
  const json = parseJson(text);
  if ("problem" in json) return { problems: [json.problem] };
  const result = schema.safeParse(json.value, { reportInput: true });
  return result.success ? { value: result.data } : { problems: describeProblems(schema, json.value, result.error, "SETTINGS") };
}

/**
 * Reads the environment, SETTINGS and the database password.
 * @throws SettingsError with every problem in one message
 */
export function loadSettings<T>(
  schema: z.ZodType<T>,
  env: NodeJS.ProcessEnv = process.env,
  folder = secretsFolder,
): ServiceSettings<T> {
  const environment = environmentSchema.safeParse(env, { reportInput: true });
  const settings = parseSettings(schema, env["SETTINGS"]);
  const problems = [
    ...(environment.success ? [] : describeProblems(environmentSchema, env, environment.error, "")),
    ...("problems" in settings ? settings.problems : []),
  ];
  let password = "";
  try {
    password = readSecret("database-password", folder);
  } catch (error) {
    problems.push((error as Error).message);
  }
  if (!environment.success || "problems" in settings || problems.length > 0) throw settingsError(problems);
  const values = environment.data;
  return {
    stack: values.TRADING_STACK,
    mode: values.TRADING_MODE,
    logLevel: values.LOG_LEVEL,
    database: {
      host: values.DATABASE_HOST,
      port: Number(values.DATABASE_PORT),
      name: values.DATABASE_NAME,
      user: values.DATABASE_USER,
      password,
    },
    settings: settings.value,
  };
}

export function settingsError(problems: string[]): SettingsError {
  return new SettingsError(["the settings are wrong:", ...problems.map((problem) => `  ${problem}`)].join("\n"));
}

/** Runs a loader; a SettingsError is printed and ends the process with exit code 2. */
export function settingsOrExit<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
