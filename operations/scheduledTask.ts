import * as path from "node:path";

/** What a scheduler of an operating system is given, as pure functions: each can be looked at on every system. */

/** The daily task of one stack. */
export interface Task {
  readonly stack: string;
  /** Identity of the clone: two clones on a machine have tasks of their own. */
  readonly owner: string;
  /** Hour and minute of the machine's own clock. */
  readonly at: { readonly hour: number; readonly minute: number };
  /** Node's program. */
  readonly node: string;
  /** `operations/trading.mjs` of the clone. */
  readonly program: string;
  /** Folder of the clone. */
  readonly root: string;
}

/** Name of the task, in letters every scheduler takes. */
export function taskName({ stack, owner }: Pick<Task, "stack" | "owner">): string {
  return `trading-${stack}-${owner}`;
}

/** The command line as its words. */
export function taskWords({ node, program, stack }: Task): string[] {
  return [node, program, "tend", "--stack", stack];
}

/** @returns hour and minute, or undefined for what is no time of day */
export function parseTime(text: string): Task["at"] | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match ? { hour: Number(match[1]), minute: Number(match[2]) } : undefined;
}

export function timeText({ hour, minute }: Task["at"]): string {
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

// ---- Windows ----

/** A word as Windows' own rules take command lines apart: quotes around it, backslashes before a quote doubled. */
export function windowsWord(word: string): string {
  if (word !== "" && !/[\s"]/.test(word)) return word;
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/**
 * A task for `schtasks /Create /XML`: daily, and as soon as possible after a time at which the machine slept or was off.
 * It runs as the user who installs it, while that user is logged on, which is when Docker Desktop runs.
 *
 * @param user as Windows names the account, for example `PC\owner`
 */
export function windowsTask(task: Task, user: string): string {
  const [command, ...words] = taskWords(task);
  return [
    '<?xml version="1.0" encoding="UTF-16"?>',
    '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
    "  <RegistrationInfo>",
    `    <Description>${xml(`Looks after the backups of trading stack ${task.stack} in ${task.root}`)}</Description>`,
    "  </RegistrationInfo>",
    "  <Triggers>",
    "    <CalendarTrigger>",
    `      <StartBoundary>2024-01-01T${timeText(task.at)}:00</StartBoundary>`,
    "      <Enabled>true</Enabled>",
    "      <ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>",
    "    </CalendarTrigger>",
    "  </Triggers>",
    "  <Principals>",
    '    <Principal id="Owner">',
    `      <UserId>${xml(user)}</UserId>`,
    "      <LogonType>InteractiveToken</LogonType>",
    "      <RunLevel>LeastPrivilege</RunLevel>",
    "    </Principal>",
    "  </Principals>",
    "  <Settings>",
    "    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
    "    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>",
    "    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>",
    "    <StartWhenAvailable>true</StartWhenAvailable>",
    "    <ExecutionTimeLimit>PT4H</ExecutionTimeLimit>",
    "    <Enabled>true</Enabled>",
    "  </Settings>",
    '  <Actions Context="Owner">',
    "    <Exec>",
    `      <Command>${xml(command!)}</Command>`,
    `      <Arguments>${xml(words.map(windowsWord).join(" "))}</Arguments>`,
    `      <WorkingDirectory>${xml(task.root)}</WorkingDirectory>`,
    "    </Exec>",
    "  </Actions>",
    "</Task>",
    "",
  ].join("\r\n");
}

/** schtasks reads its file in UTF-16 with a mark of the order of bytes. */
export function windowsTaskFile(task: Task, user: string): Buffer {
  return Buffer.from(`\ufeff${windowsTask(task, user)}`, "utf16le");
}

// ---- systemd ----

/** A word in a unit's command line: quotes, and nothing in it that systemd would replace. */
export function systemdWord(word: string): string {
  return `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

/** Units of a user's systemd: the service, and the timer that makes up for a time at which the machine slept. */
export function systemdUnits(task: Task, environment: Readonly<Record<string, string>>): { readonly service: string; readonly timer: string } {
  const description = `Backups of trading stack ${task.stack}`;
  return {
    service: [
      "[Unit]",
      `Description=${description}`,
      "",
      "[Service]",
      "Type=oneshot",
      // The setting takes a path to the end of its line, quotes included.
      `WorkingDirectory=${task.root.replaceAll("%", "%%")}`,
      ...Object.entries(environment).map(([key, value]) => `Environment=${systemdWord(`${key}=${value}`).replaceAll("$$", "$")}`),
      `ExecStart=${taskWords(task).map(systemdWord).join(" ")}`,
      "TimeoutStartSec=4h",
      "",
    ].join("\n"),
    timer: ["[Unit]", `Description=${description}`, "", "[Timer]", `OnCalendar=*-*-* ${timeText(task.at)}:00`, "Persistent=true", "", "[Install]", "WantedBy=timers.target", ""].join("\n"),
  };
}

// ---- cron ----

/** A word for the shell that cron runs its lines with; cron itself takes the backslash off a per cent sign, and a bare one ends the line. */
export function cronWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''").replaceAll("%", "\\%")}'`;
}

/**
 * A crontab with the task's line in it, once, and everything else as it was. cron knows no time that was slept through:
 * the line runs every hour of the day from its time on, and `tend` does what is due once.
 */
export function withCronLine(crontab: string, task: Task, environment: Readonly<Record<string, string>>): string {
  const { hour, minute } = task.at;
  const set = Object.entries(environment).map(([key, value]) => `${key}=${cronWord(value)}`);
  const line = `${minute} ${hour}-23 * * * cd ${cronWord(task.root)} && ${[...set, ...taskWords(task).map(cronWord)].join(" ")} >/dev/null 2>&1 ${mark(task)}`;
  return `${withoutCronLine(crontab, task)}${line}\n`;
}

export function withoutCronLine(crontab: string, task: Pick<Task, "stack" | "owner">): string {
  const kept = crontab.split("\n").filter((line) => !line.endsWith(mark(task)));
  const text = kept.join("\n").replace(/\n+$/, "");
  return text === "" ? "" : `${text}\n`;
}

function mark(task: Pick<Task, "stack" | "owner">): string {
  return `# ${taskName(task)}`;
}

// ---- macOS ----

/** A property list for launchd, which makes up for a time at which the machine slept. */
export function launchdPlist(task: Task, environment: Readonly<Record<string, string>>): string {
  const text = (value: string) => `<string>${xml(value)}</string>`;
  const variables = Object.entries(environment).flatMap(([key, value]) => [`    <key>${xml(key)}</key>`, `    ${text(value)}`]);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    "<dict>",
    "  <key>Label</key>",
    `  ${text(taskName(task))}`,
    "  <key>ProgramArguments</key>",
    "  <array>",
    ...taskWords(task).map((word) => `    ${text(word)}`),
    "  </array>",
    "  <key>WorkingDirectory</key>",
    `  ${text(task.root)}`,
    "  <key>EnvironmentVariables</key>",
    "  <dict>",
    ...variables,
    "  </dict>",
    "  <key>StartCalendarInterval</key>",
    "  <dict>",
    "    <key>Hour</key>",
    `    <integer>${task.at.hour}</integer>`,
    "    <key>Minute</key>",
    `    <integer>${task.at.minute}</integer>`,
    "  </dict>",
    "  <key>StandardOutPath</key>",
    `  ${text(path.posix.join(task.root, ".tools", "logs", `tend-${task.stack}.log`))}`,
    "  <key>StandardErrorPath</key>",
    `  ${text(path.posix.join(task.root, ".tools", "logs", `tend-${task.stack}.log`))}`,
    "</dict>",
    "</plist>",
    "",
  ].join("\n");
}

/** When a daily task that is run at a time of the machine's own clock runs next. */
export function nextRunAfter({ hour, minute }: Task["at"], now: number): number {
  const next = new Date(now);
  next.setHours(hour, minute, 0, 0);
  if (next.getTime() <= now) next.setDate(next.getDate() + 1);
  return next.getTime();
}
