import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { readIfThere } from "./common/files.mjs";
import { StepError } from "./common/schedule.mjs";
import { withPolicyPack } from "./policy-pack.mjs";
import { readSalt } from "./salt.mjs";
import { stackFileName } from "./stack-files.mjs";

/**
 * Brings the stack up, with Pulumi's own output on the terminal.
 *
 * @param {import("./context.mjs").Context} context
 */
export async function bringUp(context) {
  const { stack } = context;
  const result = await context.processes.runOnTerminal("pulumi", withPolicyPack(["up", "--stack", stack, "--yes"]), { cwd: context.root, env: context.environment() });
  if (result.code !== 0) throw new StepError(`pulumi up ended with ${result.signal ?? `exit code ${result.code}`}`, "its message is above; `npm start` goes on from where it stopped", "pulumi up");
}

/**
 * What the owner sees at the end.
 *
 * @param {{ stack: string, page: string | undefined, uncommitted: boolean }} facts `uncommitted`: the stack file's salt is not in Git yet
 */
export function closingText({ stack, page, uncommitted }) {
  const option = stack === "paper" ? "" : ` --stack ${stack}`;
  const lines = [`Stack "${stack}" is up.`, ""];
  if (page) lines.push(`  Page      ${page}`);
  lines.push(
    `  Status    npx trading status${option}`,
    `  Stop      npx trading stop bot${option}`,
    `  Change    edit ${stackFileName(stack)}, then: npm run pulumi -- up --stack ${stack}`,
    `  Check     npm start -- --check${option}`,
  );
  if (uncommitted) lines.push("", ...saltText(stack));
  lines.push("", "The folder .trading holds state, passphrase and keys: put it into your backup.");
  return lines.join("\n");
}

/** @param {string} stack */
function saltText(stack) {
  const file = stackFileName(stack);
  return [`Pulumi wrote an encryptionsalt into ${file}. It is no secret, and it belongs to this stack: commit it once.`, `  git add ${file}`, `  git commit -m "Salt of stack ${stack}"`];
}

/**
 * Whether the stack file holds a salt that Git does not have yet.
 *
 * @param {{ root: string, stack: string }} context
 */
export async function hasUncommittedSalt({ root, stack }) {
  const salt = readSalt((await readIfThere(path.join(root, stackFileName(stack)))) ?? "");
  if (salt === undefined) return false;
  try {
    const { stdout } = await promisify(execFile)("git", ["show", `HEAD:./${stackFileName(stack)}`], { cwd: root });
    return readSalt(stdout) !== salt;
  } catch (error) {
    // Without Git, or outside a clone, there is nothing to commit to; a file that Git does not know yet is uncommitted.
    return /exists on disk|does not exist|path .* not in/i.test(String(/** @type {{ stderr?: string }} */ (error).stderr));
  }
}

/**
 * Address of the stack's page, from its outputs.
 *
 * @param {import("./context.mjs").Context} context
 * @returns {Promise<string | undefined>}
 */
export async function pageAddress(context) {
  const result = await context.processes.run("pulumi", ["stack", "output", "--json", "--stack", context.stack], { cwd: context.root, env: context.environment() });
  if (result.code !== 0) return undefined;
  const { page } = JSON.parse(result.stdout);
  return typeof page === "string" ? page : undefined;
}
