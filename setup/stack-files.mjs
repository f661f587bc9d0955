import { readFileSync } from "node:fs";
import fs from "node:fs/promises";
import path from "node:path";
import { hasCode } from "./common/files.mjs";
import { cloneFolder } from "./environment.mjs";

/** @param {string} stack */
export const stackFileName = (stack) => `Pulumi.${stack}.yaml`;

/** Name of the project in Pulumi.yaml, under which Pulumi keeps its stacks. @param {string} root */
export function projectName(root) {
  const name = /^name:\s*(\S+)\s*$/m.exec(readFileSync(path.join(root, "Pulumi.yaml"), "utf8"))?.[1];
  if (!name) throw new Error("Pulumi.yaml names no project");
  return name;
}

/** The port base that a stack file sets, or undefined. @param {string} stackFile content */
export function readPortBase(stackFile) {
  const text = /^\s+trading:portBase:\s*["']?(\d+)["']?\s*$/m.exec(stackFile)?.[1];
  return text === undefined ? undefined : Number(text);
}

/**
 * The file of a further stack, made from an existing one: the same settings with another port base, and without the
 * salt, which belongs to the other stack's passphrase.
 *
 * @param {string} original content of the file it is made from
 * @param {number} portBase
 */
export function deriveStackFile(original, portBase) {
  const lines = original.split(/\r?\n/).filter((line) => !/^(encryptionsalt|secretsprovider|encryptedkey):/.test(line));
  const position = lines.findIndex((line) => /^\s+trading:portBase:/.test(line));
  if (position === -1) throw new Error("the file it is made from sets no trading:portBase");
  lines[position] = /** @type {string} */ (lines[position]).replace(/:\s*\S+\s*$/, `: ${portBase}`);
  return lines.join("\n");
}

/**
 * @typedef {object} StackState what Pulumi's state file says about a stack
 * @property {string | undefined} salt
 * @property {readonly { type: string, resource: { urn: string, type: string, inputs?: Record<string, any> } }[]} pending
 *   operations that were going on when a run was interrupted
 * @property {ReadonlySet<string>} ids what the resources are called by those who made them
 */

/**
 * @param {string} root
 * @param {string} stack
 * @returns {Promise<StackState | undefined>} undefined where the stack was never made here
 */
export async function readStackState(root, stack) {
  const file = path.join(cloneFolder(root), "state", ".pulumi", "stacks", projectName(root), `${stack}.json`);
  let text;
  try {
    text = await fs.readFile(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
  const latest = JSON.parse(text).checkpoint?.latest;
  return {
    salt: latest?.secrets_providers?.state?.salt,
    pending: latest?.pending_operations ?? [],
    ids: new Set((latest?.resources ?? []).map((/** @type {{ id?: string }} */ resource) => resource.id).filter(Boolean)),
  };
}
