import * as path from "node:path";
import { productionContext } from "./context";
import { isHalt, runHalt } from "./haltProgram";

const root = path.join(__dirname, "..");

// A reader that has seen enough (`| Select-Object -First 5`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? process.exitCode : 1));

/** Everything else is loaded only where it is asked for: half of the time until a halt is placed would be spent on it. */
async function run(argv: readonly string[]): Promise<number> {
  const context = productionContext(root);
  return isHalt(argv) ? await runHalt(argv, context) : await (require("./program") as typeof import("./program")).run(argv, context);
}

run(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
