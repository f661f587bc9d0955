import * as path from "node:path";
import { productionContext } from "./context";
import { run } from "./program";

const root = path.join(__dirname, "..");

// A reader that has seen enough (`| Select-Object -First 5`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? process.exitCode : 1));

run(process.argv.slice(2), productionContext(root)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
