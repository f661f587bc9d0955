import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { stackNames } from "../config/names";
import { BackupService } from "./backup/backupService";
import { toolSite } from "./backup/site";
import type { ToolSite } from "./backup/toolContainer";
import { dockerTools, type Tools } from "./backup/tools";
import type { Context } from "./context";
import { commitFiles, reasonAgainstCommit, uncommittedBelow } from "./repository";
import { timeOfReport } from "./restoreTest/report";
import { declaredStack, owner } from "./stack";

/** The one folder of the repository that containers may add files to, by way of the outbox. */
const COLLECTED = "reports";

/** Folder of the restore tests' reports. */
export const REPORT_FOLDER = "reports/restore-tests";

export interface Collected {
  /** Files that are in Git now. */
  readonly committed: readonly string[];
  /** Files that wait, in the outbox or in the working tree. */
  readonly waiting: readonly string[];
  /** Why they wait; null where none does. */
  readonly reason: string | null;
}

/** Whether a path from a container may be written into the working tree: below one folder, on every system a file's name. */
export function isCollectable(name: string): boolean {
  const parts = name.split("/");
  return (
    parts.length > 1 &&
    parts[0] === COLLECTED &&
    // No drive, no stream, no device and nothing hidden; a name that ends in a dot or a blank means another one on Windows.
    parts.every((part) => /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/.test(part) && !/[. ]$/.test(part) && !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(part)) &&
    name.length <= 200
  );
}

const listed = z.object({ paths: z.array(z.string()) });
const content = z.object({ base64: z.string() });

/**
 * Puts into Git what containers produced for the repository: they cannot write there themselves. Killed at any point and
 * run again it goes on; a file leaves the outbox when it is in a commit.
 */
export async function collectFiles(root: string, site: ToolSite, tools: Tools = dockerTools()): Promise<Collected> {
  const { paths } = listed.parse(await tools.run(site, "outbox", { action: "list" }));
  const refused = paths.filter((name) => !isCollectable(name));
  const wanted = paths.filter(isCollectable);
  const reasons = refused.length === 0 ? [] : [`no file of the repository: ${refused.map((name) => JSON.stringify(name)).join(", ")}`];
  const against = wanted.length === 0 ? null : await reasonAgainstCommit(root);
  if (against !== null) return { committed: [], waiting: paths, reason: against };
  const written: string[] = [];
  for (const name of wanted) {
    const bytes = Buffer.from(content.parse(await tools.run(site, "outbox", { action: "read", path: name })).base64, "base64");
    const problem = put(root, name, bytes);
    if (problem === null) written.push(name);
    else reasons.push(problem);
  }
  // A restore test writes its report where it belongs, and may not have been able to commit it.
  const before = (await uncommittedBelow(root, REPORT_FOLDER)).filter((name) => isReport(name) && !written.includes(name));
  const { committed, left, reason } = await commitFiles(root, [...written, ...before], commitMessage([...written, ...before]));
  if (reason !== null) reasons.push(reason);
  for (const name of written) if (committed.includes(name)) await tools.run(site, "outbox", { action: "done", path: name });
  return { committed, waiting: [...paths.filter((name) => !committed.includes(name)), ...left.filter((name) => !paths.includes(name))], reason: reasons.join("; ") || null };
}

/** Seconds that a command, which has done its work, waits for the word whether anything is to be collected. */
const PATIENCE_SECONDS = 3;

/**
 * Collects what waits, for the end of a command: it costs next to nothing where nothing waits, and never makes the command
 * fail. Where nobody says whether anything waits, nothing is done.
 *
 * @returns a line for the owner where something was collected or could not be; null otherwise
 */
export async function collectOutbox(context: Context, stack: string, tools: Tools = dockerTools()): Promise<string | null> {
  if (!(await waits(context, stack).catch(() => false))) return null;
  try {
    return collectedText(await collectFiles(context.root, await toolSite(context, declaredStack(context.root, stack)), tools));
  } catch (error) {
    return `Reports of the backup wait to be put into Git: ${(error as Error).message}`;
  }
}

async function waits(context: Context, stack: string): Promise<boolean> {
  if (!declaredStack(context.root, stack).configuration.backup.enabled) return false;
  const engine = context.engine();
  const container = await engine.container(stackNames(stack).container("backup"));
  if (container === undefined || container.state !== "running" || container.owner !== owner(context.root)) return false;
  return (await new BackupService(context, engine, container, PATIENCE_SECONDS).status()).outbox > 0;
}

/** What was collected, in a line; null where nothing waited. */
export function collectedText({ committed, waiting, reason }: Collected): string | null {
  const parts = [
    ...(committed.length === 0 ? [] : [`${committed.length} ${committed.length === 1 ? "report" : "reports"} put into Git (${committed.join(", ")})`]),
    ...(waiting.length === 0 ? [] : [`${waiting.length} wait: ${reason ?? "the next command tries again"}`]),
  ];
  return parts.length === 0 ? null : parts.join("; ");
}

/** Commits reports that a command of ours wrote into the working tree. */
export async function commitReports(root: string, names: readonly string[]): Promise<Collected> {
  const { committed, left, reason } = await commitFiles(root, names, commitMessage(names));
  return { committed, waiting: left, reason };
}

function commitMessage(names: readonly string[]): string {
  const [first] = names;
  return names.length === 1 ? `Report: ${first}` : `Reports: ${names.length} files, ${first ?? ""} among them`;
}

/** Whether a path is one of the two files that a restore test writes. */
function isReport(name: string): boolean {
  const [, id] = /^reports\/restore-tests\/([^/]+)\.(?:json|md)$/.exec(name) ?? [];
  return id !== undefined && timeOfReport(id) !== undefined;
}

/** Writes a file whole or not at all. @returns why it was not written, or null */
function put(root: string, name: string, bytes: Buffer): string | null {
  const file = path.join(root, ...name.split("/"));
  const there = readIfThere(file);
  if (there?.equals(bytes)) return null;
  if (there !== undefined) return `${name} is there with another content: move it away, and it is collected the next time`;
  writeWhole(file, bytes);
  return null;
}

export function writeWhole(file: string, bytes: Buffer | string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(4).toString("hex")}.tmp`);
  try {
    fs.writeFileSync(temporary, bytes);
    fs.renameSync(temporary, file);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
