import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { newestStable, readReleases } from "../../config/releases";
import { isSame } from "../../operations/rollback/target";
import { controlFolder } from "../../control/folder";
import { haltsOf } from "../../control/LatchFolder";
import { incidentId } from "../../control/records";
import { eventually, type ThrowAwayStack } from "../support/throwAwayStack";

/** Newest whole second to which a stack can be restored, ISO; waits for the first, which is there when log from after a point is archived. */
export async function newestMoment(stack: ThrowAwayStack): Promise<string> {
  const to = await eventually("the stack has an archive to restore from", 120, async () => {
    const { code, stdout, text } = await stack.trading(["backups", "--json"]);
    if (code !== 0) throw new Error(text);
    return (JSON.parse(stdout) as { restorable: { from: string; to: string } | null }).restorable?.to;
  });
  return new Date(Math.floor(Date.parse(to) / 1000) * 1000).toISOString();
}

/** Begins a restore and kills it when services are stopped and the data changes places. */
export async function interruptRestore(stack: ThrowAwayStack): Promise<void> {
  const words = ["restore", "--to", "latest", "--no-safety-point", "--stack", stack.name, "--confirm", stack.name];
  const child = spawn(process.execPath, [path.join(stack.root, "operations", "trading.mjs"), ...words], { cwd: stack.root, env: stack.env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += String(chunk)));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const journal = path.join(stack.root, ".trading", "stacks", stack.name, "restore.json");
  try {
    await eventually("a restore has begun to swap", 240, async () => {
      if (child.exitCode !== null) return true;
      return fs.existsSync(journal) && ["swapping", "checking"].includes((JSON.parse(fs.readFileSync(journal, "utf8")) as { phase: string }).phase);
    });
    if (child.exitCode !== null) throw new Error(`the restore that was to be interrupted ended: ${said}`);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

/**
 * Makes a program `crontab` that keeps its table beside itself, in a folder where there is nothing else.
 *
 * @returns the environment of a command that finds this program and no other scheduler
 */
export function withOwnCrontab(folder: string, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const file = path.join(folder, "crontab");
  if (!fs.existsSync(file)) {
    fs.mkdirSync(folder, { recursive: true });
    const program = `#!${process.execPath}
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const table = ${JSON.stringify(path.join(folder, "table"))};
if (process.argv[2] !== "-l") writeFileSync(table, readFileSync(0));
else if (existsSync(table)) process.stdout.write(readFileSync(table));
else {
  process.stderr.write("no crontab for test\\n");
  process.exitCode = 1;
}
`;
    fs.writeFileSync(file, program, { mode: 0o755 });
  }
  return { ...environment, PATH: folder };
}

/** Makes the stack's folder a repository of its own, whose last commit is a change of the stack's file that can be taken back. */
export async function makeRepository(stack: ThrowAwayStack, earlier: () => void, now: () => void): Promise<void> {
  earlier();
  await stack.beginRepository();
  now();
  await stack.commit("Another limit");
}

/** Waits until the release that runs is stable, and commits a change that is not deployed yet. */
export async function stableAndChanged(stack: ThrowAwayStack, change: () => void): Promise<void> {
  await eventually("the release is stable", 120, async () => {
    const { code, text } = await stack.trading(["releases"]);
    if (code !== 0) throw new Error(text);
    return readReleases(stack.root, stack.name).at(-1)?.stable ?? undefined;
  });
  change();
  await stack.commit("A change to deploy");
}

/** The newest stable release and the newest of all that are another one than runs; empty where there is none. */
export function releasesOfStack(stack: ThrowAwayStack): { readonly stableRelease: string; readonly otherRelease: string } {
  const releases = readReleases(stack.root, stack.name);
  const running = releases.at(-1);
  const others = releases.filter((release) => running !== undefined && !isSame(release, running));
  return { stableRelease: newestStable(others)?.id ?? "", otherRelease: others.at(-1)?.id ?? "" };
}

/** Ids of the halts in force, oldest first; none before the stack was ever up. */
export function haltsOfStack(stack: ThrowAwayStack): string[] {
  const folder = controlFolder(stack.root, stack.name);
  if (!fs.existsSync(folder)) return [];
  return [...haltsOf(folder).inForce().entries].sort((one, other) => (one.at < other.at ? -1 : 1)).map(({ id }) => id);
}

/** Places a halt as the guard does, and waits until the guard tells of it. @returns the alert's id */
export async function alertOfTheGuard(stack: ThrowAwayStack): Promise<string> {
  const now = Date.now();
  const id = incidentId("INC", now);
  haltsOf(controlFolder(stack.root, stack.name)).place({
    ...{ format: 1, id, stack: stack.name, bot: null, level: "pause", reason: "the test wants an alert", by: "guard", who: "guard", at: new Date(now).toISOString() },
    ...{ rule: "order-rate", cause: "test", numbers: {}, runbook: null, open: [] },
  });
  return await eventually("the guard tells of the halt", 30, async () => {
    const { stdout } = await stack.trading(["alerts", "--json"]);
    const { parts } = JSON.parse(stdout) as { parts: { active?: { id: string; key: string }[] }[] };
    return parts.flatMap(({ active = [] }) => active).find(({ key }) => key === `guard.halt.${id}`)?.id;
  });
}
