import { Command, Option } from "commander";
import { Services } from "../backup/services";
import { backupContainer, BackupService } from "../backup/backupService";
import { readCatalog } from "../backup/catalog";
import { ensureVolume, removeVolume } from "../backup/docker";
import { losses } from "../backup/losses";
import { lostText } from "../backup/lostArtifacts";
import { restoreConfiguration } from "../backup/restoreConfiguration";
import { botServices, dockerHost, knownSchemas, type RestoreHost } from "../backup/restoreHost";
import { RestoreJournalFile, type RestoreJournal, type RestoreKind } from "../backup/restoreJournal";
import { usersOf } from "../backup/restoreParts";
import { neededBytes, planText, refusals } from "../backup/restorePlan";
import { RestoreRun, type Restored, type RestoreWorld } from "../backup/restoreRun";
import { chooseTarget, describeTo, parseTo, type Target } from "../backup/restoreTarget";
import { toolSite } from "../backup/site";
import { workVolume, type Copy, type ToolSite } from "../backup/toolContainer";
import { dockerTools, type Tools } from "../backup/tools";
import { pointIdAt } from "../../domain/backup/recoveryPoint";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { CommandError, EXIT, failure, usage } from "../errors";
import { duration } from "../format";
import { underLock } from "../lock";
import { checkStackName, declaredStack, type DeclaredStack } from "../stack";

export interface RestoreOptions extends GlobalOptions {
  readonly to?: string;
  readonly only?: "db" | "mlflow" | "config";
  readonly from?: Copy;
  readonly fromStack?: string;
  readonly allowOtherStack?: boolean;
  readonly confirm?: string;
  readonly release?: string;
  readonly goBack?: boolean;
  readonly safetyPoint: boolean;
}

/** What the command needs of the world beyond its context; tests put their own in its place. */
export interface RestoreMeans {
  readonly tools: Tools;
  readonly host: RestoreHost;
  site(context: Context, declared: DeclaredStack, backupsOf: string): Promise<ToolSite>;
  workspace(site: ToolSite): RestoreWorld["workspace"];
}

/** A restore may take hours; a lock is left behind when its process is gone, or after this. */
const LOCK_MILLISECONDS = 24 * 3_600_000;

const production: RestoreMeans = {
  tools: dockerTools(),
  host: dockerHost(),
  site: toolSite,
  workspace: ({ stack, owner }) => ({
    make: () => ensureVolume(workVolume(stack), { owner, stack, service: "backup" }),
    remove: () => removeVolume(workVolume(stack)),
  }),
};

/** `restore`: a stack's data as it was, with the old data kept until the new is verified. */
export function restoreCommand(context: Context, wrap: Wrap, means: RestoreMeans = production): Command {
  return new Command("restore")
    .description("bring a stack's data back as it was at a moment; run it again after an interruption and it goes on")
    .option("--to <what>", "latest, a backup's id (npx trading backups) or a time such as 2026-11-21T14:30:00Z; latest when left out")
    .addOption(new Option("--only <part>", "the trading database, MLflow's database with its artifacts, or the stack's configuration, runbooks and documents").choices(["db", "mlflow", "config"]))
    .addOption(new Option("--from <copy>", "copy of the backups to read").choices(["first", "second"]))
    .option("--from-stack <name>", "stack whose backups are read; this stack's own when left out")
    .option("--allow-other-stack", "the backup may be of another stack")
    .option("--confirm <stack>", "the stack's name again, where nobody can be asked")
    .option("--no-safety-point", "begin although no recovery point of what is there now can be taken")
    .option("--go-back", "undo a restore that was interrupted or failed, as long as the old data is there")
    .option("--release <commit>", "with --only config: tag or commit to take it from; when left out the newest tag stable/STACK/..., which has to be set by hand (git tag)")
    .action(wrap<RestoreOptions>((options) => restore(context, means, { ...options, stack: checkStackName(options.stack) })));
}

async function restore(context: Context, means: RestoreMeans, options: RestoreOptions): Promise<Outcome> {
  const { stack, confirm } = options;
  if (confirm !== undefined && confirm !== stack) throw usage(`--confirm is "${confirm}" and the stack is "${stack}": they must be the same; nothing was changed`);
  if (options.release !== undefined && options.only !== "config") throw usage("--release goes with --only config");
  if (options.only === "config") {
    const data = ["to", "from", "fromStack", "allowOtherStack", "goBack"] as const;
    if (data.some((key) => options[key] !== undefined)) throw usage("--only config takes --release and --confirm: configuration comes from Git");
    return await restoreConfiguration(context, { stack, confirm, release: options.release });
  }
  parseTo(options.to);
  const declared = declaredStack(context.root, stack);
  const journal = new RestoreJournalFile(context.root, stack);
  return await oneAtATime(journal, () => restoreData(context, means, declared, journal, options));
}

/** A second restore of the same stack is refused with what the first one does. */
async function oneAtATime(journal: RestoreJournalFile, work: () => Promise<Outcome>): Promise<Outcome> {
  let begun = false;
  try {
    return await underLock(
      `${journal.path}.lock`,
      () => {
        begun = true;
        return work();
      },
      { timeoutMilliseconds: 0, staleMilliseconds: LOCK_MILLISECONDS },
    );
  } catch (error) {
    if (begun || !(error instanceof CommandError)) throw error;
    const first = journal.read();
    const what = first === undefined ? "is being prepared" : `to ${first.description}, begun ${first.startedAt}, is at "${first.phase}"`;
    throw failure(`a restore of this stack ${what}: ${error.message}`);
  }
}

async function restoreData(context: Context, means: RestoreMeans, declared: DeclaredStack, file: RestoreJournalFile, options: RestoreOptions): Promise<Outcome> {
  const unfinished = file.read();
  if (unfinished !== undefined) return await goOn(context, means, declared, file, unfinished, options);
  if (options.goBack === true) throw usage(`no restore of stack ${declared.stack} is unfinished: there is nothing to go back from`);
  const { stack } = declared;
  const { kind, from, fromStack } = chosen(options);
  const site = await means.site(context, declared, fromStack);
  const engine = context.engine();
  const services = new Services(context, engine, declared);

  context.writeError(`- reading which backups the ${from} copy holds\n`);
  let catalog = await readCatalog(means.tools, site, from);
  let target = chooseTarget(parseTo(options.to), catalog);
  const runningBots = await services.runningBots();
  const [timescaleVersion, freeBytes] = [await means.host.timescaleVersion(site), await means.host.freeBytes(site)];
  const problems = refusals({
    ...{ stack, kind, target, fromStack, timescaleVersion, freeBytes, runningBots },
    mode: declared.configuration.mode,
    otherStackAllowed: options.allowOtherStack === true,
    knownSchemas: { trading: knownSchemas(context.root), mlflow: await means.host.mlflowRevisions(stack) },
    confirmed: options.confirm !== undefined,
  });
  if (problems.length > 0) throw failure(`${problems.join("\n       ")}\n       nothing was changed`, { stack, problems });

  const databases = kind === "all" ? ["trading", "mlflow"] : kind === "db" ? ["trading"] : ["mlflow"];
  const now = await means.host.content(stack, databases, target.at);
  const answers = !(now instanceof CommandError);
  if (!answers && kind !== "all") throw failure(`${now.message}: one database alone is restored into the running server; without --only the whole of it is restored`);
  const users = usersOf(kind, botServices(declared));
  await ask(context, options, planText({ stack, kind, target, lost: answers ? losses(now, target.base.databases) : now.message, safety: safetyText(answers, options), stops: users }));

  const safetyPoint = answers && options.safetyPoint ? await takeSafetyPoint(context, stack) : null;
  if (safetyPoint !== null && target.to.kind === "latest" && from === "first") {
    // The point that was just taken is part of what is newest.
    catalog = await readCatalog(means.tools, site, from);
    target = chooseTarget(target.to, catalog);
  }
  const journal = freshJournal(context, { stack, kind, from, fromStack, target, safetyPoint });
  file.write(journal);
  return await carryOut(context, means, declared, file, site, journal);
}

function chosen({ only, from = "first", fromStack, stack }: RestoreOptions): { kind: RestoreKind; from: Copy; fromStack: string } {
  if (fromStack !== undefined) checkStackName(fromStack);
  return { kind: only === "db" || only === "mlflow" ? only : "all", from, fromStack: fromStack ?? stack };
}

function safetyText(answers: boolean, { safetyPoint }: RestoreOptions): string {
  if (!answers) return "The database does not answer: no recovery point of what is there now can be taken; the old data is kept until the new is verified.";
  return safetyPoint ? "First a recovery point of what is there now is taken." : "No recovery point of what is there now is taken (--no-safety-point).";
}

function freshJournal(context: Context, facts: { stack: string; kind: RestoreKind; from: Copy; fromStack: string; target: Target; safetyPoint: string | null }): RestoreJournal {
  const { target, kind, ...rest } = facts;
  const now = context.now();
  return {
    ...{ format: 1, id: pointIdAt(now), startedAt: new Date(now).toISOString(), process: process.pid, kind, ...rest },
    ...{ to: target.to, description: describeTo(target.to), phase: "restoring", expected: null, stoppedAt: null, lost: [], neededBytes: neededBytes(kind, target) },
    artifacts: kind === "db" || target.artifacts === null ? null : { point: target.artifacts.point, snapshot: target.artifacts.snapshot },
  };
}

async function ask(context: Context, { stack, confirm }: RestoreOptions, text: string): Promise<void> {
  context.writeError(`\n${text}\n`);
  if (confirm !== undefined) return;
  const answer = await context.ask(`Type the stack's name to restore it: `);
  if (answer === undefined) throw usage(`nobody can be asked here: add --confirm ${stack} to restore; nothing was changed`);
  if (answer.trim() !== stack) throw failure(`"${answer.trim()}" is not "${stack}": nothing was changed`);
}

async function takeSafetyPoint(context: Context, stack: string): Promise<string> {
  const otherwise = "nothing was changed; --no-safety-point goes on without";
  context.writeError("- taking a recovery point of what is there now\n");
  try {
    const engine = context.engine();
    const service = new BackupService(context, engine, await backupContainer(context, engine, stack));
    // One that is under way does not hold what was written since it looked.
    const run = await service.freshRun("point", (text) => context.writeError(`-   ${text}\n`));
    if (run.outcome === "good" && run.point !== null) return run.point;
    throw failure(run.reason);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw failure(`no recovery point of what is there now could be taken: ${error.message}; ${otherwise}`);
  }
}

async function goOn(context: Context, means: RestoreMeans, declared: DeclaredStack, file: RestoreJournalFile, journal: RestoreJournal, options: RestoreOptions): Promise<Outcome> {
  const { stack } = declared;
  const other = (["to", "only", "from", "fromStack"] as const).filter((key) => options[key] !== undefined && !sameRequest(key, options, journal));
  if (other.length > 0) {
    throw usage(`a restore of stack ${stack} to ${journal.description}, begun ${journal.startedAt}, is unfinished: run npx trading restore --stack ${stack} to complete it, or with --go-back to undo it; nothing was changed`);
  }
  const back = options.goBack === true || journal.phase === "goingBack";
  context.writeError(`- the restore to ${journal.description}, begun ${journal.startedAt}, was interrupted at "${journal.phase}": ${back ? "going back" : "going on"}\n`);
  const site = await means.site(context, declared, journal.fromStack);
  const taken = { ...journal, process: process.pid };
  file.write(taken);
  if (!back) return await carryOut(context, means, declared, file, site, taken);
  await runOf(context, means, declared, file, site, taken).goBack();
  return { exitCode: EXIT.ok, text: `Stack ${stack} is as it was before the restore to ${journal.description}.\n`, document: { stack, restored: false, wentBack: true } };
}

function sameRequest(key: "to" | "only" | "from" | "fromStack", options: RestoreOptions, journal: RestoreJournal): boolean {
  if (key === "to") return JSON.stringify(parseTo(options.to)) === JSON.stringify(journal.to);
  return { only: journal.kind, from: journal.from, fromStack: journal.fromStack }[key] === options[key];
}

function runOf(context: Context, means: RestoreMeans, declared: DeclaredStack, journal: RestoreJournalFile, site: ToolSite, state: RestoreJournal): RestoreRun {
  return new RestoreRun({ context, declared, journal, site, engine: context.engine(), tools: means.tools, host: means.host, workspace: means.workspace(site) }, state);
}

async function carryOut(context: Context, means: RestoreMeans, declared: DeclaredStack, file: RestoreJournalFile, site: ToolSite, journal: RestoreJournal): Promise<Outcome> {
  const { stack } = declared;
  let restored: Restored;
  try {
    restored = await runOf(context, means, declared, file, site, journal).complete();
  } catch (error) {
    const left = file.read();
    if (!(error instanceof CommandError) || left === undefined) throw error;
    throw failure(`${error.message}\n       ${wayOn(stack, left)}`, { stack, phase: left.phase, ...error.details });
  }
  const down = restored.downSeconds === null ? "" : ` Services were stopped for ${duration(restored.downSeconds)}.`;
  const lines = [
    `Stack ${stack} is restored to ${journal.description}, verified and running.${down}`,
    ...lostText(restored.lost),
    ...(restored.newPoint === null ? [] : [`New recovery point: ${restored.newPoint}.`]),
    ...(journal.safetyPoint === null ? [] : [`What was there before is in recovery point ${journal.safetyPoint}: npx trading restore --stack ${stack} --to ${journal.safetyPoint}`]),
  ];
  return { exitCode: EXIT.ok, text: `${lines.join("\n")}\n`, document: { ...journal, restored: true, phase: "done", ...restored } };
}

/** What the owner can do about a restore that stopped in between. */
function wayOn(stack: string, { phase }: RestoreJournal): string {
  const [on, back] = [`npx trading restore --stack ${stack}`, `npx trading restore --stack ${stack} --go-back`];
  if (phase === "restoring") return `the stack was not touched; to try again: ${on}; to give it up: ${back}`;
  if (phase === "discarding" || phase === "goingBack") return `to finish: ${on}`;
  return `the old data is kept; to go on: ${on}; to go back to it: ${back}`;
}
