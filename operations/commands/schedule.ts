import { execFile } from "node:child_process";
import * as os from "node:os";
import * as path from "node:path";
import { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, usage } from "../errors";
import { NONE, time } from "../format";
import { parseTime, taskName, timeText, type Task } from "../scheduledTask";
import { findScheduler, type Machine, type ProgramResult } from "../schedulers";
import { checkStackName, owner } from "../stack";
import { readTendRecord } from "../tendRecord";
import { enabledStack } from "./restoreTest";

interface InstallOptions extends GlobalOptions {
  readonly at: string;
}

/** `schedule`: has the machine's own scheduler run `tend` every day. */
export function scheduleCommand(context: Context, wrap: Wrap, machine: Machine = thisMachine()): Command {
  const schedule = new Command("schedule").description("have this machine run `npx trading tend` every day (drift, restore tests and halt drills, reports into Git, archives of images)");
  schedule.addCommand(
    new Command("install")
      .description("put the daily task into Task Scheduler, systemd, cron or launchd; again with another time to move it")
      .option("--at <time>", "time of day, by this machine's clock", "04:30")
      .action(wrap<InstallOptions>((options) => install(context, machine, options))),
  );
  schedule.addCommand(new Command("remove").description("take the daily task out again").action(wrap((options) => remove(context, machine, options))));
  schedule.addCommand(new Command("show").description("say whether the daily task is there, when it runs next, and how it ended last; exit code 1 when it is not there").action(wrap((options) => show(context, machine, options))));
  return schedule;
}

async function install(context: Context, machine: Machine, { stack, at: text }: InstallOptions): Promise<Outcome> {
  const at = parseTime(text);
  if (at === undefined) throw usage(`--at is "${text}"; allowed: a time of day from 00:00 to 23:59, such as 04:30`);
  enabledStack(context, stack);
  const task: Task = { stack, owner: owner(context.root), at, node: process.execPath, program: path.join(context.root, "operations", "trading.mjs"), root: context.root };
  const scheduler = await findScheduler(machine);
  await scheduler.install(task);
  const remark = scheduler.remark === null ? "" : `${scheduler.remark}\n`;
  return {
    exitCode: EXIT.ok,
    text: `${scheduler.name} runs \`npx trading tend --stack ${stack}\` every day at ${timeText(at)} (task ${taskName(task)}).\n${remark}The tests of this project hold the task's text against ${scheduler.name}'s rules and have not had it run there: look after the first night with npx trading schedule show --stack ${stack}\n`,
    document: { stack, by: scheduler.name, task: taskName(task), at: timeText(at) },
  };
}

async function remove(context: Context, machine: Machine, { stack }: GlobalOptions): Promise<Outcome> {
  const task = { stack: checkStackName(stack), owner: owner(context.root) };
  const scheduler = await findScheduler(machine);
  const removed = await scheduler.remove(task);
  return {
    exitCode: EXIT.ok,
    text: removed ? `${scheduler.name} does not run \`npx trading tend --stack ${stack}\` any more: restore tests are yours to start now.\n` : `${scheduler.name} has no task of stack ${stack}: nothing to remove.\n`,
    document: { stack, by: scheduler.name, removed },
  };
}

async function show(context: Context, machine: Machine, { stack }: GlobalOptions): Promise<Outcome> {
  const task = { stack: checkStackName(stack), owner: owner(context.root) };
  const found = await (await findScheduler(machine)).show(task);
  const last = readTendRecord(context.root, stack);
  const lines = [
    found.installed ? `Task ${taskName(task)} in ${found.by}.` : `No task of stack ${stack} in ${found.by}${found.detail === null ? "" : ` (${found.detail})`}: npx trading schedule install --stack ${stack}`,
    ...(found.installed ? [found.detail ?? `Next run: ${found.next === null ? NONE : time(found.next)}`] : []),
    last === undefined ? "`tend` has not run here yet." : `Last run of \`tend\`: ${time(Date.parse(last.at))}, exit code ${last.exitCode}: ${last.text}`,
  ];
  return { exitCode: found.installed ? EXIT.ok : EXIT.failed, text: `${lines.join("\n")}\n`, document: { stack, ...found, task: taskName(task), last: last ?? null } };
}

function thisMachine(): Machine {
  const { username, uid } = os.userInfo();
  const { PATH, Path, DOCKER_HOST, USERDOMAIN } = process.env;
  return {
    platform: process.platform,
    home: os.homedir(),
    user: USERDOMAIN === undefined ? username : `${USERDOMAIN}\\${username}`,
    userNumber: uid,
    environment: { PATH: PATH ?? Path ?? "", ...(DOCKER_HOST === undefined ? {} : { DOCKER_HOST }) },
    temporaryFolder: os.tmpdir(),
    now: () => Date.now(),
    run: runProgram,
  };
}

const LONGEST_MILLISECONDS = 30_000;

function runProgram(program: string, words: readonly string[], input = ""): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = execFile(program, [...words], { timeout: LONGEST_MILLISECONDS }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : error.code === "ENOENT" ? null : 1;
      resolve({ code, stdout, stderr: stderr || (error?.message ?? "") });
    });
    // A program that does not start reads nothing.
    child.stdin?.on("error", () => undefined).end(input);
  });
}
