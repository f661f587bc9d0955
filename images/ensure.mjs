// Prints the id of the image of one content, which is built where it is not there yet.
// Usage: node images/ensure.mjs NAME HASH TAG
// Most of the time it is there: the builder, which takes a second to load, is asked only where it is not.
import { spawn, spawnSync } from "node:child_process";

const [name, hash, tag] = process.argv.slice(2);
const present = spawnSync("docker", ["image", "inspect", "--format", "{{.Id}}", tag], { encoding: "utf8" });
if (present.status === 0) {
  process.stdout.write(present.stdout);
} else {
  const build = spawn(process.execPath, ["--import", "tsx", "images/build.ts", name, "--hash", hash], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => build.kill(signal));
  build.on("exit", (code) => process.exit(code ?? 1));
}
