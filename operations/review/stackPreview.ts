import * as fs from "node:fs";
import * as path from "node:path";
import { failure } from "../errors";
import { pulumiProblem } from "../restoreTest/workspace";
import { madeUpState } from "./madeUpState";
import { plannedResources, type StateResource } from "./plannedResources";
import { policyPack } from "./policyPack";
import { previewOutcome, type PreviewOutcome } from "./previewEvents";
import type { ProgramOutcome, Programs } from "./programs";
import { putState } from "./tree";

/** What is not known in one preview is known in the next; a chain of such things is as long as this at most. */
const PASSES = 5;

/** A preview did not come to its end; the message is Pulumi's own. */
export class PreviewFailed extends Error {}

/**
 * The state as if a tree had been deployed. A preview plans it all; what it cannot know is made up and, should something
 * depend on it in a way that only the program knows, asked for again with that.
 *
 * @param commands what stands in for the plugin that runs commands, for PULUMI_DEBUG_PROVIDERS
 * @throws {PreviewFailed} where the tree cannot be previewed
 */
export async function deployedState(programs: Programs, tree: string, project: string, stack: string, commands: string): Promise<readonly StateResource[]> {
  let resources: readonly StateResource[] | null = null;
  const plan = path.join(path.dirname(tree), `plan-${stack}.json`);
  for (let pass = 0; pass < PASSES; pass++) {
    putState(tree, project, stack, resources);
    const said = await pulumi(programs, tree, stack, ["--json", "--show-sames", "--save-plan", plan, "--show-secrets"], { PULUMI_DEBUG_PROVIDERS: commands });
    const digest = parsed(said.stdout);
    if (said.code !== 0 || digest === undefined) throw new PreviewFailed(digestProblem(digest) ?? problem(said));
    const made = madeUpState(plannedResources(digest, JSON.parse(fs.readFileSync(plan, "utf8")), resources ?? []));
    fs.rmSync(plan);
    resources = made.resources;
    if (made.unknown.length === 0) break;
  }
  return resources ?? [];
}

/** What an `up` of a tree would do to a stack in that state, and what the tree's policy pack says of it. */
export async function previewAgainst(programs: Programs, tree: string, project: string, stack: string, state: readonly StateResource[] | null): Promise<PreviewOutcome> {
  putState(tree, project, stack, state);
  const said = await pulumi(programs, tree, stack, ["--json", "--show-sames", ...policyPack(tree)], { PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" });
  const events = said.stdout.split("\n").filter((line) => line.startsWith("{")).join("\n");
  const outcome = previewOutcome(events);
  // Rules that are not kept are told as such; everything else that ends a preview has to be told as well.
  const told = said.code === 0 || outcome.problems.length > 0 || outcome.policies.some(({ level }) => level === "mandatory");
  return told ? outcome : { ...outcome, problems: [problem(said)] };
}

/** The same in Pulumi's own words. The state is the one of the preview before. */
export async function previewText(programs: Programs, tree: string, stack: string): Promise<string> {
  const { stdout, stderr } = await pulumi(programs, tree, stack, ["--diff", ...policyPack(tree)]);
  return `${stdout.trimEnd()}\n${stderr}`;
}

async function pulumi(programs: Programs, tree: string, stack: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<ProgramOutcome> {
  const said = await programs.run("pulumi", ["preview", "--stack", stack, "--non-interactive", "--color", "never", ...args], tree, environment);
  if (said.code === null && /ENOENT/.test(said.stderr)) throw failure("there is no Pulumi CLI: run `npm start -- --review` first");
  return said;
}

function parsed(text: string): { readonly diagnostics?: readonly { readonly severity: string; readonly message: string }[] } | undefined {
  try {
    return JSON.parse(text) as ReturnType<typeof parsed>;
  } catch {
    return undefined;
  }
}

function digestProblem(digest: ReturnType<typeof parsed>): string | undefined {
  const errors = (digest?.diagnostics ?? []).filter(({ severity }) => severity === "error").map(({ message }) => message.trim());
  return errors.length > 0 ? [...new Set(errors)].join("\n") : undefined;
}

function problem({ code, stdout, stderr }: ProgramOutcome): string {
  return pulumiProblem(`${stdout}\n${stderr}`) || `pulumi preview ended with exit code ${code} without a word`;
}
