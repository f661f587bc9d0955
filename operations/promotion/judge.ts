import { limitsOf } from "../../config/promotionSchema";
import { botService, stackPorts } from "../../config/names";
import { readReleases, type Release } from "../../config/releases";
import type { BotConfiguration } from "../../config/schema";
import { evidenceOf } from "../../domain/promotion/evidence";
import { LIMITS, type PromotionLimits } from "../../domain/promotion/limits";
import { operationsItems } from "../../domain/promotion/operations";
import type { JudgedItem } from "../../domain/promotion/overrides";
import { releaseItems } from "../../domain/promotion/release";
import { newestRun, type FoundRun, type RunMarks } from "../../mlflow/newestRun";
import type { Context } from "../context";
import { CommandError } from "../errors";
import { evidenceFacts } from "../performance/evidenceFacts";
import { PerformanceService, type PerformanceAnswer } from "../performance/performanceService";
import type { DeclaredStack } from "../stack";
import { freeShareOf, operationsFacts } from "./operationsFacts";
import { releaseFacts } from "./releaseFacts";

/** Finds runs in MLflow. */
export type FindEvaluation = (address: string, experiment: string, marks: RunMarks) => Promise<FoundRun | undefined>;

/** What the conditions are known from beyond the context; tests put their own in its place. */
export interface JudgeMeans {
  readonly find: FindEvaluation;
  /** Share of a folder's disk that is free; null where that is not known. */
  readonly freeShare: (folder: string) => number | null;
}

export const productionMeans: JudgeMeans = { find: newestRun, freeShare: freeShareOf };

export interface Question {
  readonly from: DeclaredStack;
  /** Bots of it that are looked at. */
  readonly bots: readonly BotConfiguration[];
  /** The stack that is promoted to; undefined where it has no file that can be read. */
  readonly to: DeclaredStack | undefined;
  /** Its name. */
  readonly toName: string;
}

export interface Judged {
  readonly items: readonly Omit<JudgedItem, "overridden">[];
  /** What the data cannot prove, each in a sentence. */
  readonly unproven: readonly string[];
  /** What could not be asked, each in a sentence. */
  readonly notes: readonly string[];
  readonly limits: PromotionLimits;
  /** Newest release of the stack that is promoted from. */
  readonly release: Release | undefined;
}

/** Holds all that is known against what a promotion asks for. What does not answer is not known, and what is not known does not hold. */
export async function judge(context: Context, { find, freeShare }: JudgeMeans, { from, bots, to, toName }: Question): Promise<Judged> {
  const { root } = context;
  const notes: string[] = [];
  /** The value, or undefined with a note. */
  const asked = async <Value>(work: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      notes.push(error.message);
      return undefined;
    }
  };
  const engine = context.engine();
  const [performance, page, containers, target, evaluations] = await Promise.all([
    asked(async () => await (await PerformanceService.of(context, from.stack)).newest()),
    context.page(from.pagePort),
    asked(async () => await engine.containers(from.stack)),
    to === undefined ? undefined : asked(async () => ({ up: (await engine.containers(toName)).length > 0, page: await context.page(to.pagePort) })),
    Promise.all(bots.map(async (bot) => await newestEvaluation(find, from, bot).catch((error: Error) => `MLflow does not answer: ${error.message}`))),
  ]);
  const limits = to?.configuration.mode === "live" ? limitsOf(to.configuration.promotion) : LIMITS;
  const release = readReleases(root, from.stack).at(-1);
  const own = page?.stack === from.stack ? page : undefined;
  const unknown: PerformanceAnswer = { bots: [], feeds: [] };
  const ofBots = bots.map((bot, index) => {
    const evaluation = evaluations[index];
    if (typeof evaluation === "string") notes.push(evaluation);
    const image = release?.images[botService(bot.name)] ?? null;
    return { bot: bot.name, ...evidenceOf(evidenceFacts({ configuration: from.configuration, bot, performance: performance ?? unknown, evaluation, page: own, image }), limits) };
  });
  const operations = operationsItems(
    operationsFacts({
      root,
      from: { stack: from.stack, page: own },
      to: { stack: toName, page: target?.page?.stack === toName ? target.page : undefined, up: target?.up ?? false, secondCopy: to !== undefined && to.configuration.backup.secondCopy.kind !== "none" },
      freeHere: freeShare(root),
      now: context.now(),
    }),
    limits.operations,
  );
  const ofRelease = releaseItems(releaseFacts({ from, to: { stack: toName, configuration: to?.configuration }, release, containers, now: context.now() }), limits.release);
  return {
    items: [...ofBots.flatMap(({ bot, items }) => items.map((item) => ({ ...item, bot }))), ...[...operations, ...ofRelease].map((item) => ({ ...item, bot: null }))],
    unproven: ofBots.flatMap(({ bot, unproven }) => unproven.map((line) => (bots.length === 1 ? line : `${bot}: ${line}`))),
    notes: [...new Set(notes)],
    limits,
    release,
  };
}

/** The newest evaluation of what the bot trades; where there is none, the newest one, which is then said to be of another configuration. */
async function newestEvaluation(find: FindEvaluation, { stack, configuration }: DeclaredStack, { name, strategy, configurationHash }: BotConfiguration): Promise<FoundRun | undefined> {
  const address = `http://127.0.0.1:${stackPorts(configuration.portBase).mlflow}`;
  const tags = { kind: "evaluation", bot: name };
  return (await find(address, `${stack}/${strategy}`, { tags, params: { configurationHash } })) ?? find(address, `${stack}/${strategy}`, { tags });
}
