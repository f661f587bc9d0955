import { Command } from "commander";
import { acknowledgeFeedCommand } from "./commands/acknowledgeFeed";
import { alertsCommand } from "./commands/alerts";
import { backtestCommand } from "./commands/backtest";
import { backupCommand } from "./commands/backup";
import { backupsCommand } from "./commands/backups";
import { changelogCommand } from "./commands/changelog";
import { deleteDataCommand } from "./commands/deleteData";
import { deployCommand } from "./commands/deploy";
import { driftCommand } from "./commands/drift";
import { evaluateCommand } from "./commands/evaluate";
import { evidenceCommand } from "./commands/evidence";
import { freezeCommand } from "./commands/freeze";
import { haltCommand } from "./commands/halt";
import { haltDrillCommand } from "./commands/haltDrill";
import { kpisCommand } from "./commands/kpis";
import { loadImagesCommand } from "./commands/loadImages";
import { parityCommand } from "./commands/parity";
import { previewCommand } from "./commands/preview";
import { promoteCommand } from "./commands/promote";
import { rearmCommand } from "./commands/rearm";
import { recoverCommand } from "./commands/recover";
import { recoveryKeyCommand } from "./commands/recoveryKey";
import { releasesCommand } from "./commands/releases";
import { restoreCommand } from "./commands/restore";
import { restoreTestCommand } from "./commands/restoreTest";
import { rollbackCommand } from "./commands/rollback";
import { scheduleCommand } from "./commands/schedule";
import { startBotCommand } from "./commands/startBot";
import { statusCommand } from "./commands/status";
import { stopBotCommand } from "./commands/stopBot";
import { tendCommand } from "./commands/tend";
import { thawCommand } from "./commands/thaw";
import type { Wrap } from "./command";
import type { Context } from "./context";
import { runCommands } from "./frame";

/** Every command of `npx trading`, in the order of its help. */
function allCommands(context: Context, wrap: Wrap): Command[] {
  const stop = new Command("stop").description("stop something and keep it stopped");
  const start = new Command("start").description("start what was stopped");
  stop.addCommand(stopBotCommand(context, wrap));
  start.addCommand(startBotCommand(context, wrap));
  const made = (...commands: readonly ((context: Context, wrap: Wrap) => Command)[]) => commands.map((make) => make(context, wrap));
  return [
    ...made(statusCommand, driftCommand, haltCommand, rearmCommand, freezeCommand, thawCommand, haltDrillCommand),
    ...[stop, start],
    ...made(deployCommand, rollbackCommand),
    ...made(acknowledgeFeedCommand, alertsCommand, backtestCommand, deleteDataCommand),
    ...made(backupCommand, backupsCommand, restoreCommand, restoreTestCommand, recoverCommand, recoveryKeyCommand, tendCommand, scheduleCommand),
    ...made(releasesCommand, loadImagesCommand, changelogCommand),
    ...made(evaluateCommand, kpisCommand, parityCommand, evidenceCommand, promoteCommand, previewCommand),
  ];
}

/**
 * Runs one command line.
 *
 * @param argv the words after `npx trading`
 * @returns the exit code; errors have been told in one line on standard error
 */
export function run(argv: readonly string[], context: Context): Promise<number> {
  return runCommands(argv, context, allCommands);
}
