// Builds the stand-in plugins and puts them where the Pulumi CLI looks for plugins.
//   node setup/plugins/install.mjs --home PULUMI_HOME
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

const OFFICIAL = "official";

/** Folder, version and entry of each plugin. */
const PLUGINS = [
  { name: "docker", version: "5.2.0", entry: "docker/main.ts" },
  { name: "command", version: "1.2.1", entry: "command/main.ts" },
];

async function sources(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ts|mjs|cjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Changes whenever the plugins' sources or the installed packages do. */
async function fingerprint(projectRoot) {
  const hash = createHash("sha256");
  for (const file of [...(await sources(here)), join(projectRoot, "package-lock.json")]) hash.update(await readFile(file));
  return hash.digest("hex");
}

/** The fingerprint of the stand-in in that folder, OFFICIAL where it holds another plugin, undefined where nothing is. */
async function installed(folder) {
  const entries = await readdir(folder).catch(() => []);
  if (entries.includes("fingerprint")) return readFile(join(folder, "fingerprint"), "utf8");
  return entries.some((entry) => entry.startsWith("pulumi-resource-")) ? OFFICIAL : undefined;
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Removes what an interrupted run left. */
async function removeLeftovers(pulumiHome) {
  for (const entry of await readdir(pulumiHome).catch(() => [])) {
    const pid = /^\.stand-in-[a-z]+-(\d+)$/.exec(entry)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(pulumiHome, entry), { recursive: true, force: true });
  }
}

async function bundle(entry, outfile, projectRoot) {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [join(here, entry)],
    outfile,
    absWorkingDir: projectRoot,
    bundle: true,
    minify: true,
    keepNames: false,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
    // Only needed for Docker over SSH, with native parts that cannot be bundled.
    alias: { ssh2: join(here, "docker", "noSsh.cjs") },
  });
}

/**
 * Installs the stand-ins for the official docker and command plugins; nothing is done where they, or the official
 * ones, are there already.
 * @param {{ pulumiHome: string, projectRoot: string }} options
 * @returns {Promise<{ installed: string[] }>} names of the plugins that were (re)built
 * @throws on Windows, where plugins have to be real executables
 */
export async function installPlugins({ pulumiHome, projectRoot }) {
  if (process.platform === "win32") {
    throw new Error("The stand-in plugins do not run on Windows: the official docker and command plugins are needed here.");
  }
  const wanted = await fingerprint(projectRoot);
  await removeLeftovers(pulumiHome);
  const done = [];
  for (const { name, version, entry } of PLUGINS) {
    const folder = join(pulumiHome, "plugins", `resource-${name}-v${version}`);
    const found = await installed(folder);
    if (found === wanted || found === OFFICIAL) continue;
    // Beside the plugins' folder, where the CLI does not look for plugins.
    const temporary = join(pulumiHome, `.stand-in-${name}-${process.pid}`);
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    await mkdir(dirname(folder), { recursive: true });
    await bundle(entry, join(temporary, "main.cjs"), projectRoot);
    const launcher = '#!/usr/bin/env node\nrequire("./main.cjs");\n';
    await writeFile(join(temporary, `pulumi-resource-${name}`), launcher, { mode: 0o755 });
    await writeFile(join(temporary, "fingerprint"), wanted);
    await rm(folder, { recursive: true, force: true });
    try {
      await rename(temporary, folder);
    } catch (error) {
      // Another run may have put the same thing there in between.
      await rm(temporary, { recursive: true, force: true });
      if ((await installed(folder)) !== wanted) throw error;
    }
    done.push(name);
  }
  return { installed: done };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const home = process.argv[process.argv.indexOf("--home") + 1];
  if (!process.argv.includes("--home") || !home) {
    console.error("usage: node setup/plugins/install.mjs --home PULUMI_HOME");
    process.exit(2);
  }
  const { installed: names } = await installPlugins({ pulumiHome: home, projectRoot: join(here, "..", "..") });
  console.log(names.length > 0 ? `stand-in plugins installed: ${names.join(", ")}` : "stand-in plugins: nothing to do");
}
