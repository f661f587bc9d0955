import * as fs from "node:fs";
import * as path from "node:path";
import { failure } from "./errors";
import { launchdPlist, nextRunAfter, parseTime, systemdUnits, taskName, windowsTaskFile, withCronLine, withoutCronLine, type Task } from "./scheduledTask";

export interface ProgramResult {
  /** Null when there is no such program. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a scheduler needs of the machine; tests put their own in its place. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  /** The user's folder. */
  readonly home: string;
  /** Account as Windows names it; number of the user elsewhere. */
  readonly user: string;
  readonly userNumber: number;
  /** What a task is given of this command's environment: where programs are, and where Docker is. */
  readonly environment: Readonly<Record<string, string>>;
  readonly temporaryFolder: string;
  now(): number;
  run(program: string, words: readonly string[], input?: string): Promise<ProgramResult>;
}

export interface Installed {
  /** `Task Scheduler`, `systemd`, `cron` or `launchd`. */
  readonly by: string;
  readonly installed: boolean;
  /** Epoch milliseconds; null when nobody says. */
  readonly next: number | null;
  /** In the scheduler's own words. */
  readonly detail: string | null;
}

export interface Scheduler {
  readonly name: string;
  /** Puts the task in, or another time and folder into one that is there. */
  install(task: Task): Promise<void>;
  /** No error when there is none. @returns whether there was one */
  remove(task: Pick<Task, "stack" | "owner">): Promise<boolean>;
  show(task: Pick<Task, "stack" | "owner">): Promise<Installed>;
  /** What the owner has to know of it. */
  readonly remark: string | null;
}

/** The scheduler of this machine. @throws {CommandError} when it has none that a user may use */
export async function findScheduler(machine: Machine): Promise<Scheduler> {
  if (machine.platform === "win32") return windowsScheduler(machine);
  if (machine.platform === "darwin") return launchdScheduler(machine);
  if ((await machine.run("systemctl", ["--user", "show-environment"])).code === 0) return systemdScheduler(machine);
  if ((await machine.run("crontab", ["-l"])).code !== null) return cronScheduler(machine);
  throw failure("neither systemd's user manager nor cron is here: have `npx trading tend --stack NAME` run once a day in another way");
}

/** @throws {CommandError} with what the program said */
async function demand(machine: Machine, program: string, words: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await machine.run(program, words, input);
  if (code !== 0) throw failure(`${program} ${words[0] ?? ""}: ${code === null ? "there is no such program" : (stderr || stdout).trim().replace(/\s*\n\s*/g, "; ") || `ended with exit code ${code}`}`);
  return stdout;
}

function windowsScheduler(machine: Machine): Scheduler {
  const query = (name: string) => machine.run("schtasks", ["/Query", "/TN", name, "/V", "/FO", "CSV", "/NH"]);
  return {
    name: "Task Scheduler",
    remark: "It runs while you are logged on, as Docker Desktop does; a time that was slept through is made up for.",
    async install(task) {
      const file = path.join(machine.temporaryFolder, `${taskName(task)}.xml`);
      fs.writeFileSync(file, windowsTaskFile(task, machine.user));
      try {
        await demand(machine, "schtasks", ["/Create", "/TN", taskName(task), "/XML", file, "/F"]);
      } finally {
        fs.rmSync(file, { force: true });
      }
    },
    async remove(task) {
      if ((await query(taskName(task))).code !== 0) return false;
      await demand(machine, "schtasks", ["/Delete", "/TN", taskName(task), "/F"]);
      return true;
    },
    async show(task) {
      const { code, stdout } = await query(taskName(task));
      // The columns' names are in the owner's language, their order is not: next run, last run, last result.
      const columns = csvColumns(stdout.trim().split("\n").at(0) ?? "");
      return { by: "Task Scheduler", installed: code === 0, next: null, detail: code === 0 ? `next run ${columns[2] ?? "unknown"}, last run ${columns[5] ?? "unknown"}, last result ${columns[6] ?? "unknown"}` : null };
    },
  };
}

/** Values of one line in which each is in quotes. */
export function csvColumns(line: string): string[] {
  return [...line.matchAll(/"((?:[^"]|"")*)"/g)].map(([, value]) => value!.replaceAll('""', '"'));
}

function systemdScheduler(machine: Machine): Scheduler {
  const folder = path.join(machine.home, ".config", "systemd", "user");
  const file = (name: string, kind: "service" | "timer") => path.join(folder, `${name}.${kind}`);
  const systemctl = (...words: string[]) => demand(machine, "systemctl", ["--user", ...words]);
  return {
    name: "systemd",
    remark: "It runs while you are logged in; `loginctl enable-linger` has it run without that. A time that was slept through is made up for.",
    async install(task) {
      const name = taskName(task);
      const units = systemdUnits(task, machine.environment);
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(file(name, "service"), units.service);
      fs.writeFileSync(file(name, "timer"), units.timer);
      await systemctl("daemon-reload");
      await systemctl("enable", "--now", `${name}.timer`);
    },
    async remove(task) {
      const name = taskName(task);
      if (!fs.existsSync(file(name, "timer"))) return false;
      await systemctl("disable", "--now", `${name}.timer`);
      for (const kind of ["service", "timer"] as const) fs.rmSync(file(name, kind), { force: true });
      await systemctl("daemon-reload");
      return true;
    },
    async show(task) {
      const name = taskName(task);
      if (!fs.existsSync(file(name, "timer"))) return { by: "systemd", installed: false, next: null, detail: null };
      const said = await systemctl("show", `${name}.timer`, "--property=ActiveState,NextElapseUSecRealtime,LastTriggerUSec");
      return { by: "systemd", installed: true, next: null, detail: said.trim().replace(/\n/g, ", ") };
    },
  };
}

function cronScheduler(machine: Machine): Scheduler {
  const read = async () => {
    const { code, stdout, stderr } = await machine.run("crontab", ["-l"]);
    // A user without a crontab is told so with exit code 1.
    if (code !== 0 && !/no crontab/i.test(stderr)) throw failure(`crontab -l: ${stderr.trim()}`);
    return code === 0 ? stdout : "";
  };
  const write = (text: string) => demand(machine, "crontab", ["-"], text);
  return {
    name: "cron",
    remark: "cron makes up for no time that was slept through: it asks every hour from then on, and what is due is done once.",
    install: async (task) => void (await write(withCronLine(await read(), task, machine.environment))),
    async remove(task) {
      const before = await read();
      const after = withoutCronLine(before, task);
      if (!before.includes(`# ${taskName(task)}`)) return false;
      await write(after);
      return true;
    },
    async show(task) {
      const line = (await read()).split("\n").find((each) => each.endsWith(`# ${taskName(task)}`));
      if (line === undefined) return { by: "cron", installed: false, next: null, detail: null };
      const [minute, hours] = line.split(" ");
      const at = parseTime(`${hours!.split("-")[0]!.padStart(2, "0")}:${minute!.padStart(2, "0")}`);
      return { by: "cron", installed: true, next: at === undefined ? null : nextHour(at, machine.now()), detail: null };
    },
  };
}

/** The line runs at its minute of every hour from its own to the last of the day. */
function nextHour({ hour, minute }: Task["at"], now: number): number {
  return Math.min(...Array.from({ length: 24 - hour }, (_, index) => nextRunAfter({ hour: hour + index, minute }, now)));
}

function launchdScheduler(machine: Machine): Scheduler {
  const file = (task: Pick<Task, "stack" | "owner">) => path.join(machine.home, "Library", "LaunchAgents", `${taskName(task)}.plist`);
  const domain = `gui/${machine.userNumber}`;
  return {
    name: "launchd",
    remark: "It runs while you are logged in; a time that was slept through is made up for.",
    async install(task) {
      fs.mkdirSync(path.dirname(file(task)), { recursive: true });
      fs.writeFileSync(file(task), launchdPlist(task, machine.environment));
      // One that is loaded already keeps its old content; without one this fails, which is no matter.
      await machine.run("launchctl", ["bootout", `${domain}/${taskName(task)}`]);
      await demand(machine, "launchctl", ["bootstrap", domain, file(task)]);
    },
    async remove(task) {
      if (!fs.existsSync(file(task))) return false;
      await machine.run("launchctl", ["bootout", `${domain}/${taskName(task)}`]);
      fs.rmSync(file(task));
      return true;
    },
    async show(task) {
      if (!fs.existsSync(file(task))) return { by: "launchd", installed: false, next: null, detail: null };
      const loaded = (await machine.run("launchctl", ["print", `${domain}/${taskName(task)}`])).code === 0;
      const text = fs.readFileSync(file(task), "utf8");
      const number = (key: string) => Number(new RegExp(`<key>${key}</key>\\s*<integer>(\\d+)</integer>`).exec(text)?.[1]);
      return { by: "launchd", installed: loaded, next: loaded ? nextRunAfter({ hour: number("Hour"), minute: number("Minute") }, machine.now()) : null, detail: loaded ? null : "its file is there, and launchd has not loaded it" };
    },
  };
}
