import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { readDrill } from "../../control/drills";
import { controlFolder } from "../../control/folder";
import type { OperationsFacts } from "../../domain/promotion/operations";
import { REPORT_FOLDER } from "../collect";
import { freezesHere, haltsHere } from "../haltsHere";
import type { PageStatus } from "../page";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What is known of a stack from outside. */
export interface Seen {
  readonly stack: string;
  /** Undefined where it does not answer, or is another stack's. */
  readonly page: PageStatus | undefined;
}

export interface OperationsSources {
  readonly root: string;
  readonly from: Seen;
  readonly to: Seen & { /** Whether it has any container. */ readonly up: boolean; /** Whether its file names a second copy. */ readonly secondCopy: boolean };
  /** Share of the disk that the project's folder lies on; null where that is not known. */
  readonly freeHere: number | null;
  /** Epoch ms. */
  readonly now: number;
}

/** Puts together how the stacks are kept, from pages, control folders and reports. */
export function operationsFacts({ root, from, to, freeHere, now }: OperationsSources): OperationsFacts {
  const backup = from.page?.backup ?? null;
  const hours = (at: number | null | undefined) => (at == null ? null : (now - at) / HOUR);
  const stacks = [from, ...(to.up ? [to] : [])];
  const used = backup?.diskUsed;
  return {
    ...{ from: from.stack, to: to.stack },
    backupHours: hours(backup?.newestPoint?.at),
    targetBackupHours: to.up ? hours(to.page?.backup?.newestPoint?.at) : undefined,
    secondCopy: from.page === undefined ? null : backup?.secondCopy != null && backup.secondCopy.kind !== "none",
    secondCopyHours: hours(backup?.secondCopy?.lastGood),
    targetSecondCopy: to.secondCopy,
    restoreTest: restoreTests(root, from.stack, now),
    haltDrill: haltDrill(root, from.stack, now),
    halts: sum([from, to].map(({ stack }) => haltsOf(root, stack))),
    freezes: sum([from, to].map(({ stack }) => freezesOf(root, stack, now))),
    alerts: sum(stacks.map(({ page }) => page?.alerts?.active.filter(({ severity }) => severity === "critical").length ?? null)),
    // The disk of Docker is another than this folder's on Windows and macOS: where one is not known, nothing is.
    freeDiskShare: used == null || freeHere === null ? null : Math.min(1 - used, freeHere),
  };
}

const report = z.object({ stack: z.string(), passed: z.boolean(), finishedAt: z.iso.datetime() });

function restoreTests(root: string, stack: string, now: number): OperationsFacts["restoreTest"] {
  const tests = jsonFilesOf(path.join(root, ...REPORT_FOLDER.split("/")))
    .flatMap((value) => {
      const parsed = report.safeParse(value);
      return parsed.success && parsed.data.stack === stack ? [{ passed: parsed.data.passed, at: Date.parse(parsed.data.finishedAt) }] : [];
    })
    .sort((one, other) => one.at - other.at);
  const newest = tests.findLastIndex(({ passed }) => passed);
  return { days: newest === -1 ? null : (now - tests[newest]!.at) / DAY, failedSince: tests.length - 1 - newest };
}

function haltDrill(root: string, stack: string, now: number): OperationsFacts["haltDrill"] {
  const drill = readDrill(controlFolder(root, stack));
  return { days: drill?.passedAt == null ? null : (now - Date.parse(drill.passedAt)) / DAY, failedSince: drill === undefined || drill.passed ? 0 : 1 };
}

function haltsOf(root: string, stack: string): number | null {
  const { halts, unreadable, problem } = haltsHere(root, stack);
  return problem === null ? halts.length + unreadable.length : null;
}

function freezesOf(root: string, stack: string, now: number): number | null {
  const { entries, unreadable, problem } = freezesHere(root, stack, now);
  return problem === null ? entries.length + unreadable.length : null;
}

/** Null where one of them is not known. */
function sum(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>((total, value) => (total === null || value === null ? null : total + value), 0);
}

/** Share of a folder's disk that is free for its owner; null where the system does not say. */
export function freeShareOf(folder: string): number | null {
  try {
    const { bavail, blocks } = fs.statfsSync(folder);
    return blocks > 0 ? bavail / blocks : null;
  } catch {
    return null;
  }
}

/** What the files of a folder hold; one that is no JSON is left out. */
function jsonFilesOf(folder: string): unknown[] {
  let names: string[];
  try {
    names = fs.readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return names.sort().flatMap((name) => {
    try {
      return [JSON.parse(fs.readFileSync(path.join(folder, name), "utf8")) as unknown];
    } catch {
      return [];
    }
  });
}
