import path from "node:path";
import { lastLines } from "../common/processes.mjs";
import { StepError } from "../common/schedule.mjs";

/**
 * Builds the images before `pulumi up` asks for them, so that they are built while the CLI is.
 *
 * @type {import("../common/schedule.mjs").Step}
 */
export const imagesStep = {
  name: "images",
  after: ["npm packages", "Docker", "system image", "certificates"],
  async check(context) {
    const fix = "`npm start` builds them";
    const result = await runScript(context, [path.join("setup", "missing-images.ts")]);
    if (result.code !== 0) return { ok: false, detail: `cannot be looked at: ${lastLines(result, 1)}`, fix };
    const missing = result.stdout.split("\n").filter((line) => line !== "");
    if (missing.length > 0) return { ok: false, detail: `not built: ${missing.map((tag) => tag.split(":")[0]).join(", ")}`, fix };
    return { ok: true, detail: "all built" };
  },
  async run(context, report) {
    const result = await runScript(context, [path.join("images", "build.ts"), "--all"], { onLine: report.at, log: context.log("images"), long: true });
    if (result.code !== 0) throw new StepError(`building the images failed:\n${lastLines(result, 15)}`, `see ${path.join(".tools", "logs", "images.log")}`);
    return "built";
  },
};

/** @param {import("../context.mjs").Context} context @param {readonly string[]} args @param {import("../common/processes.mjs").RunOptions} [options] */
function runScript(context, args, options = {}) {
  return context.processes.run(process.execPath, ["--import", "tsx", ...args], { cwd: context.root, ...options });
}
