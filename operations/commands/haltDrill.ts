import { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import { EXIT } from "../errors";
import type { HaltDrillReport } from "../haltDrill/report";
import { writeReport, type Written } from "../haltDrill/reportFiles";
import { reasonOf } from "../haltDrill/reportText";
import { runHaltDrill, type HaltDrillWish } from "../haltDrill/run";
import { declaredStack, owner, type DeclaredStack } from "../stack";

interface Options extends GlobalOptions {
  readonly withOpenPositions?: boolean;
}

/** `halt-drill`: a halt works when it was tried. */
export function haltDrillCommand(context: Context, wrap: Wrap): Command {
  return new Command("halt-drill")
    .description("place a halt of every level on a paper stack, measure it, try to get an order past it, lift it again, and write a report")
    .option("--with-open-positions", "also while a bot has an open position; its protective stop stays with the broker")
    .action(
      wrap<Options>(async ({ stack, withOpenPositions }) => {
        const declared = declaredStack(context.root, stack);
        owner(context.root);
        return outcomeOf(await drillAndReport(context, declared, { trigger: "command", withOpenPositions: withOpenPositions === true }));
      }),
    );
}

export interface DrillResult extends Written {
  readonly report: HaltDrillReport;
}

/** Runs the drill, writes its report and puts that into Git. */
export async function drillAndReport(context: Context, declared: DeclaredStack, wish: HaltDrillWish): Promise<DrillResult> {
  const report = await runHaltDrill(context, declared, wish);
  return { report, ...(await writeReport(context.root, report)) };
}

function outcomeOf(result: DrillResult): Outcome {
  const { report, files, uncommitted } = result;
  return { exitCode: report.passed ? EXIT.ok : EXIT.failed, text: drillText(result), document: { ...report, files, uncommitted } };
}

/** What the drill came to, in a few lines. */
export function drillText({ report, files, uncommitted }: DrillResult): string {
  const { stack, passed, interrupted, levels, checks, totalSeconds } = report;
  const measured = levels.map(({ level, brokerSeconds }) => `${level} ${brokerSeconds === null ? "not confirmed" : `${brokerSeconds.toFixed(2)} s`}`).join(", ");
  const lines = [
    passed
      ? `The halt drill of stack ${stack} passed: ${checks.length} checks; in force after: ${measured} (${totalSeconds.toFixed(0)} s in all).`
      : `The halt drill of stack ${stack} ${interrupted ? "was cut short" : "FAILED"}: ${reasonOf(report)}`,
    ...checks.filter((check) => !check.passed).map(({ when, name, detail }) => `  ${when}: ${name}: ${detail}`),
    `Report: ${files.at(-1)}${uncommitted === null ? ", committed" : ` (not in Git: ${uncommitted})`}`,
  ];
  return `${lines.join("\n")}\n`;
}
