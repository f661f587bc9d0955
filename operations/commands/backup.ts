import { Command, Option } from "commander";
import { backupContainer, BackupService, type EndedRun } from "../backup/backupService";
import { storeImages } from "../backup/images";
import { size } from "../backup/restorePlan";
import { toolSite } from "../backup/site";
import type { ToolSite } from "../backup/toolContainer";
import { dockerTools, type Tools } from "../backup/tools";
import { JOBS, type Job } from "../../domain/backup/jobs";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { CommandError, EXIT, failure, usage } from "../errors";
import { duration } from "../format";
import { declaredStack, type DeclaredStack } from "../stack";

/** What can be run by hand: the scheduled jobs, and the images, which only the machine itself can hand out. */
const WORDS = [...JOBS, "images", "all"] as const;
type Word = (typeof WORDS)[number];

interface Options extends GlobalOptions {
  readonly job?: Word;
  readonly adoptDatabase?: boolean;
  readonly beginSecondCopy?: boolean;
}

/** What the command needs of the world beyond its context. */
export interface BackupMeans {
  readonly tools: Tools;
  site(context: Context, declared: DeclaredStack): Promise<ToolSite>;
  storeImages: typeof storeImages;
}

/** What became of one job. */
interface Done {
  readonly job: Exclude<Word, "all">;
  readonly good: boolean;
  readonly reason: string;
  readonly run: EndedRun | null;
}

/** `backup`: what is scheduled, now. */
export function backupCommand(context: Context, wrap: Wrap, means: BackupMeans = { tools: dockerTools(), site: toolSite, storeImages }): Command {
  return new Command("backup")
    .description("run a backup job now and wait for its end")
    .addOption(new Option("--job <job>", "what to run").choices(WORDS).default("point"))
    .option("--adopt-database", "first: the database was made anew, go on with it; points of the old one stay")
    .option("--begin-second-copy", "first: the place of the second copy is empty and is meant to be, begin anew there")
    .action(wrap<Options>((options) => backup(context, means, options)));
}

async function backup(context: Context, means: BackupMeans, { stack, job = "point", adoptDatabase, beginSecondCopy }: Options): Promise<Outcome> {
  const declared = declaredStack(context.root, stack);
  const { backup: configured } = declared.configuration;
  if (!configured.enabled) throw usage(`stack ${stack} has no backup: trading:backup.enabled is false`);
  if ((job === "copy" || beginSecondCopy) && configured.secondCopy.kind === "none") throw usage(`stack ${stack} has no second copy: trading:backup.secondCopy`);
  const engine = context.engine();
  const service = new BackupService(context, engine, await backupContainer(context, engine, stack));
  context.whenInterrupted("a job that began goes on in the backup container: npx trading status says how it ended");

  // What the service would never do by itself: each would hide a loss that nobody meant.
  for (const tool of [...(adoptDatabase ? (["adopt-database"] as const) : []), ...(beginSecondCopy ? (["begin-second"] as const) : [])]) {
    await means.tools.run(await means.site(context, declared), tool, {});
    context.writeError(`- ${tool}: done\n`);
  }

  const wanted = job === "all" ? [...JOBS.filter((each) => each !== "copy" || configured.secondCopy.kind !== "none"), "images" as const] : [job];
  const done: Done[] = [];
  for (const each of wanted) {
    context.writeError(`- ${each}\n`);
    const result = each === "images" ? await images(context, means, declared, service) : await scheduled(context, service, each);
    done.push(result);
    context.writeError(`  ${result.good ? "good" : "FAILED"}: ${result.reason}\n`);
  }
  const failed = done.filter(({ good }) => !good);
  const document = { stack, jobs: done };
  if (failed.length > 0) throw failure(failed.map((each) => `${each.job} failed: ${each.reason}`).join("; "), document);
  return { exitCode: EXIT.ok, text: `${done.map(lineOf).join("\n")}\n`, document };
}

async function scheduled(context: Context, service: BackupService, job: Job): Promise<Done> {
  try {
    const run = await service.runJob(job, (text) => context.writeError(`        ${text}\n`));
    return { job, good: run.outcome === "good", reason: run.reason, run };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { job, good: false, reason: error.message, run: null };
  }
}

async function images(context: Context, means: BackupMeans, declared: DeclaredStack, service: BackupService): Promise<Done> {
  try {
    const { imagesNotArchived } = await service.status();
    const { stored, already } = await means.storeImages(means.tools, await means.site(context, declared), imagesNotArchived, (text) => context.writeError(`        ${text}\n`));
    const parts = [...(stored.length > 0 ? [`stored: ${stored.join(", ")}`] : []), ...(already.length > 0 ? [`stored already: ${already.join(", ")}`] : [])];
    return { job: "images", good: true, reason: parts.join("; "), run: null };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { job: "images", good: false, reason: error.message, run: null };
  }
}

function lineOf({ job, reason, run }: Done): string {
  if (run === null) return `${job}: ${reason}`;
  const took = duration((Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1000);
  const sizes = [...(run.bytes === null ? [] : [size(run.bytes)]), ...(run.storedBytes === null ? [] : [`${size(run.storedBytes)} stored`])];
  return `${job}: good in ${took}${sizes.length > 0 ? `, ${sizes.join(", ")}` : ""}${run.point === null ? "" : `, recovery point ${run.point}`}; ${run.reason}`;
}
