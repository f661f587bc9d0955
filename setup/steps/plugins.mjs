import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { hashFolder, readIfThere, replaceFile } from "../common/files.mjs";
import { probe } from "../common/network.mjs";
import { executableSuffix } from "../environment.mjs";
import { PLUGINS } from "../pinned.mjs";

const OFFICIAL_SERVER = "https://get.pulumi.com/releases/plugins";

/** @param {import("../context.mjs").Context} context */
const homeOf = (context) => path.join(context.tools, "pulumi-home");
/** Says which kind of plugins is installed, and what the stand-ins were made from. @param {import("../context.mjs").Context} context */
const stampFile = (context) => path.join(homeOf(context), "plugins-installed.json");
/** @param {import("../context.mjs").Context} context */
const standInFolder = (context) => path.join(context.root, "setup", "plugins");

/** @param {import("../context.mjs").Context} context */
async function wantedStamp(context) {
  return JSON.stringify({ kind: "stand-in", plugins: PLUGINS, source: await hashFolder(standInFolder(context)), root: context.root });
}

/** @param {import("../context.mjs").Context} context @param {{ name: string, version: string }} plugin */
function isInstalled(context, { name, version }) {
  const folder = path.join(homeOf(context), "plugins", `resource-${name}-v${version}`);
  // A plugin whose installation was interrupted has a marker beside its folder, and Pulumi does not use it.
  if (existsSync(`${folder}.partial`)) return false;
  return ["", executableSuffix(), ".cmd"].some((suffix) => existsSync(path.join(folder, `pulumi-resource-${name}${suffix}`)));
}

/** @type {import("../common/schedule.mjs").Step} */
export const pluginsStep = {
  name: "Pulumi plugins",
  after: ["Pulumi CLI", "npm packages"],
  async check(context) {
    const names = PLUGINS.map(({ name, version }) => `${name} ${version}`).join(", ");
    const fix = "`npm start` installs them";
    const missing = PLUGINS.filter((plugin) => !isInstalled(context, plugin));
    if (missing.length > 0) return { ok: false, detail: `missing: ${missing.map(({ name, version }) => `${name} ${version}`).join(", ")}`, fix };
    const stamp = await readIfThere(stampFile(context));
    if (stamp === undefined) return { ok: false, detail: "their installation did not end", fix };
    if (JSON.parse(stamp).kind === "official") return { ok: true, detail: names };
    if (stamp === (await wantedStamp(context))) return { ok: true, detail: `${names} (stand-ins from setup/plugins)` };
    return { ok: false, detail: "setup/plugins changed since the stand-ins were installed", fix };
  },
  async run(context, report) {
    const system = { win32: "windows" }[/** @type {string} */ (process.platform)] ?? process.platform;
    const machine = { x64: "amd64" }[/** @type {string} */ (process.arch)] ?? process.arch;
    const answers = await Promise.all(
      PLUGINS.map(({ name, version }) => probe(`${OFFICIAL_SERVER}/pulumi-resource-${name}-v${version}-${system}-${machine}.tar.gz`)),
    );
    const blocked = answers.find((answer) => !answer.reachable);
    if (!blocked) {
      const failure = await installOfficial(context, report);
      if (failure === undefined) {
        await replaceFile(stampFile(context), JSON.stringify({ kind: "official" }));
        return "official plugins installed";
      }
      report.say(`the official plugins could not be installed (${failure}): installing the stand-ins from setup/plugins instead`);
    } else {
      report.say(`the official download is blocked (${blocked.reason}): installing the stand-ins from setup/plugins instead`);
    }
    const { installPlugins } = await import(pathToFileURL(path.join(standInFolder(context), "install.mjs")).href);
    await installPlugins({ pulumiHome: homeOf(context), projectRoot: context.root });
    await replaceFile(stampFile(context), await wantedStamp(context));
    return "stand-ins installed";
  },
};

/** @param {import("../context.mjs").Context} context @param {{ at: (text: string) => void }} report @returns {Promise<string | undefined>} why it failed */
async function installOfficial(context, report) {
  for (const { name, version } of PLUGINS) {
    const result = await context.processes.run("pulumi", ["plugin", "install", "resource", name, version, "--server", OFFICIAL_SERVER, "--reinstall"], {
      cwd: context.root,
      env: { ...context.environment(), PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "false" },
      onLine: report.at,
      log: context.log("plugins"),
      silence: 60_000,
      long: true,
    });
    if (result.code !== 0) return result.timedOut ? "no progress for 60 s" : (result.stderr.trim().split("\n").pop() ?? "");
  }
  return undefined;
}
