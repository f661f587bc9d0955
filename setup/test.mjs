// `npm test [-- PHASE...] [--exhaustive]`: makes what this machine needs, without touching the owner's stack, and runs the tests.
import fs from "node:fs/promises";
import path from "node:path";
import { readIfThere } from "./common/files.mjs";
import { createContext } from "./context.mjs";
import { explain, prepared } from "./first-run.mjs";
import { choosePhases, closingLine, countPhase, NEEDS_ONLY_PACKAGES, runsOf } from "./phases.mjs";
import { chromiumStep } from "./steps/chromium.mjs";
import { MACHINE_STEPS } from "./steps/index.mjs";
import { nodeStep } from "./steps/node.mjs";
import { packagesStep } from "./steps/packages.mjs";

const context = createContext();

/** Also what differs from another test only in where a fault strikes: test/support/exhaustive.ts. */
const EXHAUSTIVE = "--exhaustive";

/** Files below `test/` that hold tests; what tests share lies beside them. */
async function testFiles() {
  const files = await fs.readdir(path.join(context.root, "test"), { recursive: true });
  return files.filter((file) => file.endsWith(".test.ts")).map((file) => file.split(path.sep).join("/"));
}

/** @param {readonly string[]} phases */
function stepsFor(phases) {
  if (phases.every((phase) => NEEDS_ONLY_PACKAGES.includes(phase))) return [nodeStep, packagesStep];
  return [...MACHINE_STEPS, ...(phases.includes("browser") ? [chromiumStep] : [])];
}

/** @param {import("./phases.mjs").Run} run @param {boolean} exhaustive */
async function run({ name, files, jobs }, exhaustive) {
  console.log(`\n--- ${name}`);
  const output = path.join(context.tools, "run", `tests-${name.replaceAll(", ", "-")}.json`);
  await fs.rm(output, { force: true });
  const { code } = await context.processes.runOnTerminal(
    process.execPath,
    // What a test left open must not keep all the others waiting.
    [path.join("node_modules", "mocha", "bin", "mocha.js"), ...files.map((file) => `test/${file}`), "--exit", ...(jobs > 1 ? ["--parallel", "--jobs", String(jobs)] : []), "--reporter", path.join("setup", "mocha-reporter.cjs"), "--reporter-option", `output=${output}`],
    // Tests bring a passphrase of their own; the owner's is not for them.
    { cwd: context.root, env: { ...context.environment(), PULUMI_CONFIG_PASSPHRASE_FILE: undefined, TRADING_TESTS_EXHAUSTIVE: exhaustive ? "1" : undefined } },
  );
  const counts = countPhase(code, await readIfThere(output));
  if (counts.crashed) console.log(`${name}: ended with exit code ${code} without telling what failed; counted as one failure`);
  return counts;
}

async function main() {
  const words = process.argv.slice(2);
  const files = await testFiles();
  const phases = choosePhases(words.filter((word) => word !== EXHAUSTIVE), [...new Set(files.map((file) => /** @type {string} */ (file.split("/")[0])))]);
  await prepared(context, stepsFor(phases), "npm test", async () => undefined);
  const counts = [];
  for (const each of runsOf(phases, files)) counts.push(await run(each, words.includes(EXHAUSTIVE)));
  const { text, ok } = closingLine(counts);
  console.log(`\n${text}`);
  process.exitCode = ok ? 0 : 1;
}

main().catch((error) => {
  process.exitCode = explain(error);
});
