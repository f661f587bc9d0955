import * as fs from "node:fs";
import * as path from "node:path";
import { Command } from "commander";
import { CHANGELOG } from "../../config/changelog/text";
import { promotionStanding } from "../../config/promotionEvidence";
import { readReleases, stackConfigurationHash } from "../../config/releases";
import { stands, withOverrides, type JudgedItem } from "../../domain/promotion/overrides";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { productionMeans as deployMeans, type DeployMeans } from "../deploy/means";
import { demandMade, isMade, oneDeployAtATime } from "../deploy/owner";
import { deployStack } from "../deploy/run";
import { deployedDocument, deployedLines } from "../deploy/text";
import { previewUp } from "../deploy/up";
import { EXIT, failure, usage } from "../errors";
import { personHere } from "../halts";
import { judge, productionMeans, type Judged, type JudgeMeans } from "../promotion/judge";
import { inOneCommit, interrupted, settle } from "../promotion/oneCommit";
import { planPromotion, promotionId, stackFileName, type Plan } from "../promotion/plan";
import { strategyPage } from "../promotion/strategyPage";
import { failingText, itemsText } from "../promotion/text";
import { changedBelow, newestCommitOf, reasonAgainstCommit } from "../repository";
import { knownReleases } from "../rollback/stored";
import { declaredStack, owner, type DeclaredStack } from "../stack";
import { reasonOf } from "./halt";

interface Options {
  readonly from?: string;
  readonly to: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly renew?: boolean;
  readonly override: readonly string[];
  readonly reason?: string;
}

export interface PromoteMeans extends JudgeMeans {
  readonly deploy: DeployMeans;
  /** Told of each step that was made. */
  reached(step: string): void;
}

const MEANS: PromoteMeans = { ...productionMeans, deploy: deployMeans, reached: () => undefined };

/** `promote`: what paper has proven becomes live, as one commit, or is refused with what is missing. */
export function promoteCommand(context: Context, wrap: Wrap, means: PromoteMeans = MEANS): Command {
  const each = (value: string, earlier: readonly string[]) => [...earlier, value];
  return new Command("promote")
    .description("promote the images and strategies that a paper stack runs to a live stack, when all that is asked for holds: one commit, a preview, and after confirmation an up; exit code 2 names what does not hold")
    .option("--from <stack>", "paper stack that is promoted; --stack when left out")
    .option("--to <stack>", "live stack that is promoted to; its file says what is asked for", "live")
    .option("--dry-run", "show what holds and what would be written, and change nothing")
    .option("--reason <text>", "why, kept in the evidence; needed where the strategy changes or a condition is overridden")
    .option("--override <condition>", "promote although this condition does not hold; may be given several times", each, [])
    .option("--renew", "promote again what is promoted already: new evidence, and its first days begin anew")
    .option("--yes", "bring the live stack up without asking")
    .action(wrap<Options>((options) => promote(context, means, options)));
}

interface Wish {
  readonly from: DeclaredStack;
  readonly to: DeclaredStack & { readonly configuration: Extract<DeclaredStack["configuration"], { mode: "live" }> };
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly renew: boolean;
  readonly overrides: readonly string[];
  readonly reason: string | null;
}

async function promote(context: Context, means: PromoteMeans, { stack, from = stack, to, ...options }: Options & GlobalOptions): Promise<Outcome> {
  const { root } = context;
  const reason = options.reason === undefined ? null : reasonOf(options.reason);
  if (options.override.length > 0 && reason === null) throw usage("--override goes with --reason: what is overridden is shown with it for as long as it is in force; nothing was changed");
  if (from === to) throw usage(`stack ${from} is not promoted to itself: --from PAPER --to LIVE; nothing was changed`);
  owner(root);
  const left = interrupted(root, to);
  if (left !== undefined && options.dryRun === true) throw failure(`promotion ${left} was interrupted: run this without --dry-run, which ends it or takes it back; nothing was changed`);
  const wish = { dryRun: options.dryRun === true, yes: options.yes === true, renew: options.renew === true, overrides: options.override, reason };
  const declared = () => ({ from: declaredStack(root, from), to: liveOf(declaredStack(root, to), declaredStack(root, from)) });
  // What does not hold is told before there is a stack to bring it to.
  if (wish.dryRun || !isMade(root, to)) return await promoteNow(context, means, { ...wish, ...declared() });
  // What cannot be promoted at all is said before what is in its way.
  if (left === undefined) declared();
  return await oneDeployAtATime(root, to, async () => {
    // Stack files are read again after this: an interrupted promotion may have left them half changed.
    const settled = await settle(root, to);
    if (settled !== undefined) context.writeError(`- promotion ${settled.id} was interrupted: ${settled.became === "committed" ? "it is in its commit" : "what it had written is taken back"}\n`);
    return await promoteNow(context, means, { ...wish, ...declared() });
  });
}

function liveOf(to: DeclaredStack, from: DeclaredStack): Wish["to"] {
  if (from.configuration.mode !== "paper") throw usage(`stack ${from.stack} is ${from.configuration.mode}; --from takes a paper stack; nothing was changed`);
  const { configuration } = to;
  if (configuration.mode !== "live") throw usage(`stack ${to.stack} is ${configuration.mode}; --to takes a live stack; nothing was changed`);
  return { ...to, configuration };
}

async function promoteNow(context: Context, means: PromoteMeans, wish: Wish): Promise<Outcome> {
  const { root } = context;
  const { from, to } = wish;
  const standing = promotionStanding(root, to.stack, to.configuration);
  const newest = readReleases(root, from.stack).at(-1);
  if (standing.mayRun && standing.evidence !== null && newest !== undefined && standing.evidence.from.release === newest.id && !wish.renew) {
    return await promotedAlready(context, means, wish, standing.evidence.id, newest.id);
  }
  const bots = from.configuration.bots.filter(({ name }) => to.configuration.bots.some((bot) => bot.name === name));
  await demandCleanFiles(root, to.stack, bots.map(({ strategy }) => strategy));
  const judged = await judge(context, means, { from, bots, to, toName: to.stack });
  const several = bots.length > 1;
  const { items, problems, needless } = withOverrides(judged.items, wish.overrides, wish.reason);
  const failing = items.filter((item) => !stands(item));
  if (problems.length > 0) throw usage(`${problems.map((problem) => `--override: ${problem}`).join("; ")}; what does not hold:\n${failing.map((item) => `  ${failingText(item, several)}`).join("\n")}\nnothing was changed`);
  const table = tableText(items, judged, needless, several);
  const document = { from: from.stack, to: to.stack, release: judged.release?.id ?? null, items, unproven: judged.unproven, notes: judged.notes, failing: failing.map(({ id }) => id) };
  if (failing.length > 0 || judged.release === undefined) {
    const head = `Stack ${from.stack} is NOT promoted to ${to.stack}: ${failing.length} of ${items.length} conditions do not hold; nothing was changed.`;
    return { exitCode: EXIT.usage, text: `${table}${head}\n${failing.map((item) => `  ${failingText(item, several)}\n`).join("")}`, document: { ...document, promoted: false, committed: false, up: false } };
  }
  const now = context.now();
  const plan = planPromotion({ id: promotionId(now), now, who: personHere(), reason: wish.reason, from, to, release: judged.release, items, unproven: judged.unproven, limits: judged.limits, textOf: textOf(root) });
  const planned = { ...document, promotion: plan.evidence.id, evidence: plan.files[0]!.name, files: plan.files.map(({ name }) => name), changes: plan.changes };
  if (wish.dryRun) return { exitCode: EXIT.ok, text: `${table}${planText(plan, wish)}Nothing was changed (--dry-run).\n`, document: { ...planned, promoted: false, committed: false, up: false } };

  context.writeError(`${table}${planText(plan, wish)}`);
  demandMade(root, to.stack);
  context.whenInterrupted(`the promotion may be half written: npx trading promote --from ${from.stack} --to ${to.stack} again ends it or takes it back`);
  await inOneCommit(root, to.stack, plan.evidence.id, plan.files, plan.message, (step) => means.reached(step));
  return await bringUp(context, means, wish, plan.evidence.id, `Committed: ${plan.message}`, { ...planned, promoted: true, committed: true });
}

/** Files that a promotion writes must not hold changes of the owner's: they would be in its commit. */
async function demandCleanFiles(root: string, stack: string, strategies: readonly string[]): Promise<void> {
  const against = await reasonAgainstCommit(root);
  if (against !== null) throw usage(`a promotion is a commit, and nothing can be committed here: ${against}; nothing was changed`);
  const names = [stackFileName(stack), CHANGELOG, ...new Set(strategies.map(strategyPage))];
  const dirty = (await Promise.all(names.map((name) => changedBelow(root, name)))).flat().map(({ name }) => name);
  if (dirty.length > 0) throw usage(`${dirty.join(", ")} ${dirty.length === 1 ? "has" : "have"} changes that are in no commit, and a promotion writes there: commit them or put them away first; nothing was changed`);
}

/** The same release again: what is left to do of it, and nothing new. */
async function promotedAlready(context: Context, means: PromoteMeans, wish: Wish, promotion: string, release: string): Promise<Outcome> {
  const { from, to } = wish;
  const said = `${release} of stack ${from.stack} is promoted to ${to.stack} already (${promotion})`;
  const document = { from: from.stack, to: to.stack, release, promotion, promoted: true, committed: true };
  const dirty = (await changedBelow(context.root, stackFileName(to.stack))).map(({ name }) => name);
  if (dirty.length > 0) throw usage(`${said}, and ${dirty.join(", ")} has changes that are in no commit: commit them or put them away first; nothing was changed`);
  if (isUp(context.root, to)) return { exitCode: EXIT.ok, text: `${said}, and ${to.stack} runs it. --renew promotes it again.\n`, document: { ...document, up: true } };
  if (wish.dryRun) return { exitCode: EXIT.ok, text: `${said}, and ${to.stack} was not brought up with it yet. Nothing was changed (--dry-run).\n`, document: { ...document, up: false } };
  demandMade(context.root, to.stack);
  return await bringUp(context, means, wish, promotion, `${said}; ${to.stack} was not brought up with it yet`, document);
}

/** Whether the newest good `up` of a stack was with its file as it is. */
function isUp(root: string, { stack, configuration }: Wish["to"]): boolean {
  const newest = readReleases(root, stack).at(-1);
  if (newest === undefined || newest.configurationHash !== stackConfigurationHash(configuration)) return false;
  return newest.stackFile.includes(configuration.release.promotion?.evidence ?? "\0") && Object.entries(configuration.release.images).every(([name, id]) => newest.imageNames[name] === id);
}

/** Preview, confirmation, deploy: the commit stands whatever comes of them, unless the deploy goes back. */
async function bringUp(context: Context, means: PromoteMeans, { to: { stack }, yes }: Wish, promotion: string, done: string, document: object): Promise<Outcome> {
  const { root } = context;
  const command = `npx trading deploy --stack ${stack}`;
  const commit = await newestCommitOf(root, stackFileName(stack));
  const next = `to go on: ${command}; to take the promotion back instead: git revert ${commit ?? "COMMIT"}`;
  context.whenInterrupted(`the promotion ${promotion} is committed and stack ${stack} may not be up with it; ${next}`);
  const left = (why: string, exitCode: number): Outcome => ({ exitCode, text: `${done}\n${why}; ${next}\n`, document: { ...document, up: false, next: command } });
  context.writeError(`${done}\n- asking Pulumi what the stack would do\n`);
  context.writeError(`${await previewUp(context, means.deploy, stack, { stands: `${promotion} is committed, and nothing of it was brought up; ${next}` })}\n\n`);
  means.reached("previewed");
  if (!yes) {
    const answer = await context.ask(`Bring stack ${stack} up with it? Type the stack's name: `);
    if (answer === undefined) return left(`Nobody can be asked here, and --yes was not given: stack ${stack} is as before`, EXIT.ok);
    if (answer.trim() !== stack) return left(`"${answer.trim()}" is not "${stack}": stack ${stack} is as before`, EXIT.failed);
  }
  // Its file is another one since the promotion was committed.
  const deployed = await deployStack(context, means.deploy, declaredStack(root, stack), await knownReleases(root, stack));
  means.reached("deployed");
  const up = deployed.result === "good";
  const way = deployed.result === "untouched" || deployed.result === "stopped" ? [`${promotion} is committed; ${next}`] : [];
  return { exitCode: up ? EXIT.ok : EXIT.failed, text: `${[done, ...deployedLines(stack, deployed), ...way].join("\n")}\n`, document: { ...document, up, deploy: deployedDocument(stack, deployed), ...(up ? {} : { next: command }) } };
}

function tableText(items: readonly JudgedItem[], { unproven, notes }: Judged, needless: readonly string[], several: boolean): string {
  const lines = [
    itemsText(items, several),
    ...unproven.map((line) => `Not proven: ${line}`),
    ...notes.map((note) => `Note: ${note}`),
    ...needless.map((name) => `Note: --override ${name} is not needed: the condition holds`),
  ];
  return `${lines.join("\n")}\n`;
}

function planText({ evidence, files, changes }: Plan, { from, to }: Wish): string {
  const overridden = evidence.items.filter((item) => item.overridden !== null).map(({ id, bot }) => `${id}${bot === null ? "" : ` of bot ${bot}`}`);
  const { days, fraction } = to.configuration.promotion.canary;
  const lines = [
    `Promotion ${evidence.id}: ${evidence.from.release} of stack ${from.stack} to ${to.stack}, as one commit of ${files.map(({ name }) => name).join(", ")}`,
    ...changes.map((change) => `  ${change}`),
    ...(overridden.length === 0 ? [] : [`  overridden: ${overridden.join(", ")}: ${evidence.reason ?? ""}`]),
    ...(days === 0 ? [] : [`  canary: for ${days} days ${fraction} of each entry and of the limits of ${to.stack}`]),
  ];
  return `${lines.join("\n")}\n`;
}

function textOf(root: string): (name: string) => string | undefined {
  return (name) => {
    try {
      return fs.readFileSync(path.join(root, ...name.split("/")), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  };
}
