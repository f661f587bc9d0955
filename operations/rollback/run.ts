import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { CLONE_FOLDER } from "../../config/clone";
import { CHANGELOG } from "../../config/changelog/text";
import { passesFreeze } from "../../config/deployment";
import { frozenText, wayOut } from "../../config/freezeGate";
import { git } from "../../config/git";
import { readReleases, type Release } from "../../config/releases";
import { isFrozen } from "../../control/freezes";
import { Services } from "../backup/services";
import { botServices, knownSchemas } from "../backup/restoreHost";
import { writeStackFileChange } from "../changelog/changelogFile";
import { writeWhole } from "../collect";
import type { Context } from "../context";
import { bringImagesBack } from "../deploy/images";
import type { DeployMeans } from "../deploy/means";
import { openPositions } from "../deploy/positions";
import { botLines, botsOf, bringUp } from "../deploy/up";
import type { ContainerFact, Engine } from "../engine";
import { CommandError, failure } from "../errors";
import { freezesHere, haltsHere } from "../haltsHere";
import { commitFiles, textInHead } from "../repository";
import { declaredBy, declaredStack, owner, type DeclaredStack } from "../stack";
import { readJournal, writeJournal, type RollbackJournal } from "./journal";
import type { RollbackFacts } from "./plan";
import { readDeployedSchemas, readReleaseSchemas, followsIn } from "./readSchemas";
import { judgeSchemas, migrationNumber } from "./schema";
import { storedRelease, textOf, type StoredRelease } from "./stored";

export interface RollbackRequest {
  readonly stack: string;
  readonly target: Release;
  /** The release that runs; undefined where what runs is none. */
  readonly running: Release | undefined;
  readonly keepPositions: boolean;
  readonly anySchema: boolean;
}

/** A rollback that is known to be possible. Nothing of the stack was touched for it. */
export interface PreparedRollback {
  readonly request: RollbackRequest;
  readonly stored: StoredRelease;
  readonly declared: DeclaredStack;
  readonly facts: RollbackFacts;
}

/**
 * Finds out what a rollback needs and what it would mean. Images that Docker has thrown away are brought back for it.
 *
 * @param releases every release that is known, oldest first
 * @throws {CommandError} where the release cannot be deployed
 */
export async function prepareRollback(context: Context, means: DeployMeans, request: RollbackRequest, releases: readonly Release[]): Promise<PreparedRollback> {
  const { root } = context;
  const { stack, target, keepPositions, anySchema } = request;
  const stored = await storedRelease(root, target);
  const declared = declaredBy(stack, stored.configuration);
  const engine = context.engine();
  const containers = await ownContainers(context, engine, stack);
  const images = Object.fromEntries(containers.map(({ service, imageId }) => [service, imageId]));
  const newestKnown = Math.max(0, ...releases.map(({ schemaVersion }) => schemaVersion), ...knownSchemas(root).map(migrationNumber));
  const [broughtBack, deployed, positions] = await Promise.all([
    bringImagesBack(context, means, declared, target),
    readDeployedSchemas(means, stack, newestKnown),
    openPositions(context, means, stack, presentPagePort(root, stack) ?? declared.pagePort),
  ]);
  const schema = judgeSchemas(target, deployed, await readReleaseSchemas(means, target, images), followsIn(root));
  const facts: RollbackFacts = {
    ...{ stack, target, source: stored.source, running: request.running, containers: images, broughtBack, schema, keepPositions, anySchema },
    positions,
    inForce: inForceHere(root, stack, context.now()),
    frozen: frozenAgainst(context, stored, target),
    keptAs: await keptAs(context, stack, stored),
  };
  return { request, stored, declared, facts };
}

/** Every container of the stack, all of them this clone's. */
async function ownContainers(context: Context, engine: Engine, stack: string): Promise<ContainerFact[]> {
  const mine = owner(context.root);
  const containers = await engine.containers(stack);
  const foreign = containers.filter((container) => container.owner !== mine);
  if (foreign.length > 0) throw failure(`containers of stack ${stack} belong to another clone of this project and were left as they are: ${foreign.map(({ name }) => name).join(", ")}`);
  return containers;
}

/** The stack's file may be what is wrong. */
function presentPagePort(root: string, stack: string): number | undefined {
  try {
    return declaredStack(root, stack).pagePort;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

function inForceHere(root: string, stack: string, now: number): string[] {
  const { halts, unreadable, problem } = haltsHere(root, stack);
  const freezes = freezesHere(root, stack, now);
  return [
    ...(problem === null ? [] : [`whether anything is halted cannot be read, which holds the bots: ${problem}`]),
    ...halts.map(({ id, level, bot, reason }) => `halt ${id} at level ${level}${bot === null ? "" : ` of bot ${bot}`}: ${reason}`),
    ...unreadable.map((name) => `halt ${name.replace(/\.json$/, "")}, whose record cannot be read`),
    ...freezes.entries.map(({ id, reason }) => `freeze ${id}: ${reason}`),
    ...freezes.unreadable.map((name) => `freeze ${name.replace(/\.json$/, "")}, whose record cannot be read`),
  ];
}

/** What the freeze gate would say once everything is changed; null where nothing is frozen, or it lets the release through. */
function frozenAgainst({ root, now }: Context, { configuration }: StoredRelease, { stack }: Release): string | null {
  const freezes = freezesHere(root, stack, now());
  if (!isFrozen(freezes)) return null;
  const { passes, because } = passesFreeze({ stack, configuration, images: configuration.release.images }, readReleases(root, stack));
  return passes ? null : `${frozenText(stack, freezes)}\n${because}.\n${wayOut(stack, freezes)}`;
}

/** A stack's file that no commit has would be lost: it is kept beside the records. */
async function keptAs(context: Context, stack: string, { files }: StoredRelease): Promise<string | null> {
  const name = `Pulumi.${stack}.yaml`;
  // Windows may have other ends of lines than Git keeps.
  const [now, next, committed] = [textOf(context.root, name), files[name], await textInHead(context.root, name)].map((text) => text?.replaceAll("\r\n", "\n"));
  if (now === undefined || now === next || now === committed) return null;
  const moment = new Date(context.now()).toISOString().replace(/[-:]/g, "").slice(0, 15);
  return `${CLONE_FOLDER}/stacks/${stack}/replaced/Pulumi.${stack}.${moment}.yaml`;
}

/** What Pulumi would do with the release's file, while the one in the folder stays as it is. */
export async function withReleaseFile<T>(stack: string, { files }: StoredRelease, work: (file: string) => Promise<T>): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "trading-preview-"));
  try {
    const file = path.join(folder, `Pulumi.${stack}.yaml`);
    fs.writeFileSync(file, files[`Pulumi.${stack}.yaml`]!, { mode: 0o600 });
    return await work(file);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** What came of a rollback that came through. */
export interface RolledBack {
  /** The commit that holds it; null where nothing was to be committed, or it could not be. */
  readonly commit: string | null;
  /** Why it is in no commit; null where it is. */
  readonly uncommitted: string | null;
  /** Where the stack's file is kept as it was before, when no commit has it; null where one does. */
  readonly kept: string | null;
  readonly upSeconds: number;
  /** One line for each bot. */
  readonly bots: readonly string[];
}

/** What there is to know of a rollback that came through, one line each. */
export function doneLines(stack: string, { bots, uncommitted, kept }: RolledBack): string[] {
  return [
    ...bots,
    ...(uncommitted === null ? [] : [`Pulumi.${stack}.yaml is in no commit: ${uncommitted}`]),
    ...(kept === null ? [] : [`The stack's file as it was before, which is in no commit: ${kept}`]),
  ];
}

/**
 * Puts the release's stack file in its place, commits it, stops the bots and brings the stack up. Each step can be done again:
 * killed at any of them, the same command completes it.
 *
 * @throws {CommandError} where the release does not come up healthy either
 */
export async function carryOutRollback(context: Context, means: DeployMeans, { request, stored, declared, facts }: PreparedRollback): Promise<RolledBack> {
  const { root } = context;
  const { stack, target, running, keepPositions, anySchema } = request;
  const again = `npx trading rollback --stack ${stack} --to ${target.id} completes it`;
  const earlier = readJournal(root, stack);
  const unfinished = earlier?.to === target.id && earlier.doneAt === null ? earlier : undefined;
  // What ran when it was begun is what one goes forward to again, however often it is gone on with.
  const left = unfinished === undefined ? (running?.id ?? null) : unfinished.left;
  let journal: RollbackJournal = { format: 1, stack, to: target.id, left, startedAt: new Date(context.now()).toISOString(), keepPositions, anySchema, noted: unfinished?.noted === true, doneAt: null };
  const save = (change: Partial<RollbackJournal>) => writeJournal(root, (journal = { ...journal, ...change }));
  save({});
  context.whenInterrupted(`the rollback of stack ${stack} to ${target.id} has begun: ${again}`);

  const name = `Pulumi.${stack}.yaml`;
  const now = textOf(root, name) ?? "";
  if (facts.keptAs !== null) writeWhole(path.join(root, ...facts.keptAs.split("/")), now);
  // Before the stack's file is another one: what it changes would not be known afterwards.
  if (await writeStackFileChange(root, { stack, before: now, after: stored.files[name]!, reason: `rolled back to ${target.id}`, now: context.now() })) save({ noted: true });
  for (const [file, text] of Object.entries(stored.files)) if (textOf(root, file) !== text) writeWhole(path.join(root, ...file.split("/")), text);
  const before = await headOf(root);
  const { reason } = await commitFiles(root, [...Object.keys(stored.files), ...(journal.noted ? [CHANGELOG] : [])], `Rollback of stack ${stack} to ${target.id}${left === null ? "" : `, from ${left}`}`);
  const after = await headOf(root);
  if (reason !== null) context.writeError(`- ${name} is in no commit (${reason}); the rollback goes on\n`);

  const services = new Services(context, context.engine(), declared);
  context.writeError("- stopping the bots\n");
  await services.stop(await botContainers(context, stack, declared));
  context.writeError(`- bringing ${target.id} up\n`);
  const { good, why, seconds } = await bringUp(context, means, stack);
  if (!good) {
    const last = anySchema && facts.schema.problems.length > 0 ? facts.schema.problems.flatMap(({ restore }) => (restore === null ? [] : [`next, to take the data back as well: ${restore}`])) : [];
    throw failure([`release ${target.id} did not come up healthy:`, ...why.map((line) => `  ${line}`), ...last, `when that is mended, ${again}`].join("\n"), { stack, target: target.id });
  }
  save({ doneAt: new Date(context.now()).toISOString() });
  return { commit: after !== before ? after : null, uncommitted: reason, kept: facts.keptAs, upSeconds: seconds, bots: botLines(await botsOf(context, means, stack)) };
}

/** Bots that run now as well as those of the release: one that the release does not know must not go on either. */
async function botContainers(context: Context, stack: string, declared: DeclaredStack): Promise<string[]> {
  const present = (await context.engine().containers(stack)).map(({ service }) => service).filter((service) => service.startsWith("bot-"));
  return [...new Set([...present, ...botServices(declared)])];
}

async function headOf(root: string): Promise<string | null> {
  const { code, stdout } = await git(root, ["rev-parse", "--verify", "--quiet", "HEAD"]);
  return code === 0 ? stdout.trim() : null;
}
