import { randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import { askSecret } from "../common/ask.mjs";
import { exists, readIfThere, replaceFile, writeOnce } from "../common/files.mjs";
import { StepError } from "../common/schedule.mjs";
import { cloneFolder } from "../environment.mjs";
import { opensSalt, readSalt } from "../salt.mjs";
import { deriveStackFile, readPortBase, readStackState, stackFileName } from "../stack-files.mjs";

const PASSPHRASE = path.join(".trading", "passphrase");

/** Files of the clone that hold something random, and how it is made. @param {string} stack @returns {[string[], () => string][]} */
const randomFiles = (stack) => [
  [["owner"], () => randomBytes(8).toString("hex")],
  [["stacks", stack, "key"], () => randomBytes(32).toString("hex")],
];

/**
 * The salt that the stack's passphrase must open: that of its file, or of its state when the file has lost it.
 *
 * @param {import("../context.mjs").Context} context
 */
export async function findSalt({ root, stack }) {
  const inFile = readSalt((await readIfThere(path.join(root, stackFileName(stack)))) ?? "");
  return inFile ?? (await readStackState(root, stack))?.salt;
}

/** Whether the passphrase will have to be asked for. @param {import("../context.mjs").Context} context */
export async function willAsk(context) {
  return context.interactive && !(await exists(path.join(cloneFolder(context.root), "passphrase"))) && (await findSalt(context)) !== undefined;
}

/** @param {import("../context.mjs").Context} context @returns {Promise<string[]>} what is missing */
async function missingFiles({ root, stack }) {
  const folder = cloneFolder(root);
  const wanted = [["state"], ["passphrase"], ...randomFiles(stack).map(([segments]) => segments)];
  const missing = [];
  for (const segments of wanted) if (!(await exists(path.join(folder, ...segments)))) missing.push(path.join(".trading", ...segments));
  if (!(await exists(path.join(root, stackFileName(stack))))) missing.push(stackFileName(stack));
  return missing;
}

/** Whether others of this machine could read what is in the folder. @param {string} file */
async function isOpen(file) {
  const found = await fs.stat(file).catch(() => undefined);
  return process.platform !== "win32" && found !== undefined && (found.mode & 0o077) !== 0;
}

/** @param {import("../context.mjs").Context} context @param {string} salt @param {string} passphrase */
async function demandOpens({ stack }, salt, passphrase) {
  if (await opensSalt(passphrase, salt)) return;
  throw new StepError(
    `${PASSPHRASE} is not the passphrase of stack "${stack}" (the encryptionsalt in ${stackFileName(stack)} was made with another)`,
    "bring .trading back from the backup that belongs to this stack",
  );
}

/** @param {string} stack */
function missingStack(stack) {
  return new StepError(`there is no stack "${stack}": ${stackFileName(stack)} is missing`, `to make it, give it ports of its own: npm start -- --stack ${stack} --port-base 8600`);
}

/** @param {import("../context.mjs").Context} context */
function demandPortBase({ stack, portBase }, /** @type {string | undefined} */ stackFile) {
  if (stackFile === undefined) {
    if (portBase === undefined) throw missingStack(stack);
    return;
  }
  const set = readPortBase(stackFile);
  if (portBase !== undefined && set !== portBase) throw new StepError(`${stackFileName(stack)} sets trading:portBase ${set ?? "nowhere"}, and --port-base says ${portBase}`, `change it in ${stackFileName(stack)}, or leave --port-base out`);
}

/**
 * The clone's own folder: state, passphrase, identity and the stack's key. Nothing in it is ever written twice.
 *
 * @type {import("../common/schedule.mjs").Step}
 */
export const cloneStep = {
  name: ".trading",
  after: ["Node"],
  async check(context) {
    demandPortBase(context, await readIfThere(path.join(context.root, stackFileName(context.stack))));
    const folder = cloneFolder(context.root);
    const missing = await missingFiles(context);
    const salt = await findSalt(context);
    const passphrase = await readIfThere(path.join(folder, "passphrase"));
    if (salt !== undefined && passphrase === undefined) {
      return { ok: false, detail: `stack "${context.stack}" has a passphrase, and ${PASSPHRASE} is missing`, fix: passphraseFix(context) };
    }
    if (missing.length > 0) return { ok: false, detail: `missing: ${missing.join(", ")}`, fix: "`npm start` makes what is missing" };
    if (salt !== undefined && passphrase !== undefined) await demandOpens(context, salt, passphrase.trim());
    if (await isOpen(folder)) return { ok: false, detail: ".trading can be read by others", fix: "`npm start` closes it (chmod 700 .trading)" };
    return { ok: true, detail: `state, passphrase and the key of stack "${context.stack}" are there` };
  },
  async run(context) {
    const { root, stack, portBase } = context;
    const folder = cloneFolder(root);
    await fs.mkdir(path.join(folder, "state"), { recursive: true, mode: 0o700 });
    await fs.mkdir(path.join(folder, "stacks", stack), { recursive: true, mode: 0o700 });
    if (process.platform !== "win32") await fs.chmod(folder, 0o700);
    /** @type {string[]} */
    const made = [];
    const stackFile = path.join(root, stackFileName(stack));
    if (!(await exists(stackFile))) {
      const original = await readIfThere(path.join(root, stackFileName("paper")));
      if (original === undefined) throw new StepError("Pulumi.paper.yaml is missing", "bring it back with `git checkout Pulumi.paper.yaml`");
      if (portBase === undefined) throw missingStack(stack);
      if (await writeOnce(stackFile, deriveStackFile(original, portBase), 0o644)) made.push(stackFileName(stack));
    }
    if (await givePassphrase(context)) made.push(PASSPHRASE);
    for (const [segments, make] of randomFiles(stack)) {
      if (await writeOnce(path.join(folder, ...segments), `${make()}\n`)) made.push(path.join(".trading", ...segments));
    }
    return made.length > 0 ? `made ${made.join(", ")}` : "closed to others";
  },
};

/** @param {import("../context.mjs").Context} context */
function passphraseFix({ stack }) {
  return `put it into ${PASSPHRASE} (from the backup), or run \`npm start\` in a terminal, where it asks; a platform of its own beside the other takes another stack name: npm start -- --stack ${stack}2 --port-base 8600`;
}

/** @param {import("../context.mjs").Context} context @returns {Promise<boolean>} whether it was written */
async function givePassphrase(context) {
  const file = path.join(cloneFolder(context.root), "passphrase");
  if (await exists(file)) return false;
  const salt = await findSalt(context);
  if (salt === undefined) return writeOnce(file, `${randomBytes(32).toString("base64url")}\n`);
  if (!context.interactive) throw new StepError(`stack "${context.stack}" has a passphrase, and ${PASSPHRASE} is missing`, passphraseFix(context));
  const ask = context.ask ?? askSecret;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const answer = (await ask(`Passphrase of stack "${context.stack}": `)).trim();
    if (answer !== "" && (await opensSalt(answer, salt))) return writeOnce(file, `${answer}\n`);
    if (answer !== "") console.log("That is not the passphrase this stack was made with.");
  }
  throw new StepError(`the passphrase of stack "${context.stack}" was not given`, passphraseFix(context));
}

/** Puts the salt of the state back into a stack file that lost it, as `git checkout` of an uncommitted one does. @param {import("../context.mjs").Context} context */
export async function restoreSalt({ root, stack }) {
  const file = path.join(root, stackFileName(stack));
  const text = (await readIfThere(file)) ?? "";
  const salt = (await readStackState(root, stack))?.salt;
  if (readSalt(text) !== undefined || salt === undefined) return false;
  await replaceFile(file, `encryptionsalt: ${salt}\n${text}`);
  return true;
}
