import { Command, Option } from "commander";
import { commitReports } from "../collect";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT, usage } from "../errors";
import { POINTS, SOURCES } from "../restoreTest/choice";
import type { RestoreTestReport } from "../restoreTest/report";
import { writeReport } from "../restoreTest/reportFiles";
import { runRestoreTest, type RestoreTestWish } from "../restoreTest/run";
import { declaredStack, type DeclaredStack } from "../stack";

interface Options extends GlobalOptions {
  readonly from: (typeof SOURCES)[number];
  readonly point: (typeof POINTS)[number];
  readonly seed?: string;
}

/** `restore-test`: a backup is good when it was restored. */
export function restoreTestCommand(context: Context, wrap: Wrap): Command {
  return new Command("restore-test")
    .description("restore a backup into a stack of its own beside everything that runs, look whether the systems run on it, and write a report")
    .addOption(new Option("--from <copy>", "copy to restore from").choices(SOURCES).default("alternate"))
    .addOption(new Option("--point <kind>", "what to restore: the newest moment, an older recovery point, or any second").choices(POINTS).default("alternate"))
    .option("--seed <number>", "choose what an earlier test with this seed chose")
    .action(
      wrap<Options>(async (options) => {
        const { from, point, seed } = options;
        const wish: RestoreTestWish = { from, point, trigger: "command", ...(seed === undefined ? {} : { seed: seedOf(seed) }) };
        return outcomeOf(await testAndReport(context, enabledStack(context, options.stack), wish));
      }),
    );
}

/** A stack whose file says that it is backed up. */
export function enabledStack(context: Context, stack: string): DeclaredStack {
  const declared = declaredStack(context.root, stack);
  if (!declared.configuration.backup.enabled) throw usage(`stack ${stack} has no backup: trading:backup.enabled is false`);
  return declared;
}

export interface TestResult {
  readonly report: RestoreTestReport;
  /** The report's files, relative to the project's folder. */
  readonly files: readonly string[];
  /** Why they are in no commit; null where they are. */
  readonly uncommitted: string | null;
}

/** Runs the test, writes its report and puts that into Git. */
export async function testAndReport(context: Context, declared: DeclaredStack, wish: RestoreTestWish): Promise<TestResult> {
  const report = await runRestoreTest(context, declared, wish);
  const files = writeReport(context.root, report);
  const { reason } = await commitReports(context.root, files);
  return { report, files, uncommitted: reason };
}

function outcomeOf({ report, files, uncommitted }: TestResult): Outcome {
  return { exitCode: report.passed ? EXIT.ok : EXIT.failed, text: resultText({ report, files, uncommitted }), document: { ...report, files, uncommitted } };
}

/** What the test came to, in a few lines. */
export function resultText({ report, files, uncommitted }: TestResult): string {
  const failed = report.checks.filter(({ passed }) => !passed);
  const lines = [
    report.passed
      ? `The restore test of stack ${report.stack} passed: ${report.checks.length} checks, running applications after ${report.recoverySeconds.toFixed(0)} s (${report.totalSeconds.toFixed(0)} s in all).`
      : `The restore test of stack ${report.stack} FAILED: ${report.failure ?? `${failed.length} of ${report.checks.length} checks did not hold`}.`,
    ...failed.map(({ part, name, detail }) => `  ${part}: ${name}: ${detail}`),
    `Report: ${files.at(-1)}${uncommitted === null ? ", committed" : ` (not in Git: ${uncommitted})`}`,
  ];
  return `${lines.join("\n")}\n`;
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed >= 2 ** 31) throw usage(`--seed is "${text}"; allowed: a whole number from 0 to ${2 ** 31 - 1}`);
  return seed;
}
