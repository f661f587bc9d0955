import { spawn } from "node:child_process";
import fs from "node:fs/promises";
import path from "node:path";
import { canInstallPackages, installPackages } from "../common/debian.mjs";
import { exists, readIfThere, replaceFile } from "../common/files.mjs";
import { probe } from "../common/network.mjs";
import { lastLines } from "../common/processes.mjs";
import { StepError } from "../common/schedule.mjs";
import { OPERATING_SYSTEM } from "../pinned.mjs";

const { tag, registryImage, suite } = OPERATING_SYSTEM;
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** @type {import("../common/schedule.mjs").Step} */
export const operatingSystemStep = {
  name: "system image",
  after: ["Docker"],
  async check(context) {
    const result = await context.processes.run("docker", ["image", "inspect", "--format", "{{.Id}}", tag], { timeout: 20_000 });
    if (result.code === 0) return { ok: true, detail: `${tag} is there` };
    if (/no such image/i.test(result.stderr)) return { ok: false, detail: `there is no image ${tag}`, fix: "`npm start` pulls or makes it" };
    return { ok: false, detail: "Docker does not answer", fix: "see Docker" };
  },
  async run(context, report) {
    // A registry that answers says so within seconds; one that is blocked may let the connection hang for minutes.
    const pulled = await context.processes.run("docker", ["pull", registryImage], { onLine: report.at, silence: 8_000, log: context.log("pull"), long: true });
    if (pulled.code === 0) {
      const tagged = await context.processes.run("docker", ["tag", registryImage, tag]);
      if (tagged.code !== 0) throw new StepError(`docker tag failed: ${lastLines(tagged, 2)}`);
      return `${registryImage} pulled`;
    }
    if (!(await canInstallPackages())) {
      throw new StepError(
        `${registryImage} cannot be pulled: ${pulled.timedOut ? "the registry does not answer" : lastLines(pulled, 1)}`,
        `let Docker reach a registry that has ${registryImage} (Docker Desktop: Settings, Docker Engine, registry-mirrors), or load it from an archive (docker load) and name it: docker tag ${registryImage} ${tag}`,
      );
    }
    report.say(`no registry answers: making Debian ${suite} with debootstrap instead`);
    if (!(await exists("/usr/sbin/debootstrap")) || !(await exists(KEYRING))) await installPackages(context, ["debootstrap", "debian-archive-keyring"], report.at);
    await removeLeftovers(context);
    const folder = await fs.mkdtemp(path.join(context.tools, "work", "system-"));
    try {
      await bootstrap(context, folder, report);
      await importFolder(context, folder);
    } finally {
      await removeLeftovers(context);
    }
    return "made with debootstrap";
  },
};

/** @param {import("../context.mjs").Context} context @param {string} folder @param {{ at: (text: string) => void }} report */
async function bootstrap(context, folder, report) {
  const archive = await mirror(context);
  const result = await context.processes.run("debootstrap", ["--variant=minbase", `--keyring=${KEYRING}`, suite, folder, ...(archive ? [archive] : [])], {
    env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
    onLine: report.at,
    log: context.log("debootstrap"),
    long: true,
  });
  if (result.code !== 0) throw new StepError(`debootstrap failed:\n${lastLines(result, 6)}`, `see ${path.join(".tools", "logs", "debootstrap.log")}`);
  await addUpdates(folder);
  // As in Debian's own image: an image is built from, it starts no services and keeps no downloads.
  await replaceFile(path.join(folder, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", 0o755);
  await replaceFile(path.join(folder, "etc/apt/apt.conf.d/container"), 'Acquire::Languages "none";\nDpkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n');
}

/** Adds the updates of the release, which debootstrap leaves out, where the archive it used has them. @param {string} folder */
async function addUpdates(folder) {
  const file = path.join(folder, "etc/apt/sources.list");
  const base = /^deb (https?:\/\/\S+?)\/?\s/m.exec((await readIfThere(file)) ?? "")?.[1];
  if (!base) return;
  const more = [
    { archive: base, release: `${suite}-updates` },
    { archive: `${base}-security`, release: `${suite}-security` },
  ];
  const answers = await Promise.all(more.map(({ archive, release }) => probe(`${archive}/dists/${release}/InRelease`)));
  const found = more.filter((_, index) => answers[index]?.reachable);
  await replaceFile(file, [{ archive: base, release: suite }, ...found].map(({ archive, release }) => `deb ${archive} ${release} main\n`).join(""));
}

/** The archive that this machine's own packages come from, where it runs Debian; debootstrap's default otherwise. @param {import("../context.mjs").Context} context */
async function mirror(context) {
  const result = await context.processes.run("apt-get", ["indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"]);
  const line = result.stdout.split("\n").find((/** @type {string} */ text) => text.startsWith("Debian|Debian|"));
  return line?.slice("Debian|Debian|".length);
}

/** Sends the folder to the Engine. The name is given only to what arrived whole. @param {import("../context.mjs").Context} context @param {string} folder */
async function importFolder(context, folder) {
  const pack = spawn("tar", ["--one-file-system", "--numeric-owner", "--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*_*", "--exclude=./dev/*", "-C", folder, "-c", "."], { stdio: ["ignore", "pipe", "pipe"] });
  const load = spawn("docker", ["import", "--change", 'CMD ["/bin/bash"]', "-"], { env: context.processes.environment(), stdio: ["pipe", "pipe", "pipe"] });
  let id = "";
  let complaint = "";
  load.stdout.on("data", (text) => (id += text));
  for (const stream of [pack.stderr, load.stderr]) stream.on("data", (text) => (complaint += text));
  load.stdin.on("error", () => pack.kill());
  const packed = new Promise((resolve) => pack.on("error", () => resolve(null)).on("close", resolve));
  const loaded = new Promise((resolve) => load.on("error", () => resolve(null)).on("close", resolve));
  pack.stdout.pipe(load.stdin, { end: false });
  const code = await packed;
  if (code === 0) load.stdin.end();
  // The Engine takes a stream that merely stops for a complete one.
  else load.kill("SIGKILL");
  if (code !== 0 || (await loaded) !== 0) throw new StepError(`importing the system image failed: ${complaint.trim()}`);
  const tagged = await context.processes.run("docker", ["tag", id.trim(), tag]);
  if (tagged.code !== 0) throw new StepError(`docker tag failed: ${lastLines(tagged, 2)}`);
}

/** Folders of this and of killed runs; debootstrap mounts into them, and a mount must be gone before its folder is. @param {import("../context.mjs").Context} context */
async function removeLeftovers(context) {
  const work = path.join(context.tools, "work");
  await fs.mkdir(work, { recursive: true });
  for (const name of await fs.readdir(work)) {
    if (!name.startsWith("system-")) continue;
    const folder = path.join(work, name);
    const mounts = (await fs.readFile("/proc/mounts", "utf8")).split("\n").map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " "));
    for (const mount of mounts.filter((target) => target.startsWith(`${folder}/`)).reverse()) await context.processes.run("umount", [mount]);
    await fs.rm(folder, { recursive: true, force: true });
  }
}
