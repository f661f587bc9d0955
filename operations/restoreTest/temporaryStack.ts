import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { LABELS, stackNames } from "../../config/names";
import { docker, dockerCode, ensureVolume } from "../backup/docker";
import { failure } from "../errors";

const NAME = /^restoretest[0-9a-f]{6}$/;
/** No test runs for so long: a process number that is older belongs to somebody else. */
const LONGEST_MILLISECONDS = 6 * 3_600_000;

/** A stack that lives as long as one restore test. */
export interface TemporaryStack {
  readonly name: string;
  /** Identity of the clone, on everything it makes. */
  readonly owner: string;
  /** Folder for Pulumi's state and passphrase; readable by this user alone. */
  readonly folder: string;
  /** Key of its own: nothing of it opens anything of the stack it is a copy of. */
  readonly key: string;
}

/** Who runs a test, kept in its folder. */
export interface Runner {
  readonly process: number;
  readonly host: string;
  /** Identity of its clone: two clones may share a folder of tools. */
  readonly owner: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** What of a temporary stack is on the Engine. */
export interface Remains {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

/** Folder of the temporary stacks: what can be made again at any time. */
export function temporaryFolder(root: string): string {
  return path.join(root, ".tools", "restore-tests");
}

export function makeTemporaryStack(root: string, owner: string): TemporaryStack {
  const name = `restoretest${randomBytes(3).toString("hex")}`;
  const folder = path.join(temporaryFolder(root), name);
  const aside = `${folder}.new`;
  fs.mkdirSync(aside, { recursive: true, mode: 0o700 });
  const runner: Runner = { process: process.pid, host: os.hostname(), owner, since: Date.now() };
  fs.writeFileSync(path.join(aside, "run.json"), JSON.stringify(runner));
  // Under its name it is never there without saying who takes care of it.
  fs.renameSync(aside, folder);
  return { name, owner, folder, key: randomBytes(32).toString("hex") };
}

/** Whether the process that made a temporary stack still takes care of it. */
export function isCaredFor(runner: Runner | undefined, now: number, isAlive: (process: number) => boolean, host = os.hostname()): boolean {
  if (runner === undefined || runner.host !== host) return false;
  return now - runner.since < LONGEST_MILLISECONDS && isAlive(runner.process);
}

function readRunner(folder: string): Runner | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, "run.json"), "utf8")) as Runner;
  } catch {
    // Only its objects on the Engine are there: nobody takes care of it.
    return undefined;
  }
}

/** Whether a process of this machine is there. */
export function isAlive(process_: number): boolean {
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Removes what tests that were killed left on the Engine and in the clone's folder.
 *
 * @returns names of the stacks that were removed
 */
export async function removeLeftOvers(root: string, owner: string, now: number): Promise<string[]> {
  const folder = temporaryFolder(root);
  const ours = foldersIn(folder).filter((name) => readRunner(path.join(folder, name))?.owner === owner);
  const names = new Set([...ours, ...(await stacksOnEngine(owner))]);
  const left = [...names].filter((name) => !isCaredFor(readRunner(path.join(folder, name)), now, isAlive)).sort();
  for (const name of left) {
    const still = await takeDown({ name, owner, folder: path.join(folder, name) });
    if (count(still) > 0) throw failure(`what a restore test left cannot be removed: ${remainsText(still)}`);
  }
  return left;
}

function foldersIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter((name) => NAME.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function stacksOnEngine(owner: string): Promise<string[]> {
  const lists = await Promise.all([["ps", "--all"], ["volume", "ls"], ["network", "ls"]].map((words) => lines([...words, "--filter", `label=${LABELS.owner}=${owner}`, "--format", `{{.Label "${LABELS.stack}"}}`])));
  return lists.flat().filter((name) => NAME.test(name));
}

/** Passes over the Engine until nothing is left: a program that is just being ended may still make something. */
const PASSES = 20;
const PAUSE_MILLISECONDS = 500;

/**
 * Removes a temporary stack: one way for a test that passed, failed, was interrupted or was killed, and one that needs no
 * state of Pulumi's.
 *
 * @returns what could not be removed
 */
export async function takeDown(stack: Pick<TemporaryStack, "name" | "owner" | "folder">): Promise<Remains> {
  let remains = await remainsOf(stack);
  for (let pass = 0; pass < PASSES && count(remains) > 0; pass++) {
    if (pass > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
    // One after another: an Engine before version 23 can stop answering when two leave a network at once (setup/steps/docker.mjs).
    for (const container of remains.containers) await dockerCode(["rm", "--force", "--volumes", container]);
    if (remains.networks.length > 0) await dockerCode(["network", "rm", ...remains.networks]);
    if (remains.volumes.length > 0) await dockerCode(["volume", "rm", "--force", ...remains.volumes]);
    remains = await remainsOf(stack);
  }
  if (count(remains) === 0) fs.rmSync(stack.folder, { recursive: true, force: true, maxRetries: 5 });
  return remains;
}

/** Everything on the Engine that bears the stack's label or name, or uses something that does. */
export async function remainsOf({ name, owner }: Pick<TemporaryStack, "name" | "owner">): Promise<Remains> {
  const labels = ["--filter", `label=${LABELS.stack}=${name}`, "--filter", `label=${LABELS.owner}=${owner}`];
  const ofKind = async (words: readonly string[], format: string) => {
    // What Docker makes by itself, because a mount names it, has no label; the name is drawn anew for every test.
    const found = await Promise.all([labels, ["--filter", `name=${stackNames(name).prefix}`]].map((filter) => lines([...words, ...filter, "--format", `{{.${format}}}`])));
    return [...new Set(found.flat())].sort();
  };
  const [networks, volumes, own] = await Promise.all([ofKind(["network", "ls"], "Name"), ofKind(["volume", "ls"], "Name"), ofKind(["ps", "--all"], "Names")]);
  // Programs that fill a volume or bring the schema up to date run in containers without a label.
  const users = await Promise.all(
    [...networks.map((network) => `network=${network}`), ...volumes.map((volume) => `volume=${volume}`)].map((filter) => lines(["ps", "--all", "--filter", filter, "--format", "{{.Names}}"])),
  );
  return { containers: [...new Set([...own, ...users.flat()])].sort(), networks, volumes };
}

async function lines(words: readonly string[]): Promise<string[]> {
  const { stdout } = await docker(words);
  return stdout.split("\n").filter((line) => line.trim() !== "");
}

export function count({ containers, networks, volumes }: Remains): number {
  return containers.length + networks.length + volumes.length;
}

export function remainsText(remains: Remains): string {
  const parts = (["containers", "networks", "volumes"] as const).filter((kind) => remains[kind].length > 0).map((kind) => `${kind} ${remains[kind].join(", ")}`);
  return parts.join("; ") || "nothing";
}

/** Makes the volumes that are filled before any of its services starts; what runs on them later finds them there. */
export async function makeVolumes({ name, owner }: Pick<TemporaryStack, "name" | "owner">): Promise<void> {
  const { volume } = stackNames(name);
  const volumes = { timescaledb: volume("timescaledb-data"), mlflow: volume("mlflow-artifacts"), backup: volume("restore-work") };
  await Promise.all(Object.entries(volumes).map(([service, each]) => ensureVolume(each, { owner, stack: name, service })));
}
