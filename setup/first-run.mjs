import path from "node:path";
import { LockedError, takeLock } from "./common/lock.mjs";
import { Progress } from "./common/progress.mjs";
import { checkAll, runAll, StepError } from "./common/schedule.mjs";
import { createContext } from "./context.mjs";
import { HELP, parseOptions, UsageError } from "./options.mjs";
import { cloneStep, willAsk } from "./steps/clone.mjs";
import { MACHINE_STEPS, OWNER_STEPS, REVIEW_STEPS } from "./steps/index.mjs";
import { bringUp, closingText, hasUncommittedSalt, pageAddress } from "./up.mjs";

/** `npm start`. Sets the exit code. @param {readonly string[]} argv */
export async function main(argv) {
  try {
    const options = parseOptions(argv);
    if (options.help) process.stdout.write(HELP);
    else if (options.check) process.exitCode = await check(options);
    else await start(options);
  } catch (error) {
    process.exitCode = explain(error, "; see npm start -- --help");
  }
}

/** Says what is wrong and what to do. @param {unknown} error @param {string} [hint] @returns {number} the exit code */
export function explain(error, hint = "") {
  if (error instanceof UsageError) {
    console.error(`${error.message}${hint}`);
    return 2;
  }
  if (error instanceof StepError) {
    console.error(`\n${error.step ? `${error.step}: ` : ""}${error.message}${error.fix ? `\nWhat to do: ${error.fix}` : ""}`);
    return 1;
  }
  console.error(error instanceof LockedError ? error.message : error);
  return 1;
}

/** @param {import("./options.mjs").Options} options @returns {Promise<number>} the exit code */
async function check({ stack, portBase, json }) {
  const findings = await checkAll([...MACHINE_STEPS, ...OWNER_STEPS], createContext({ stack, portBase }));
  const ok = findings.every((finding) => finding.ok);
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok, items: findings }, null, 2)}\n`);
  } else {
    for (const { name, ok: good, detail, fix } of findings) {
      console.log(`${good ? "ok     " : "missing"}  ${name.padEnd(16)} ${detail}`);
      if (!good && fix) console.log(`${" ".repeat(26)}fix: ${fix}`);
    }
    console.log(ok ? "\nEverything is there." : "\n`npm start` does what it can of this.");
  }
  return ok ? 0 : 1;
}

/** @param {import("./options.mjs").Options} options */
async function start({ stack, portBase, up, machine, review }) {
  const context = createContext({ stack, portBase });
  if (review) return prepared(context, REVIEW_STEPS, "npm start", async () => console.log("\nReady for reviews: npx trading preview --base main"));
  if (machine) return prepared(context, MACHINE_STEPS, "npm start", async () => console.log("\nThis machine is ready. Next: npx trading recover --help, or npm start for a stack of its own."));
  const steps = [...MACHINE_STEPS, ...OWNER_STEPS];
  await prepared(context, (await willAsk(context)) ? afterQuestion(steps) : steps, "npm start", async () => {
    const uncommitted = await hasUncommittedSalt(context);
    if (!up) {
      console.log(`\nEverything is ready. Next: npm run pulumi -- up --stack ${stack}`);
      if (uncommitted) console.log(`Pulumi.${stack}.yaml has an encryptionsalt that is not committed yet: commit it once.`);
      return;
    }
    console.log("");
    await bringUp(context);
    console.log(`\n${closingText({ stack, page: await pageAddress(context), uncommitted })}`);
  });
}

/** The same steps, with nothing printing its progress into a question. @param {readonly import("./common/schedule.mjs").Step[]} steps */
function afterQuestion(steps) {
  const first = [cloneStep.name, ...cloneStep.after];
  return steps.map((step) => (first.includes(step.name) ? step : { ...step, after: [...step.after, cloneStep.name] }));
}

/**
 * Does the steps, then the work, as the only one in this folder; ends everything it started when it is interrupted.
 *
 * @param {import("./context.mjs").Context} context
 * @param {readonly import("./common/schedule.mjs").Step[]} steps
 * @param {string} what name of the command, for messages
 * @param {() => Promise<void>} work
 */
export async function prepared(context, steps, what, work) {
  const release = await takeLock(path.join(context.tools, "run", "lock"), what);
  const progress = new Progress((line) => console.log(line));
  let interrupted = false;
  /** @param {NodeJS.Signals} signal */
  const interrupt = async (signal) => {
    // npm hands on the signal that the terminal has sent already.
    if (interrupted) return;
    interrupted = true;
    // That steps fail from here on is the interruption's doing.
    progress.silence();
    console.error(`\nInterrupted: ending what is going on. ${what} goes on from here when it is run again.`);
    await context.processes.endAll({ byTerminal: signal === "SIGINT" && process.stdin.isTTY });
    await release();
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, interrupt);
  try {
    await context.processes.endLeftovers((line) => progress.line("set-up", line));
    await runAll(steps, context, progress, () => context.processes.endAll());
    await work();
  } catch (error) {
    if (interrupted) await new Promise(() => undefined);
    throw error;
  } finally {
    if (!interrupted) await release();
  }
}
