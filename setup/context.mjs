import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Processes } from "./common/processes.mjs";
import { pulumiEnvironment, toolsFolder } from "./environment.mjs";

/** Folder of the project. */
export const PROJECT_ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/**
 * @typedef {object} Context what the steps work with
 * @property {string} root folder of the project
 * @property {string} tools folder of what set-up obtains
 * @property {string} stack
 * @property {number | undefined} portBase as asked for on the command line
 * @property {Processes} processes
 * @property {() => Record<string, string | undefined>} environment that of Pulumi with this clone's settings
 * @property {(name: string) => string} log file for the output of a long program
 * @property {boolean} interactive somebody can be asked
 * @property {(question: string) => Promise<string>} [ask] instead of the terminal
 */

/**
 * @param {{ root?: string, stack?: string, portBase?: number | undefined }} [settings]
 * @returns {Context}
 */
export function createContext({ root = PROJECT_ROOT, stack = "paper", portBase } = {}) {
  const tools = toolsFolder(root);
  const base = () => ({ ...process.env, ...dockerEnvironment(process.env, os.homedir()) });
  return {
    root,
    tools,
    stack,
    portBase,
    processes: new Processes({ recordFolder: path.join(tools, "run"), environment: base }),
    environment: () => pulumiEnvironment({ root, base: base() }),
    log: (name) => path.join(tools, "logs", `${name}.log`),
    interactive: Boolean(process.stdin.isTTY && process.stdout.isTTY),
  };
}

/**
 * Where the Docker command line would look for the Engine. Docker Desktop selects a context of its own, which Pulumi's
 * plugin does not know, so that its address is handed on as DOCKER_HOST.
 *
 * @param {Record<string, string | undefined>} base
 * @param {string} home the user's folder
 * @returns {{ DOCKER_HOST?: string }}
 */
export function dockerEnvironment(base, home) {
  if (base.DOCKER_HOST) return {};
  const folder = base.DOCKER_CONFIG ?? path.join(home, ".docker");
  try {
    const selected = base.DOCKER_CONTEXT || JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8")).currentContext;
    if (!selected || selected === "default") return {};
    const id = createHash("sha256").update(selected).digest("hex");
    const host = JSON.parse(readFileSync(path.join(folder, "contexts", "meta", id, "meta.json"), "utf8")).Endpoints?.docker?.Host;
    return typeof host === "string" && /^(unix|npipe):/.test(host) ? { DOCKER_HOST: host } : {};
  } catch {
    return {};
  }
}
