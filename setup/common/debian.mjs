import { readIfThere } from "./files.mjs";
import { StepError } from "./schedule.mjs";
import { lastLines } from "./processes.mjs";

/**
 * Whether packages of Debian or Ubuntu can be installed here without asking anybody.
 *
 * @returns {Promise<boolean>}
 */
export async function canInstallPackages() {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return isDebianLike((await readIfThere("/etc/os-release")) ?? "");
}

/** @param {string} osRelease content of /etc/os-release */
export function isDebianLike(osRelease) {
  const value = (/** @type {string} */ key) => new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(osRelease)?.[1] ?? "";
  return [value("ID"), ...value("ID_LIKE").split(" ")].some((id) => id === "debian" || id === "ubuntu");
}

/** apt-get waits for no other apt-get of this run: one after the other. @type {Promise<unknown>} */
let queue = Promise.resolve();

/**
 * Installs packages with apt-get. Names that this release does not know are left out when they end with a question mark.
 *
 * @param {{ processes: import("./processes.mjs").Processes, log: (name: string) => string }} context
 * @param {readonly string[]} packages
 * @param {(text: string) => void} at
 * @returns {Promise<void>}
 */
export function installPackages(context, packages, at) {
  const work = queue.then(() => install(context, packages, at));
  queue = work.catch(() => undefined);
  return work;
}

/** @type {typeof installPackages} */
async function install(context, packages, at) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  const log = context.log("apt");
  const run = (/** @type {string} */ command, /** @type {string[]} */ args) => context.processes.run(command, args, { env, onLine: at, log, long: true });
  // An installation that was killed leaves packages half configured, and nothing more can be installed until they are.
  await run("dpkg", ["--configure", "-a"]);
  await run("apt-get", ["update", "-q"]);
  const names = [];
  for (const name of packages) {
    if (!name.endsWith("?")) names.push(name);
    else if ((await context.processes.run("apt-cache", ["show", name.slice(0, -1)], { env })).code === 0) names.push(name.slice(0, -1));
  }
  const result = await run("apt-get", ["install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", ...names]);
  if (result.code !== 0) {
    throw new StepError(`apt-get install ${names.join(" ")} failed:\n${lastLines(result)}`, `run \`apt-get install ${names.join(" ")}\` by hand, then \`npm start\` again`);
  }
}
