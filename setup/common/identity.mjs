import { execFile } from "node:child_process";
import fs from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * What tells a process from every other one that ever had or will have its number: a number alone is given again, after
 * a restart of the machine at the latest.
 *
 * @param {number} pid
 * @returns {Promise<string | undefined>} undefined where there is no such process
 */
export async function processIdentity(pid) {
  try {
    if (process.platform === "linux") return await linuxIdentity(pid);
    const { stdout } =
      process.platform === "win32"
        ? await run("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", `(Get-Process -Id ${pid}).StartTime.ToUniversalTime().Ticks`])
        : await run("ps", ["-o", "lstart=", "-p", String(pid)], { env: { ...process.env, LC_ALL: "C", TZ: "UTC" } });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
async function linuxIdentity(pid) {
  const [boot, stat] = await Promise.all([fs.readFile("/proc/sys/kernel/random/boot_id", "utf8"), fs.readFile(`/proc/${pid}/stat`, "utf8")]);
  // The name in parentheses may hold anything; the state and the start time are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return `${boot.trim()}/${fields[19]}`;
}

/**
 * Name of the program that a process runs, or undefined where there is no such process.
 *
 * @param {number} pid
 */
export async function processName(pid) {
  try {
    if (process.platform === "linux") return (await fs.readFile(`/proc/${pid}/comm`, "utf8")).trim();
    const { stdout } =
      process.platform === "win32"
        ? await run("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", `(Get-Process -Id ${pid}).ProcessName`])
        : await run("ps", ["-o", "comm=", "-p", String(pid)]);
    return stdout.trim().split("/").pop() || undefined;
  } catch {
    return undefined;
  }
}
