// `npm test [-- PHASE...]`: makes what this machine needs, without touching the owner's stack, and runs the tests.
import fs from "node:fs/promises";
import path from "node:path";
import { readIfThere } from "./common/files.mjs";
import { createContext } from "./context.mjs";
import { explain, prepared } from "./first-run.mjs";
import { choosePhases, closingLine, countPhase, NEEDS_ONLY_PACKAGES, SIDE_BY_SIDE } from "./phases.mjs";
import { chromiumStep } from "./steps/chromium.mjs";
import { MACHINE_STEPS } from "./steps/index.mjs";
import { nodeStep } from "./steps/node.mjs";
import { packagesStep } from "./steps/packages.mjs";

const context = createContext();

/** Folders below `test/` that hold tests; what tests share lies beside them. */
async function testFolders() {
  const files = await fs.readdir(path.join(context.root, "test"), { recursive: true });
  return [...new Set(files.filter((file) => file.endsWith(".test.ts")).map((file) => /** @type {string} */ (file.split(path.sep)[0])))];
}

/** @param {readonly string[]} phases */
function stepsFor(phases) {
  if (phases.every((phase) => NEEDS_ONLY_PACKAGES.includes(phase))) return [nodeStep, packagesStep];
  return [...MACHINE_STEPS, ...(phases.includes("browser") ? [chromiumStep] : [])];
}

/** @param {string} phase */
async function runPhase(phase) {
  console.log(`\n--- ${phase}`);
  const output = path.join(context.tools, "run", `tests-${phase}.json`);
  await fs.rm(output, { force: true });
  const sideBySide = SIDE_BY_SIDE[phase];
  const { code } = await context.processes.runOnTerminal(
    process.execPath,
    // What a test left open must not keep all the others waiting.
    [path.join("node_modules", "mocha", "bin", "mocha.js"), `test/${phase}/**/*.test.ts`, "--exit", ...(sideBySide ? ["--parallel", "--jobs", String(sideBySide)] : []), "--reporter", path.join("setup", "mocha-reporter.cjs"), "--reporter-option", `output=${output}`],
    // Tests bring a passphrase of their own; the owner's is not for them.
    { cwd: context.root, env: { ...context.environment(), PULUMI_CONFIG_PASSPHRASE_FILE: undefined } },
  );
  const counts = countPhase(code, await readIfThere(output));
  if (counts.crashed) console.log(`${phase}: ended with exit code ${code} without telling what failed; counted as one failure`);
  return counts;
}

async function main() {
  const phases = choosePhases(process.argv.slice(2), await testFolders());
  await prepared(context, stepsFor(phases), "npm test", async () => undefined);
  const counts = [];
  for (const phase of phases) counts.push(await runPhase(phase));
  const { text, ok } = closingLine(counts);
  console.log(`\n${text}`);
  process.exitCode = ok ? 0 : 1;
}

main().catch((error) => {
  process.exitCode = explain(error);
});
