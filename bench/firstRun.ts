import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { execute, PROJECT_ROOT, type Outcome } from "../test/support/throwAwayStack";
import type { BenchResult } from "./result";

/**
 * `npm start` in a fresh clone with a stack of its own, and once more when all is there. Cold means: no packages, no
 * CLI, no Go caches, and no image of this project on the Engine; images that containers use are refused, not removed.
 */
export async function benchFirstRun(cold: boolean): Promise<BenchResult[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-first-run-"));
  const clone = path.join(folder, "clone");
  const stack = "bench";
  const env: NodeJS.ProcessEnv = cold ? { ...process.env, GOCACHE: path.join(folder, "go-build"), GOMODCACHE: path.join(folder, "go-modules"), npm_config_cache: path.join(folder, "npm") } : process.env;
  const must = async (outcome: Promise<Outcome>) => {
    const done = await outcome;
    if (done.code !== 0) throw new Error(done.text);
    return done;
  };
  const start = () => must(execute("npm", ["start", "--", "--stack", stack, "--port-base", "18400"], { cwd: clone, env, timeoutSeconds: 1800, onText: (text) => process.stderr.write(text) }));
  try {
    await must(execute("git", ["clone", "--quiet", PROJECT_ROOT, clone]));
    if (cold) await removeImages();
    const first = await start();
    const again = await start();
    return [
      { name: cold ? "npm start, cold" : "npm start in a fresh clone, images and Go caches warm", unit: "s", value: first.seconds, target: cold ? "at most 480 s" : "-", met: !cold || first.seconds <= 480 },
      { name: "npm start again", unit: "s", value: again.seconds, comparedWith: { name: "the first", value: first.seconds }, target: "at most 20 s", met: again.seconds <= 20 },
    ];
  } finally {
    const run = (args: readonly string[]) => execute("npm", ["run", "-s", "pulumi", "--", ...args, "--stack", stack, "--yes"], { cwd: clone, env });
    await run(["destroy", "--skip-preview"]);
    await execute("npx", ["trading", "delete-data", "--stack", stack, "--confirm", stack], { cwd: clone, env });
    // Go keeps its modules read-only.
    await execute("chmod", ["-R", "u+w", folder]);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function removeImages(): Promise<void> {
  const listed = await execute("docker", ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=trading-*"]);
  const tags = listed.stdout.split("\n").filter(Boolean);
  const used = await execute("docker", ["ps", "--all", "--quiet", "--filter", "label=trading.stack"]);
  if (used.stdout.trim() !== "") throw new Error("containers of a trading stack are there: a cold start cannot be measured beside them");
  if (tags.length > 0) await execute("docker", ["image", "rm", "--force", ...tags]);
  await execute("docker", ["image", "prune", "--force"]);
}
