import { existsSync } from "node:fs";
import fs from "node:fs/promises";
import path from "node:path";
import { hash, readIfThere, replaceFile } from "../common/files.mjs";
import { lastLines } from "../common/processes.mjs";
import { StepError } from "../common/schedule.mjs";

/** The stamp lies inside what it stands for: whoever removes or installs anew removes it too. @param {string} root */
const stampFile = (root) => path.join(root, "node_modules", ".trading-packages");

/**
 * What the installed packages must have been made from: the lock file, and the machine and Node they were chosen for.
 *
 * @param {string} lockFile content of package-lock.json
 * @param {{ platform: string, arch: string, modules: string }} machine
 */
export function packagesStamp(lockFile, { platform, arch, modules }) {
  return `${hash(lockFile.replaceAll("\r\n", "\n"))} ${platform}-${arch} ${modules}`;
}

/** @param {string} root */
async function wantedStamp(root) {
  const lockFile = await readIfThere(path.join(root, "package-lock.json"));
  if (lockFile === undefined) throw new StepError("package-lock.json is missing", "bring it back with `git checkout package-lock.json`");
  return packagesStamp(lockFile, { platform: process.platform, arch: process.arch, modules: process.versions.modules });
}

/**
 * How npm is started: as a script of this Node, because on Windows its command is none that can be run without a shell.
 *
 * @param {{ execPath: string, npmExecPath: string | undefined, exists: (file: string) => boolean }} machine
 * @returns {{ command: string, args: string[] }}
 */
export function npmCommand({ execPath, npmExecPath, exists }) {
  const beside = path.dirname(execPath);
  const candidates = [
    npmExecPath && path.basename(npmExecPath) === "npm-cli.js" ? npmExecPath : "",
    path.join(beside, "node_modules", "npm", "bin", "npm-cli.js"),
    path.join(beside, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
    path.join(beside, "..", "share", "nodejs", "npm", "bin", "npm-cli.js"),
  ];
  const script = candidates.find((candidate) => candidate !== "" && exists(candidate));
  return script ? { command: execPath, args: [script] } : { command: "npm", args: [] };
}

/** @type {import("../common/schedule.mjs").Step} */
export const packagesStep = {
  name: "npm packages",
  after: ["Node"],
  async check({ root }) {
    const stamp = await readIfThere(stampFile(root));
    if (stamp === (await wantedStamp(root))) return { ok: true, detail: "as package-lock.json says" };
    return { ok: false, detail: stamp === undefined ? "not installed" : "package-lock.json changed since they were installed", fix: "`npm start` runs `npm ci`" };
  },
  async run(context, report) {
    const { root, processes } = context;
    const stamp = await wantedStamp(root);
    const npm = npmCommand({ execPath: process.execPath, npmExecPath: process.env.npm_execpath, exists: existsSync });
    // Install scripts of packages would look for Pulumi's plugins and compile what only an ssh connection needs; nothing
    // here depends on one. What they would reach for in the network may be blocked.
    const args = [...npm.args, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
    const result = await processes.run(npm.command, args, { cwd: root, onLine: report.at, log: context.log("npm-ci"), long: true });
    if (result.code !== 0) throw new StepError(`npm ci failed:\n${lastLines(result)}`, "run `npm ci` by hand and see what it says");
    await replaceFile(stampFile(root), stamp);
    const count = (await fs.readdir(path.join(root, "node_modules"))).length;
    return `npm ci installed ${count} folders`;
  },
};
