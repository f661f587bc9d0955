import { join } from "node:path";
import { settingsOrExit } from "../shared/settings";
import { migrate } from "./migrate";
import { loadMigrateOptions } from "./settings";

const waitMilliseconds = 60_000;

function message(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(message).join("; ");
  const { message: text, detail, hint } = error as { message?: string; detail?: string; hint?: string };
  return [text ?? String(error), detail, hint].filter(Boolean).join(" - ");
}

async function main(): Promise<void> {
  const options = settingsOrExit(() => loadMigrateOptions());
  try {
    const summary = await migrate(options, {
      migrationsFolder: join(__dirname, "migrations"),
      waitMilliseconds,
      report: (line) => process.stderr.write(`migrate: ${line}\n`),
    });
    process.stdout.write(`${JSON.stringify(summary)}\n`);
  } catch (error) {
    process.stderr.write(`migrate: failed: ${message(error)}\n`);
    process.exitCode = 1;
  }
}

void main();
