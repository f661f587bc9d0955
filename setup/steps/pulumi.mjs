import { existsSync } from "node:fs";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { readIfThere } from "../common/files.mjs";
import { download, probe } from "../common/network.mjs";
import { lastLines } from "../common/processes.mjs";
import { StepError } from "../common/schedule.mjs";
import { executableSuffix, pathKey } from "../environment.mjs";
import { LANGUAGE_HOST_VERSION, PULUMI_VERSION } from "../pinned.mjs";
import { isAtLeast, isExactly } from "../versions.mjs";

const VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

/** What is built from Go modules where the release cannot be downloaded. */
const PROGRAMS = [
  { file: "pulumi", module: "cli", version: PULUMI_VERSION, package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
  { file: "pulumi-language-nodejs", module: "language", version: LANGUAGE_HOST_VERSION, package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs" },
];

/**
 * Address of the official release for a machine.
 *
 * @param {NodeJS.Platform} platform
 * @param {string} arch
 * @returns {string | undefined} undefined where there is none
 */
export function releaseAddress(platform, arch) {
  const system = { linux: "linux", darwin: "darwin", win32: "windows" }[/** @type {string} */ (platform)];
  const machine = { x64: "x64", arm64: "arm64" }[arch];
  if (!system || !machine) return undefined;
  return `https://get.pulumi.com/releases/sdk/pulumi-v${PULUMI_VERSION}-${system}-${machine}.${system === "windows" ? "zip" : "tar.gz"}`;
}

/**
 * Whether Go may fetch another version of itself: only where the one that is there is too old for the module, because
 * such a download can be blocked as well.
 *
 * @param {string} goVersion what `go version` prints
 * @param {string} goMod content of the module's go.mod
 * @returns {"local" | "auto"}
 */
export function goToolchain(goVersion, goMod) {
  const wanted = /^go (\S+)$/m.exec(goMod)?.[1] ?? "0.0";
  return isAtLeast(goVersion, wanted) ? "local" : "auto";
}

/** @param {import("../context.mjs").Context} context @param {string} command */
async function versionOf(context, command) {
  // Pulumi writes a log of every command into its home, and a look must leave no home where there is none.
  const home = await fs.mkdtemp(path.join(os.tmpdir(), "pulumi-home-"));
  try {
    const result = await context.processes.run(command, ["version"], { env: { ...context.environment(), PULUMI_HOME: home }, timeout: 20_000 });
    return result.code === 0 ? result.stdout.trim() : undefined;
  } finally {
    await fs.rm(home, { recursive: true, force: true });
  }
}

/** @param {import("../context.mjs").Context} context @returns {Promise<string | undefined>} where the pinned CLI was found */
async function findPulumi(context) {
  const suffix = executableSuffix();
  const own = path.join(context.tools, "bin");
  const folders = [own, ...(process.env[pathKey(process.env)] ?? "").split(path.delimiter)].filter((folder) => folder !== "");
  for (const folder of new Set(folders)) {
    const file = path.join(folder, `pulumi${suffix}`);
    if (!existsSync(file)) continue;
    const complete = folders.some((other) => existsSync(path.join(other, `pulumi-language-nodejs${suffix}`)));
    if (complete && isExactly((await versionOf(context, file)) ?? "", PULUMI_VERSION)) return folder;
    // The first one on the path is the one that would run.
    if (folder !== own) return undefined;
  }
  return undefined;
}

/** @type {import("../common/schedule.mjs").Step} */
export const pulumiStep = {
  name: "Pulumi CLI",
  after: ["Node"],
  async check(context) {
    const folder = await findPulumi(context);
    if (folder !== undefined) return { ok: true, detail: `${PULUMI_VERSION} in ${path.relative(context.root, folder).startsWith("..") ? folder : path.relative(context.root, folder)}` };
    return { ok: false, detail: `no Pulumi ${PULUMI_VERSION} here`, fix: `\`npm start\` brings it; or install version ${PULUMI_VERSION} by hand (pulumi.com/docs/install/versions)` };
  },
  async run(context, report) {
    const folder = path.join(context.tools, "work", "pulumi");
    // What a killed run left is of no use: Go keeps what it has compiled in a place of its own.
    await fs.rm(folder, { recursive: true, force: true });
    await fs.mkdir(folder, { recursive: true });
    try {
      const address = releaseAddress(process.platform, process.arch);
      const { reachable, reason } = address ? await probe(address) : { reachable: false, reason: "no release for this machine" };
      if (address && reachable) {
        try {
          return await obtainRelease(context, address, folder, report);
        } catch (error) {
          report.say(`the official download failed (${/** @type {Error} */ (error).message}): building ${PULUMI_VERSION} from its published Go modules instead`);
        }
      } else {
        report.say(`the official download is blocked (${reason}): building ${PULUMI_VERSION} from its published Go modules instead`);
      }
      return await build(context, folder, report);
    } finally {
      await fs.rm(folder, { recursive: true, force: true });
    }
  },
};

/** @param {import("../context.mjs").Context} context @param {string} address @param {string} folder @param {{ at: (text: string) => void }} report */
async function obtainRelease(context, address, folder, report) {
  const archive = path.join(folder, path.basename(address));
  await download(address, archive, { onProgress: (bytes) => report.at(`${Math.round(bytes / 1e6)} MB downloaded`) });
  // Windows' own tar reads zip archives, the one that Git brings does not.
  const tar = process.platform === "win32" ? path.join(process.env.SystemRoot ?? "C:\\Windows", "System32", "tar.exe") : "tar";
  const result = await context.processes.run(tar, ["-xf", archive, "-C", folder]);
  if (result.code !== 0) throw new Error(`tar: ${lastLines(result, 2)}`);
  const unpacked = path.join(folder, "pulumi");
  await putInPlace(context, existsSync(path.join(unpacked, "bin")) ? path.join(unpacked, "bin") : unpacked);
  return `the official release ${PULUMI_VERSION}`;
}

/** @param {import("../context.mjs").Context} context @param {string} folder @param {{ at: (text: string) => void, say: (text: string) => void }} report */
async function build(context, folder, report) {
  const go = await context.processes.run("go", ["version"], { cwd: context.root });
  if (go.code !== 0) {
    throw new StepError("there is no Go to build the Pulumi CLI with", `install Go 1.25 or newer (go.dev/doc/install), or Pulumi ${PULUMI_VERSION} itself (pulumi.com/docs/install/versions)`);
  }
  const bin = path.join(folder, "bin");
  await fs.mkdir(bin);
  for (const program of PROGRAMS) {
    const module = path.join(context.root, "setup", program.module);
    const goMod = (await readIfThere(path.join(module, "go.mod"))) ?? "";
    const started = Date.now();
    let packages = 0;
    const result = await context.processes.run(
      "go",
      ["build", "-v", "-trimpath", "-buildvcs=false", ...goFlags(program), "-o", path.join(bin, `${program.file}${executableSuffix()}`), program.package],
      {
        cwd: module,
        env: {
          ...process.env,
          CGO_ENABLED: "0",
          GOTOOLCHAIN: goToolchain(go.stdout, goMod),
          GOWORK: "off",
          // The compiler runs for seconds at a time: collecting less garbage makes the whole build a tenth faster.
          GOGC: "400",
        },
        // `-v` prints the name of every package it has compiled.
        onLine: (line) => report.at(`${program.file}, package ${(packages += 1)}: ${line}`),
        log: context.log(`build-${program.file}`),
        long: true,
      },
    );
    if (result.code !== 0) {
      throw new StepError(`building ${program.file} failed:\n${lastLines(result, 8)}`, `see ${path.join(".tools", "logs", `build-${program.file}.log`)}; or install Pulumi ${PULUMI_VERSION} by hand (pulumi.com/docs/install/versions)`);
    }
    report.say(`built ${program.file} ${program.version} in ${Math.round((Date.now() - started) / 1000)} s`);
  }
  await putInPlace(context, bin);
  return `${PULUMI_VERSION} built from its Go modules`;
}

/** @param {{ version: string }} program */
export function goFlags({ version }) {
  // Without debugging tables and without inlining: a CLI that waits for Docker gains nothing from them, and the build is a quarter faster.
  return ["-gcflags=all=-dwarf=false -l", "-ldflags", `-s -w -X ${VERSION_VARIABLE}=v${version}`];
}

/** All programs at once, so that no run ever finds half of them. @param {import("../context.mjs").Context} context @param {string} folder */
async function putInPlace(context, folder) {
  const bin = path.join(context.tools, "bin");
  await fs.rm(bin, { recursive: true, force: true });
  await fs.rename(folder, bin);
}
