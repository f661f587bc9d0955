// `npm run pulumi -- ARGS`: the same CLI with the same settings, and the same policy pack, as `npm start`.
import { spawn } from "node:child_process";
import process from "node:process";
import { createContext } from "./context.mjs";
import { withPolicyPack } from "./policy-pack.mjs";

const { root, environment } = createContext();
const child = spawn("pulumi", withPolicyPack(process.argv.slice(2)), { cwd: root, env: environment(), stdio: "inherit" });

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    // The terminal sends Ctrl-C to Pulumi as well, and a second one would end it at once.
    if (signal === "SIGINT" && process.stdin.isTTY) return;
    // A signal other than the interrupt kills Pulumi in the middle of what it is doing.
    child.kill(process.platform === "win32" ? signal : "SIGINT");
  });
}
child.on("error", (error) => {
  const missing = /** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT";
  console.error(missing ? "There is no Pulumi CLI yet: run `npm start` first." : error.message);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === "SIGINT" ? 130 : 143);
});
