import { createHash } from "node:crypto";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { readIfThere } from "../common/files.mjs";
import { processName } from "../common/identity.mjs";
import { lastLines } from "../common/processes.mjs";
import { StepError } from "../common/schedule.mjs";
import { cloneFolder } from "../environment.mjs";
import { readSalt } from "../salt.mjs";
import { projectName, readStackState, stackFileName } from "../stack-files.mjs";
import { repairInterrupted } from "../repair.mjs";
import { restoreSalt } from "./clone.mjs";

/**
 * The stack in Pulumi's state, selected, and free of what an interrupted run left in it.
 *
 * @type {import("../common/schedule.mjs").Step}
 */
export const stackStep = {
  name: "stack",
  after: ["Pulumi CLI", "Pulumi plugins", ".trading", "Docker"],
  async check(context) {
    const { root, stack } = context;
    const fix = "`npm start` sees to it";
    const state = await readStackState(root, stack);
    if (state === undefined) return { ok: false, detail: `"${stack}" is not made yet`, fix };
    if (readSalt((await readIfThere(path.join(root, stackFileName(stack)))) ?? "") === undefined) return { ok: false, detail: `${stackFileName(stack)} has lost its encryptionsalt`, fix };
    const lock = await findLock(context);
    if (lock?.stale) return { ok: false, detail: `a run that is gone (process ${lock.pid}) left its lock on "${stack}"`, fix: `${fix}, or: npm run pulumi -- cancel --stack ${stack} --yes` };
    if (lock) return { ok: false, detail: `pulumi is working on "${stack}" (process ${lock.pid} on ${lock.hostname})`, fix: "wait until it has ended" };
    if (state.pending.length > 0) return { ok: false, detail: `an interrupted run left ${state.pending.length} unfinished operations in "${stack}"`, fix };
    if ((await selectedStack(context)) !== stack) return { ok: false, detail: `"${stack}" is not selected`, fix };
    return { ok: true, detail: `"${stack}" is there` };
  },
  async run(context, report) {
    const { root, stack } = context;
    const did = await freeOfLock(context, report);
    const before = await readStackState(root, stack);
    if (before === undefined || (await selectedStack(context)) !== stack) {
      await pulumi(context, ["stack", "select", stack, "--create"]);
      did.push(before === undefined ? "made" : "selected");
    }
    if ((await readStackState(root, stack))?.pending.length) did.push(await repairInterrupted(context, report));
    return did.join(", ") || "its file is whole again";
  },
};

/**
 * Frees a stack that is made already of what an interrupted run left: a lost salt, its lock, unfinished operations. Which
 * stack is selected stays as it is.
 *
 * @param {import("../context.mjs").Context} context
 * @param {{ say: (text: string) => void, at: (text: string) => void }} report
 */
export async function freeStack(context, report) {
  await freeOfLock(context, report);
  if ((await readStackState(context.root, context.stack))?.pending.length) await repairInterrupted(context, report);
}

/**
 * @param {import("../context.mjs").Context} context
 * @param {{ say: (text: string) => void }} report
 * @returns {Promise<string[]>} what was done
 */
async function freeOfLock(context, report) {
  const { stack } = context;
  if (await restoreSalt(context)) report.say(`${stackFileName(stack)} had lost its encryptionsalt; it is back, from Pulumi's state`);
  const lock = await findLock(context);
  if (!lock) return [];
  if (!lock.stale) throw new StepError(`pulumi is working on stack "${stack}" (process ${lock.pid} on ${lock.hostname})`, "wait until it has ended, then run this again");
  report.say(`removing the lock that a killed run left (process ${lock.pid} is gone)`);
  await pulumi(context, ["cancel", "--stack", stack, "--yes"]);
  return ["lock removed"];
}

/** @param {import("../context.mjs").Context} context @param {readonly string[]} args */
async function pulumi(context, args) {
  const result = await context.processes.run("pulumi", [...args, "--non-interactive"], { cwd: context.root, env: context.environment(), log: context.log("stack"), long: true });
  if (result.code !== 0) throw new StepError(`pulumi ${args.join(" ")} failed:\n${lastLines(result, 6)}`);
}

/**
 * The stack that plain `pulumi` commands work on, as Pulumi remembers it for this folder.
 *
 * @param {import("../context.mjs").Context} context
 * @returns {Promise<string | undefined>}
 */
async function selectedStack({ root, tools }) {
  const id = createHash("sha1").update(path.join(root, "Pulumi.yaml")).digest("hex");
  const text = await readIfThere(path.join(tools, "pulumi-home", "workspaces", `${projectName(root)}-${id}-workspace.json`));
  // One for each backend that was ever used here, written `organization/project/stack`.
  const { stacks = {} } = JSON.parse(text ?? "{}");
  return stacks["file://./.trading/state"]?.split("/").pop();
}

/**
 * The lock that Pulumi holds on the stack while it works.
 *
 * @param {import("../context.mjs").Context} context
 * @returns {Promise<{ pid: number, hostname: string, stale: boolean } | undefined>}
 */
async function findLock({ root, stack }) {
  const folder = path.join(cloneFolder(root), "state", ".pulumi", "locks", "organization", projectName(root), stack);
  for (const name of await fs.readdir(folder).catch(() => [])) {
    if (!name.endsWith(".json")) continue;
    const text = await readIfThere(path.join(folder, name));
    if (text === undefined) continue;
    /** @type {{ pid?: number, hostname?: string }} */
    let holder = {};
    try {
      holder = JSON.parse(text);
    } catch {
      // A lock that was cut off while it was written holds nothing.
    }
    const { pid = 0, hostname = os.hostname() } = holder;
    const program = pid > 0 && hostname === os.hostname() ? await processName(pid) : undefined;
    return { pid, hostname, stale: hostname === os.hostname() && !/^pulumi(\.exe)?$/i.test(program ?? "") };
  }
  return undefined;
}
