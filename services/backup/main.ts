import { settingsOrExit } from "../shared/settings";
import { serve } from "./serve";
import { loadBackupSettings } from "./settings";
import { runTool } from "./toolRunner";

const usage = "allowed: serve, or tool NAME '<request as JSON>'";

/** `serve` runs the scheduled backups; `tool` does one thing for the owner's commands, see tools.ts. */
async function main([command = "serve", ...words]: readonly string[]): Promise<void> {
  if (command === "serve" && words.length === 0) return serve(settingsOrExit(() => loadBackupSettings()));
  if (command === "tool" && words.length <= 2) {
    const code = await runTool(words[0] ?? "", words[1] ?? "{}");
    process.exit(code);
  }
  process.stderr.write(`backup: "${[command, ...words].join(" ").slice(0, 200)}" - ${usage}\n`);
  process.exit(2);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`backup: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
