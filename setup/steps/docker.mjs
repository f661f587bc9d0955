import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import fs from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { canInstallPackages, installPackages } from "../common/debian.mjs";
import { readIfThere } from "../common/files.mjs";
import { processName } from "../common/identity.mjs";
import { StepError } from "../common/schedule.mjs";
import { isAtLeast } from "../versions.mjs";

/**
 * @typedef {object} Engine
 * @property {string | undefined} version undefined where the Engine does not answer
 * @property {boolean} client whether there is a `docker` command
 * @property {string} reason
 */

/** @param {import("../context.mjs").Context} context @returns {Promise<Engine>} */
async function askEngine(context) {
  const result = await context.processes.run("docker", ["version", "--format", "{{.Server.Version}}"], { timeout: 10_000 });
  if (result.missing) return { version: undefined, client: false, reason: "there is no `docker` command" };
  if (result.code === 0) return { version: result.stdout.trim(), client: true, reason: "" };
  return { version: undefined, client: true, reason: result.timedOut ? "it did not answer within 10 s" : (result.stderr.trim().split("\n")[0] ?? "") };
}

/**
 * What a person has to do so that Docker answers.
 *
 * @param {{ platform: NodeJS.Platform, client: boolean, host: string | undefined }} situation `host`: DOCKER_HOST
 */
export function dockerFix({ platform, client, host }) {
  if (host) return `DOCKER_HOST is ${host}: start the Engine there, or unset DOCKER_HOST`;
  if (platform === "win32") {
    return client
      ? "start Docker Desktop from the Start menu and wait until its whale icon stands still"
      : "install Docker Desktop for Windows (docs.docker.com/desktop/setup/install/windows-install, or `winget install Docker.DockerDesktop`), start it, and open a new terminal";
  }
  if (platform === "darwin") {
    return client
      ? "start Docker Desktop from Applications and wait until its whale icon stands still"
      : "install Docker Desktop for Mac (docs.docker.com/desktop/setup/install/mac-install, or `brew install --cask docker`) and start it";
  }
  return client
    ? "start the Engine (`sudo systemctl start docker`), and let this user use it (`sudo usermod -aG docker $USER`, then log in again)"
    : "install Docker Engine (docs.docker.com/engine/install), or run `npm start` as root on Debian or Ubuntu, where it installs the engine itself";
}

/** The first release of the Engine without https://github.com/moby/moby/pull/42545: before it, two containers that leave a network at the same moment can lock the Engine up for good. */
const WITHOUT_LOCK_UP = "23.0";

/**
 * What to know about an Engine that answers.
 *
 * @param {string} version
 */
export function engineDetail(version) {
  return `Engine ${version} answers${isAtLeast(version, WITHOUT_LOCK_UP) ? "" : `; it can stop answering for good when containers end at the same moment: have version ${WITHOUT_LOCK_UP} or newer before a stack trades live`}`;
}

/** @type {import("../common/schedule.mjs").Step} */
export const dockerStep = {
  name: "Docker",
  after: ["Node"],
  async check(context) {
    const engine = await askEngine(context);
    if (engine.version !== undefined) return { ok: true, detail: engineDetail(engine.version) };
    const own = !process.env.DOCKER_HOST && (await canInstallPackages());
    return {
      ok: false,
      detail: `the Engine does not answer: ${engine.reason}`,
      fix: own ? "`npm start` installs and starts it" : dockerFix({ platform: process.platform, client: engine.client, host: process.env.DOCKER_HOST }),
    };
  },
  async run(context, report) {
    const engine = await askEngine(context);
    const manual = dockerFix({ platform: process.platform, client: engine.client, host: process.env.DOCKER_HOST });
    if (process.env.DOCKER_HOST || !(await canInstallPackages())) throw new StepError(`the Engine does not answer: ${engine.reason}`, manual);
    const did = [];
    if (!engine.client || !existsSync("/usr/sbin/dockerd")) {
      report.say("installing Debian's docker.io");
      // Newer releases keep the command line in a package of its own.
      await installPackages(context, ["docker.io", "docker-cli?"], report.at);
      did.push("installed");
    }
    if ((await askEngine(context)).version === undefined) {
      await startEngine(context, report);
      did.push("started");
    }
    return did.join(" and ");
  },
};

/** @param {import("../context.mjs").Context} context @param {{ at: (text: string) => void, say: (text: string) => void }} report */
async function startEngine(context, report) {
  if (existsSync("/run/systemd/system")) {
    await context.processes.run("systemctl", ["enable", "--now", "docker"], { onLine: report.at, timeout: 90_000 });
    if (await answers(context, 30_000)) return;
    throw new StepError("systemd started Docker, and it does not answer", "see `journalctl -u docker`");
  }
  await removeStalePidFiles();
  if (existsSync("/etc/init.d/docker")) {
    const result = await context.processes.run("service", ["docker", "start"], { onLine: report.at, timeout: 60_000 });
    if (result.code === 0 && (await answers(context, 10_000))) return;
    if (result.code === 0) await context.processes.run("service", ["docker", "stop"], { timeout: 60_000 });
  }
  const log = context.log("dockerd");
  mkdirSync(path.dirname(log), { recursive: true });
  const output = openSync(log, "a");
  // In a session of its own: the Engine goes on when set-up and its terminal are gone.
  const daemon = spawn("dockerd", [], { detached: true, stdio: ["ignore", output, output] });
  closeSync(output);
  let ended = false;
  daemon.on("exit", () => (ended = true));
  daemon.on("error", () => (ended = true));
  daemon.unref();
  if (await answers(context, 60_000, () => ended)) return;
  const tail = ((await readIfThere(log)) ?? "").trim().split("\n").slice(-8).join("\n");
  throw new StepError(`dockerd ${ended ? "ended at once" : "does not answer"}; its last lines:\n${tail}`, `see ${path.relative(context.root, log)}; start dockerd by hand, then run \`npm start\` again`);
}

/** @param {import("../context.mjs").Context} context @param {number} patience @param {() => boolean} [ended] */
async function answers(context, patience, ended = () => false) {
  for (const deadline = Date.now() + patience; Date.now() < deadline && !ended(); await delay(300)) {
    if ((await askEngine(context)).version !== undefined) return true;
  }
  return false;
}

/** A daemon that was killed leaves its number behind, and a new one refuses to start when another program has it by now. */
async function removeStalePidFiles() {
  for (const [file, program] of [
    ["/var/run/docker.pid", "dockerd"],
    ["/var/run/docker/containerd/containerd.pid", "containerd"],
  ]) {
    const pid = Number(await readIfThere(/** @type {string} */ (file)));
    if (pid && (await processName(pid)) !== program) await fs.rm(/** @type {string} */ (file), { force: true });
  }
}
