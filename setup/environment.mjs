import { existsSync } from "node:fs";
import path from "node:path";

/** @typedef {Record<string, string | undefined>} Environment */

/** Folder of the clone that holds what set-up obtained or built; it can be deleted at any time. @param {string} root */
export const toolsFolder = (root) => path.join(root, ".tools");

/** Folder of the clone that holds state and secrets; it belongs in the backup. @param {string} root */
export const cloneFolder = (root) => path.join(root, ".trading");

/** @param {NodeJS.Platform} platform */
export const executableSuffix = (platform = process.platform) => (platform === "win32" ? ".exe" : "");

/** The name under which an environment holds the search path: Windows writes it `Path`. @param {Environment} base */
export const pathKey = (base) => Object.keys(base).find((key) => key.toUpperCase() === "PATH") ?? "PATH";

/**
 * The environment in which Pulumi works with this clone's tools, state and passphrase. Settings that point to another
 * backend or another passphrase are left out, because they win over the clone's own; who wants others sets them in
 * what this returns.
 *
 * @param {object} input
 * @param {string} input.root folder of the project
 * @param {Environment} input.base
 * @param {boolean} [input.holdsPulumi] whether `.tools/bin` holds the CLI; looked up where it is not given
 * @returns {Environment} a new object
 */
export function pulumiEnvironment({ root, base, holdsPulumi }) {
  const tools = toolsFolder(root);
  const bin = path.join(tools, "bin");
  const first = holdsPulumi ?? existsSync(path.join(bin, `pulumi${executableSuffix()}`));
  const key = pathKey(base);
  const { PULUMI_CONFIG_PASSPHRASE: _passphrase, PULUMI_BACKEND_URL: _backend, PULUMI_STACK: _stack, ...kept } = base;
  return {
    ...kept,
    [key]: first ? [bin, base[key]].filter(Boolean).join(path.delimiter) : base[key],
    PULUMI_HOME: path.join(tools, "pulumi-home"),
    PULUMI_CONFIG_PASSPHRASE_FILE: path.join(cloneFolder(root), "passphrase"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // A plugin that is missing is for `npm start` to bring; looking for it in the network would only delay the message.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}
