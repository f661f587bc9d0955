import { mkdtemp, readdir, readFile, rmdir } from "node:fs/promises";
import { posix } from "node:path";

/**
 * What is wrong with where something should be mounted, or null. A volume that is missing leaves an empty folder, and a
 * backup of an empty folder would look like a good one.
 */
export async function mountProblem(path: string, access: "read" | "write", mountInfo = "/proc/self/mountinfo"): Promise<string | null> {
  const mounted = mountPoints(await readFile(mountInfo, "utf8"));
  if (!mounted.has(path)) return `nothing is mounted at ${path}`;
  return (await reachable(path, access)) ? null : `${path} cannot be ${access === "write" ? "written to" : "read"}`;
}

/** Mount points of a mountinfo file; the fifth column, in which blanks are written as octal numbers. */
export function mountPoints(mountInfo: string): Set<string> {
  const unescape = (text: string) => text.replace(/\\(\d{3})/g, (_all, digits: string) => String.fromCharCode(parseInt(digits, 8)));
  return new Set(mountInfo.split("\n").flatMap((line) => (line === "" ? [] : [unescape(line.split(" ")[4] ?? "")])));
}

/** The first problem of several paths, or null. */
export async function firstMountProblem(wanted: readonly { readonly path: string; readonly access: "read" | "write" }[], mountInfo?: string): Promise<string | null> {
  for (const { path, access } of wanted) {
    const problem = await mountProblem(path, access, mountInfo);
    if (problem !== null) return problem;
  }
  return null;
}

/** Tries it: what access(2) says leaves out the capability with which this program reads what others own. */
async function reachable(path: string, kind: "read" | "write"): Promise<boolean> {
  const tried = kind === "read" ? readdir(path) : mkdtemp(posix.join(path, ".probe-")).then(rmdir);
  return tried.then(
    () => true,
    () => false,
  );
}

/**
 * Looks at what is mounted, by reading it: what `access` says is not what the program may, which keeps the right to read
 * what others own.
 *
 * @throws when nothing is mounted at a path, or it cannot be read: an empty folder would give an empty backup
 */
export async function demandMounted(what: string, path: string): Promise<void> {
  if (!mountPoints(await readFile("/proc/self/mountinfo", "utf8")).has(path)) throw new Error(`${what}: nothing is mounted at ${path}`);
  await readdir(path).catch((error: Error) => {
    throw new Error(`${what}: ${path} cannot be read: ${error.message}`);
  });
}
