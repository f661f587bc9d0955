import * as path from "node:path";
import { Command } from "commander";
import { readDrill } from "../../control/drills";
import { controlFolder } from "../../control/folder";
import { BackupService, backupContainer } from "../backup/backupService";
import { readCatalog, type Catalog } from "../backup/catalog";
import { storeImages } from "../backup/images";
import { toolSite } from "../backup/site";
import type { ToolSite } from "../backup/toolContainer";
import { dockerTools, type Tools } from "../backup/tools";
import { collectedText, collectFiles } from "../collect";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { checkDrift } from "../drift/check";
import type { DriftReport } from "../drift/facts";
import { closingLine } from "../drift/text";
import { CommandError, EXIT } from "../errors";
import { NONE, time } from "../format";
import { haltDrillDue } from "../haltDrill/due";
import { HaltDrillPostponed } from "../haltDrill/obstacles";
import { keepIncidentFiles } from "../incidents/incidentFiles";
import { underLock } from "../lock";
import { aliasText, alignAliases, type AliasOutcome } from "../modelAliases";
import { settledText, settleReleases, soakText } from "../releases/settle";
import { nextDue } from "../restoreTest/report";
import { removeLeftOvers } from "../restoreTest/temporaryStack";
import { owner, type DeclaredStack } from "../stack";
import { plainTable } from "../statusText";
import { writeTendRecord } from "../tendRecord";
import { drillAndReport, drillText, type DrillResult } from "./haltDrill";
import { enabledStack, resultText, testAndReport, type TestResult } from "./restoreTest";

/** What one of its parts came to. */
interface Part {
  readonly part: "incidents" | "releases" | "drift" | "reports" | "images" | "left-overs" | "model aliases" | "restore test" | "halt drill";
  readonly good: boolean;
  /** Whether there was anything to do. */
  readonly due: boolean;
  readonly text: string;
}

/** What the command needs of the world beyond its context. */
export interface TendMeans {
  readonly tools: Tools;
  /** Writes the files of incidents that have none. @returns what was done; null where nothing was due */
  keepIncidentFiles(context: Context, stack: string): Promise<string | null>;
  /** Compares what runs with what was deployed, and notes it for the guard. */
  checkDrift(context: Context, declared: DeclaredStack): Promise<DriftReport>;
  /** Makes the release that runs stable when it has soaked. */
  settleReleases: typeof settleReleases;
  site(context: Context, declared: DeclaredStack): Promise<ToolSite>;
  /** Services whose image is not in the backup; null where that is not known. */
  imagesNotArchived(context: Context, stack: string): Promise<readonly string[] | null>;
  storeImages: typeof storeImages;
  /** Removes what restore tests that were killed have left. @returns the stacks it was */
  removeLeftOvers(context: Context): Promise<readonly string[]>;
  /** Makes MLflow's aliases say which registered configuration each bot runs. */
  alignAliases(declared: DeclaredStack): Promise<AliasOutcome>;
  test(context: Context, declared: DeclaredStack): Promise<TestResult>;
  drill(context: Context, declared: DeclaredStack): Promise<DrillResult>;
}

const MEANS: TendMeans = {
  tools: dockerTools(),
  keepIncidentFiles: (context, stack) => keepIncidentFiles(context.root, stack, context.now()),
  checkDrift: (context, declared) => checkDrift(context, declared),
  settleReleases,
  site: toolSite,
  storeImages,
  imagesNotArchived: async (context, stack) => {
    const engine = context.engine();
    return (await new BackupService(context, engine, await backupContainer(context, engine, stack)).status()).imagesNotArchived;
  },
  removeLeftOvers: (context) => removeLeftOvers(context.root, owner(context.root), context.now()),
  alignAliases: ({ stack, configuration }) => alignAliases(stack, configuration.portBase),
  test: (context, declared) => testAndReport(context, declared, { from: "alternate", point: "alternate", trigger: "schedule" }),
  drill: (context, declared) => drillAndReport(context, declared, { trigger: "schedule", withOpenPositions: false }),
};

/** A test that failed is tried again on another day, and not every time that somebody asks. */
const RETRY_MILLISECONDS = 20 * 3_600_000;
/** Longer than a restore test takes: after this a lock was left behind. */
const LONGEST_MILLISECONDS = 6 * 3_600_000;

/** `tend`: what the daily task runs. */
export function tendCommand(context: Context, wrap: Wrap, means: TendMeans = MEANS): Command {
  return new Command("tend")
    .description("do what is due on this machine: files of incidents, releases that have become stable, drift, reports into Git, archives of images, what killed restore tests left, which registered configuration runs, the restore test, the halt drill of a paper stack; does nothing when nothing is due")
    .action(wrap<GlobalOptions>((options) => tend(context, means, options)));
}

async function tend(context: Context, means: TendMeans, { stack }: GlobalOptions): Promise<Outcome> {
  const declared = enabledStack(context, stack);
  owner(context.root);
  const lock = path.join(context.root, ".tools", "run", `tend-${stack}.lock`);
  const parts: Part[] = [];
  try {
    await underLock(lock, async () => void parts.push(...(await allParts(context, means, declared))), { timeoutMilliseconds: 0, staleMilliseconds: LONGEST_MILLISECONDS });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { exitCode: EXIT.ok, text: `Another tend of stack ${stack} is under way: nothing was done (${error.message}).\n`, document: { stack, parts: [], busy: true } };
  }
  const exitCode = parts.every(({ good }) => good) ? EXIT.ok : EXIT.failed;
  const done = parts.filter(({ good, due }) => due || !good);
  const text = done.length === 0 ? "nothing was due" : done.map(({ part, text: words }) => `${part}: ${words}`).join("; ");
  writeTendRecord(context.root, stack, { at: new Date(context.now()).toISOString(), exitCode, text });
  const rows = parts.map(({ part, good, due, text: words }) => [part, !good ? "FAILED" : due ? "done" : NONE, words]);
  return { exitCode, text: plainTable(["part", "", "what"], rows), document: { stack, parts, busy: false } };
}

async function allParts(context: Context, means: TendMeans, declared: DeclaredStack): Promise<Part[]> {
  const { stack } = declared;
  const incidents = await attempt("incidents", async (): Promise<Part> => {
    const text = await means.keepIncidentFiles(context, stack);
    return { part: "incidents", good: true, due: text !== null, text: text ?? "every file is written" };
  });
  // Before anything that brings up a stack of its own, or stops a bot for a while.
  const drift = await attempt("drift", async (): Promise<Part> => {
    const report = await means.checkDrift(context, declared);
    return { part: "drift", good: report.differences.length === 0, due: false, text: `${closingLine(report)}${report.differences.length === 0 ? "" : ` See npx trading drift --stack ${stack}`}` };
  });
  const releases = await attempt("releases", async (): Promise<Part> => {
    const settled = await means.settleReleases(context, declared);
    const text = settledText(settled);
    const due = settled.stable !== undefined || settled.committed.length > 0 || settled.reason !== null;
    return { part: "releases", good: true, due, text: text ?? (settled.soak === undefined ? "nothing to make stable" : soakText(settled.soak)) };
  });
  const first = [incidents, drift, releases].map(partOf);
  const site = await attempt("reports", async () => await means.site(context, declared));
  if ("part" in site) return [...first, site];
  const reports = await attempt("reports", async (): Promise<Part> => {
    const text = collectedText(await collectFiles(context.root, site.value, means.tools));
    return { part: "reports", good: true, due: text !== null, text: text ?? "none waits" };
  });
  const images = await attempt("images", async (): Promise<Part> => {
    const missing = await means.imagesNotArchived(context, stack);
    if (missing === null || missing.length === 0) return { part: "images", good: true, due: false, text: missing === null ? "not known yet" : "all that are deployed are in the backup" };
    const { stored } = await means.storeImages(means.tools, site.value, missing, (text) => context.writeError(`${text}\n`));
    return { part: "images", good: true, due: true, text: `put into the backup: ${stored.join(", ")}` };
  });
  // The next test would do it, which may be a month away: a database and a bot would run until then.
  const leftOvers = await attempt("left-overs", async (): Promise<Part> => {
    const removed = await means.removeLeftOvers(context);
    return { part: "left-overs", good: true, due: removed.length > 0, text: removed.length === 0 ? "no restore test left anything" : `removed what restore tests left that were killed: ${removed.join(", ")}` };
  });
  // A stack that does not answer now is looked at again tomorrow: nothing of the backups depends on it.
  const aliases = await attempt("model aliases", async (): Promise<Part> => ({ part: "model aliases", good: true, due: false, text: aliasText(await means.alignAliases(declared)).trim().replaceAll("\n", "; ") || "no bot has an account yet" }));
  const test = await attempt("restore test", async (): Promise<Part> => {
    const due = restoreTestDue(await readCatalog(means.tools, site.value, "first"), declared.configuration.backup.restoreTest, context.now());
    if (!due.due) return { part: "restore test", good: true, ...due };
    const result = await means.test(context, declared);
    return { part: "restore test", good: result.report.passed, due: true, text: resultText(result).trim().replace(/\s*\n\s*/g, "; ") };
  });
  const drill = await attempt("halt drill", async (): Promise<Part> => await haltDrill(context, means, declared));
  return [...first, ...[reports, images, leftOvers, aliases, test, drill].map(partOf)];
}

function partOf(outcome: Part | { readonly value: Part }): Part {
  return "part" in outcome ? outcome : outcome.value;
}

/** A stack that is halted, or holds a position, is left alone: the guard says so where that goes on for too long. */
async function haltDrill(context: Context, means: TendMeans, declared: DeclaredStack): Promise<Part> {
  const part = "halt drill";
  const { mode, guard } = declared.configuration;
  if (mode === "live") return { part, good: true, due: false, text: "a halt is tried on paper alone" };
  const due = haltDrillDue(readDrill(controlFolder(context.root, declared.stack)), guard.haltDrillDays, context.now());
  if (!due.due) return { part, good: true, ...due };
  try {
    const result = await means.drill(context, declared);
    return { part, good: result.report.passed, due: true, text: drillText(result).trim().replace(/\s*\n\s*/g, "; ") };
  } catch (error) {
    if (!(error instanceof HaltDrillPostponed)) throw error;
    return { part, good: true, due: false, text: `${due.text}, and waits: ${error.message}` };
  }
}

/** One part that fails keeps no other from being done. */
async function attempt<Value>(part: Part["part"], work: () => Promise<Value>): Promise<Part | { readonly value: Value }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { part, good: false, due: true, text: error.message };
  }
}

/** Whether it is time for a restore test, by what the backups themselves say of earlier ones. */
export function restoreTestDue({ points, proofs }: Pick<Catalog, "points" | "proofs">, every: "weekly" | "monthly", now: number): { readonly due: boolean; readonly text: string } {
  if (points.every(({ physical }) => physical === null)) return { due: false, text: "there is no recovery point yet" };
  const newest = (passed: boolean) => Math.max(...proofs.filter((proof) => proof.passed === passed).map(({ provedAt }) => Date.parse(provedAt)), -Infinity);
  const next = Number.isFinite(newest(true)) ? nextDue(newest(true), every) : -Infinity;
  if (next > now) return { due: false, text: `due ${time(next)}` };
  // A clock that was set back must not put the next try off for ever.
  const since = now - newest(false);
  if (since >= 0 && since < RETRY_MILLISECONDS) return { due: false, text: `overdue; the last one failed and is tried again ${time(newest(false) + RETRY_MILLISECONDS)}` };
  return { due: true, text: "due" };
}
