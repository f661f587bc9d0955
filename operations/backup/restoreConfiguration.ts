import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { CHANGELOG } from "../../config/changelog/text";
import { writeStackFileChange } from "../changelog/changelogFile";
import type { Outcome } from "../command";
import type { Context } from "../context";
import { EXIT, failure, usage } from "../errors";
import { runProgram, type ProgramOptions, type ProgramOutcome } from "./program";

export interface ConfigurationRequest {
  readonly stack: string;
  readonly confirm: string | undefined;
  /** Tag or commit; the newest stable tag of the stack when undefined. */
  readonly release: string | undefined;
}

/** What belongs to a stack's configuration: its file, and what people and models read. */
export function configurationPaths(stack: string): string[] {
  return [`Pulumi.${stack}.yaml`, "runbooks", "docs", "prompts"];
}

/** Tags of releases of a stack that proved stable. */
export function stableTags(stack: string): string {
  return `stable/${stack}/*`;
}

/** The line by which Pulumi recognises the stack's passphrase: it belongs to the state, and is never taken back. */
const SALT = /^encryptionsalt:.*$/m;

/** The old file with the salt of today: one from before the salt was committed has none. */
export function withSalt(old: string, now: string): string {
  const salt = SALT.exec(now)?.[0];
  if (salt === undefined) return old;
  return SALT.test(old) ? old.replace(SALT, () => salt) : `${salt}\n${old}`;
}

/** `restore --only config`: configuration, runbooks and documents as they were in Git, after showing what that would do. */
export async function restoreConfiguration(context: Context, { stack, confirm, release }: ConfigurationRequest): Promise<Outcome> {
  const { root } = context;
  const git = async (...words: string[]) => {
    const outcome = await runProgram("git", words, { folder: root });
    if (outcome.code !== 0) throw failure(`git ${words[0]}: ${outcome.stderr.trim()}; nothing was changed`);
    return outcome.stdout;
  };
  const reference = release ?? (await newestStable(git, stack));
  const commit = await commitOf(root, reference);
  const listed = await git("ls-tree", "--name-only", commit, "--", ...configurationPaths(stack));
  const paths = listed.split("\n").filter((line) => line !== "");
  const stackFile = `Pulumi.${stack}.yaml`;
  if (!paths.includes(stackFile)) throw failure(`${reference} has no ${stackFile}; nothing was changed`);
  const dirty = (await git("status", "--porcelain", "--", ...paths)).trimEnd();
  if (dirty !== "") throw failure(`these files have changes that are in no commit, and would be lost:\n${dirty}\ncommit them or put them away first; nothing was changed`);

  const current = readIfThere(path.join(root, stackFile));
  const old = withSalt(await git("show", `${commit}:${stackFile}`), current);
  const changed = await git("diff", "--stat", "HEAD", commit, "--diff-filter=d", "--", ...paths);
  if (changed.trim() === "") {
    return { exitCode: EXIT.ok, text: `Configuration, runbooks and documents of stack ${stack} are as they were in ${reference} (${commit.slice(0, 12)}): nothing to restore.\n`, document: { stack, commit, changed: false } };
  }
  const difference = await git("diff", "HEAD", commit, "--diff-filter=d", "--", stackFile);
  context.writeError(`From ${reference} (${commit.slice(0, 12)}):\n${changed}\n${difference}\n`);
  context.writeError(`- asking Pulumi what the stack would do\n`);
  context.writeError(`${await preview(root, stack, old)}\n`);
  if (confirm === undefined) {
    const answer = await context.ask("Type the stack's name to take these files back: ");
    if (answer === undefined) throw usage(`nobody can be asked here: add --confirm ${stack}; nothing was changed`);
    if (answer.trim() !== stack) throw failure(`"${answer.trim()}" is not "${stack}": nothing was changed`);
  }
  context.whenInterrupted(`some files may be those of ${reference}: git status shows which, git checkout HEAD -- ${paths.join(" ")} takes them back`);
  await git("checkout", commit, "--", ...paths);
  fs.writeFileSync(path.join(root, stackFile), old);
  const noted = await writeStackFileChange(root, { stack, before: current, after: old, reason: `configuration taken back from ${reference}`, now: context.now() });
  const committed = [...paths, ...(noted ? [CHANGELOG] : [])].join(" ");
  const next = [...(noted ? [`git add ${CHANGELOG}`] : []), `git commit -m "Configuration of stack ${stack} as of ${reference}" -- ${committed}`, `npm run pulumi -- up --stack ${stack}`];
  return {
    exitCode: EXIT.ok,
    text: `Taken from ${reference} (${commit.slice(0, 12)}): ${paths.join(", ")}. Files that were added since are kept.\nThe stack itself is as before; next:\n${next.map((line) => `  ${line}\n`).join("")}`,
    document: { stack, commit, changed: true, paths, next },
  };
}

async function newestStable(git: (...words: string[]) => Promise<string>, stack: string): Promise<string> {
  const [newest] = (await git("tag", "--list", stableTags(stack), "--sort=-creatordate")).split("\n");
  if (newest !== undefined && newest !== "") return newest;
  throw usage(
    `stack ${stack} has no stable release (no tag ${stableTags(stack)}); npx trading releases --stack ${stack} says what each waits for. Name a tag or commit of \`git log --oneline -- Pulumi.${stack}.yaml\` with --release, or mark one by hand: git tag stable/${stack}/NAME COMMIT; nothing was changed`,
  );
}

async function commitOf(root: string, reference: string): Promise<string> {
  const { code, stdout } = await runProgram("git", ["rev-parse", "--verify", "--quiet", "--end-of-options", `${reference}^{commit}`], { folder: root });
  if (code !== 0) throw usage(`--release "${reference}" is no tag or commit of this repository`);
  return stdout.trim();
}

/** What Pulumi would do with the old file, while the one in the folder stays as it is. */
async function preview(root: string, stack: string, stackFile: string): Promise<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-preview-"));
  try {
    const file = path.join(folder, `Pulumi.${stack}.yaml`);
    fs.writeFileSync(file, stackFile, { mode: 0o600 });
    const { code, stdout, stderr } = await pulumi(root, ["preview", "--stack", stack, "--config-file", file, "--diff", "--non-interactive", "--color", "never"]);
    if (code !== 0) throw failure(`the stack would not come up with this configuration:\n${`${stdout}${stderr}`.trim()}\nnothing was changed`);
    return stdout.trim();
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the Pulumi CLI with this clone's settings and policy pack. */
export async function pulumi(root: string, words: readonly string[], options: Pick<ProgramOptions, "onText" | "signal"> = {}): Promise<ProgramOutcome> {
  const { pulumiEnvironment } = await import("../../setup/environment.mjs");
  const { dockerEnvironment } = await import("../../setup/context.mjs");
  const { withPolicyPack } = await import("../../setup/policy-pack.mjs");
  const base = { ...process.env, ...dockerEnvironment(process.env, os.homedir()) };
  return await runProgram("pulumi", withPolicyPack(words), { folder: root, environment: pulumiEnvironment({ root, base }), ...options });
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
