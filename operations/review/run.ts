import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { failure } from "../errors";
import { takeInterruptions } from "../restoreTest/interruption";
import { addedBelow, addedLines, reasonsForMoreRisk, reviewedCommits, type ReviewedCommit } from "./commits";
import { emptyEngine } from "./emptyEngine";
import { plannedCommands } from "./plannedCommands";
import { Programs } from "./programs";
import type { Review, StackReview } from "./review";
import { makeReviewFolder, removeReviewFolder } from "./reviewFolder";
import { deployedState, PreviewFailed, previewAgainst, previewText } from "./stackPreview";
import { stackReview } from "./stackReview";
import { parseTreeFacts, type TreeFacts } from "./treeFacts";
import { prepareTree, PLACEHOLDERS, stacksOf } from "./tree";
import type { StateResource } from "./plannedResources";
import type { PreviewOutcome } from "./previewEvents";

export interface ReviewRequest {
  /** Folder of the clone. */
  readonly root: string;
  readonly base: string;
  readonly head: string;
  /** Also what `pulumi preview --diff` says. */
  readonly withText: boolean;
  readonly now: number;
  /** Told what is going on. */
  readonly say: (text: string) => void;
}

export interface ReviewResult {
  readonly review: Review;
  /** Stack -> what Pulumi says, where it was asked for. */
  readonly texts: Readonly<Record<string, string>>;
}

/** What was made of base and head, a stack each. */
type PerStack<T> = ReadonlyMap<string, T | PreviewFailed>;

/**
 * Previews head against a state as if base had been deployed, for every stack of both. It reads the repository and nothing
 * else of the clone: not its state, passphrase, keys or Docker Engine.
 *
 * @throws {CommandError} where the commits are not there, or the tools
 */
export async function runReview(request: ReviewRequest): Promise<ReviewResult> {
  const { root, now, say } = request;
  const { base, head } = await reviewedCommits(root, request.base, request.head);
  const interruption = takeInterruptions(() => say("interrupted: ending what is going on"));
  const folder = makeReviewFolder(root, now);
  const [engine, commands] = await Promise.all([emptyEngine(), plannedCommands()]);
  const programs = new Programs(await environment(root, folder, engine.address));
  interruption.signal.addEventListener("abort", () => void programs.end());
  try {
    // What was ended by an interruption is no result, and no failure of a stack either.
    const result = await reviewIn(folder, request, base, head, programs, commands.attach).catch((error: unknown) => (interruption.signal.aborted ? undefined : Promise.reject(error as Error)));
    if (result === undefined || interruption.signal.aborted) throw failure("interrupted; nothing was changed");
    return result;
  } finally {
    await programs.end();
    commands.close();
    await engine.close();
    if (!removeReviewFolder(folder)) say(`${folder} cannot be removed now; the next review does it`);
    interruption.giveBack();
  }
}

async function reviewIn(folder: string, { root, withText, say }: ReviewRequest, base: ReviewedCommit, head: ReviewedCommit, programs: Programs, commands: string): Promise<ReviewResult> {
  // Both are previewed in the same place: containers have folders of the project mounted, and their paths are part of them.
  const [place, aside, next] = ["project", "base", "head"].map((name) => path.join(folder, name)) as [string, string, string];
  say(`reading ${base.ref} (${base.commit.slice(0, 8)}) and ${head.ref} (${head.commit.slice(0, 8)})`);
  const install = (tree: string) => installPackages(programs, tree);
  await Promise.all([prepareTree(root, base, place, install), prepareTree(root, head, next, install)]);
  const stacks = { base: stacksOf(place), head: stacksOf(next) };
  const both = stacks.base.filter((stack) => stacks.head.includes(stack));
  const facts = { base: factsOf(programs, root, place, stacks.base), head: factsOf(programs, root, next, stacks.head) };
  const before = await facts.base;

  say(`previewing ${base.ref}: ${both.join(", ") || "no stack"}`);
  const states = await ofEach(both, (stack) => deployedState(programs, place, projectOf(place), stack, commands));
  const after = await facts.head;
  await moved(place, aside);
  await moved(next, place);

  say(`previewing ${head.ref}: ${stacks.head.join(", ") || "no stack"}`);
  const previews = await ofEach(stacks.head, (stack) => {
    const state = states.get(stack);
    // Where there is nothing to compare with, it is still told whether the head can be deployed at all.
    return previewAgainst(programs, place, projectOf(place), stack, state === undefined || state instanceof PreviewFailed ? null : state);
  });
  const texts = withText ? await ofEach(stacks.head, (stack) => previewText(programs, place, stack)) : new Map<string, string>();

  const [migrations, changelog, reasons] = await Promise.all([
    addedBelow(root, base.commit, head.commit, "database/migrations"),
    addedLines(root, base.commit, head.commit, "CHANGELOG.md"),
    reasonsForMoreRisk(root, base.commit, head.commit),
  ]);
  const all = [...new Set([...stacks.base, ...stacks.head])].sort();
  const reviews = all.map((stack) => together(stack, { before: before.stacks[stack], after: after.stacks[stack], state: states.get(stack), preview: previews.get(stack), migrations, changelog }));
  return { review: { format: 1, base, head, stacks: reviews, reasonsForMoreRisk: reasons }, texts: Object.fromEntries([...texts].flatMap(([stack, text]) => (typeof text === "string" ? [[stack, text]] : []))) };
}

interface Made {
  readonly before: TreeFacts["stacks"][string] | undefined;
  readonly after: TreeFacts["stacks"][string] | undefined;
  readonly state: readonly StateResource[] | PreviewFailed | undefined;
  readonly preview: PreviewOutcome | PreviewFailed | undefined;
  readonly migrations: readonly string[];
  readonly changelog: readonly string[];
}

function together(stack: string, { state, preview, ...facts }: Made): StackReview {
  const problems = [
    ...(state instanceof PreviewFailed ? [`The base cannot be previewed, so that nothing can be compared with it:\n${state.message}`] : []),
    ...(preview instanceof PreviewFailed ? [preview.message] : []),
  ];
  return stackReview({
    stack,
    ...facts,
    state: state instanceof PreviewFailed || state === undefined ? null : state,
    preview: preview instanceof PreviewFailed || state instanceof PreviewFailed ? undefined : preview,
    problems,
  });
}

/** Does the same for each stack, all at once; one that cannot be previewed leaves the others alone. */
async function ofEach<T>(stacks: readonly string[], work: (stack: string) => Promise<T>): Promise<PerStack<T>> {
  return new Map(
    await Promise.all(
      stacks.map(async (stack) => {
        const done = await work(stack).catch((error: unknown) => {
          if (error instanceof PreviewFailed) return error;
          throw error;
        });
        return [stack, done] as const;
      }),
    ),
  );
}

async function factsOf(programs: Programs, root: string, tree: string, stacks: readonly string[]): Promise<TreeFacts> {
  const { code, stdout, stderr } = await programs.run(process.execPath, ["--require", "tsx/cjs", path.join(root, "operations", "review", "treeFacts.ts"), tree, ...stacks], root);
  if (code === 0) return parseTreeFacts(stdout);
  // A tree whose code has another form: what cannot be compared counts as raised.
  const problem = `its configuration cannot be read: ${stderr.trim().split("\n").find((line) => line.trim() !== "") ?? `exit code ${code}`}`;
  return { stacks: Object.fromEntries(stacks.map((stack) => [stack, { problem }])) };
}

/** On Windows a folder cannot be renamed while something still looks at it, as what guards against viruses does. */
async function moved(from: string, to: string): Promise<void> {
  const { default: pRetry } = await import("p-retry");
  await pRetry(() => fs.promises.rename(from, to), { retries: 6, minTimeout: 100 });
}

function projectOf(tree: string): string {
  return String((parse(fs.readFileSync(path.join(tree, "Pulumi.yaml"), "utf8")) as { readonly name?: unknown } | null)?.name);
}

/** Packages of a commit with another lock file than the clone's: npm's own copies, without install scripts, as set-up does. */
async function installPackages(programs: Programs, tree: string): Promise<void> {
  const { npmCommand } = await import("../../setup/steps/packages.mjs");
  const npm = npmCommand({ execPath: process.execPath, npmExecPath: process.env["npm_execpath"], exists: fs.existsSync });
  const { code, stderr } = await programs.run(npm.command, [...npm.args, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"], tree);
  if (code !== 0) throw failure(`the packages of ${path.basename(tree)} cannot be installed (its package-lock.json is not this clone's): ${stderr.trim().split("\n").slice(0, 3).join("; ")}`);
}

/** That of the clone's tools, with an Engine and a passphrase of the review's own. */
async function environment(root: string, folder: string, engine: string): Promise<NodeJS.ProcessEnv> {
  const { pulumiEnvironment } = await import("../../setup/environment.mjs");
  const passphrase = path.join(folder, "passphrase");
  fs.writeFileSync(passphrase, PLACEHOLDERS.passphrase);
  const { DOCKER_CONTEXT: _context, DOCKER_TLS_VERIFY: _verify, DOCKER_CERT_PATH: _certificates, DOCKER_TLS: _tls, ...base } = pulumiEnvironment({ root, base: process.env });
  return { ...base, DOCKER_HOST: engine, DOCKER_CONFIG: path.join(folder, "docker"), PULUMI_CONFIG_PASSPHRASE_FILE: passphrase };
}
