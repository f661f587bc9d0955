import { Command } from "commander";
import { commandWord } from "./commandWord";
import type { Wrap } from "./command";
import type { Context } from "./context";
import { runCommands } from "./frame";

type Make = (context: Context, wrap: Wrap) => Command;

/**
 * Every command of `npx trading`, in the order of its help. Only the one that is asked for is loaded: all of them take more
 * than a second, and a halt has none to lose.
 */
const COMMANDS: Readonly<Record<string, () => Make>> = {
  status: () => (require("./commands/status") as typeof import("./commands/status")).statusCommand,
  drift: () => (require("./commands/drift") as typeof import("./commands/drift")).driftCommand,
  halt: () => (require("./commands/halt") as typeof import("./commands/halt")).haltCommand,
  rearm: () => (require("./commands/rearm") as typeof import("./commands/rearm")).rearmCommand,
  freeze: () => (require("./commands/freeze") as typeof import("./commands/freeze")).freezeCommand,
  thaw: () => (require("./commands/thaw") as typeof import("./commands/thaw")).thawCommand,
  "halt-drill": () => (require("./commands/haltDrill") as typeof import("./commands/haltDrill")).haltDrillCommand,
  stop: () => group("stop", "stop something and keep it stopped", (require("./commands/stopBot") as typeof import("./commands/stopBot")).stopBotCommand),
  start: () => group("start", "start what was stopped", (require("./commands/startBot") as typeof import("./commands/startBot")).startBotCommand),
  deploy: () => (require("./commands/deploy") as typeof import("./commands/deploy")).deployCommand,
  rollback: () => (require("./commands/rollback") as typeof import("./commands/rollback")).rollbackCommand,
  "acknowledge-feed": () => (require("./commands/acknowledgeFeed") as typeof import("./commands/acknowledgeFeed")).acknowledgeFeedCommand,
  alerts: () => (require("./commands/alerts") as typeof import("./commands/alerts")).alertsCommand,
  backtest: () => (require("./commands/backtest") as typeof import("./commands/backtest")).backtestCommand,
  "delete-data": () => (require("./commands/deleteData") as typeof import("./commands/deleteData")).deleteDataCommand,
  backup: () => (require("./commands/backup") as typeof import("./commands/backup")).backupCommand,
  backups: () => (require("./commands/backups") as typeof import("./commands/backups")).backupsCommand,
  restore: () => (require("./commands/restore") as typeof import("./commands/restore")).restoreCommand,
  "restore-test": () => (require("./commands/restoreTest") as typeof import("./commands/restoreTest")).restoreTestCommand,
  recover: () => (require("./commands/recover") as typeof import("./commands/recover")).recoverCommand,
  "recovery-key": () => (require("./commands/recoveryKey") as typeof import("./commands/recoveryKey")).recoveryKeyCommand,
  tend: () => (require("./commands/tend") as typeof import("./commands/tend")).tendCommand,
  schedule: () => (require("./commands/schedule") as typeof import("./commands/schedule")).scheduleCommand,
  releases: () => (require("./commands/releases") as typeof import("./commands/releases")).releasesCommand,
  "load-images": () => (require("./commands/loadImages") as typeof import("./commands/loadImages")).loadImagesCommand,
  changelog: () => (require("./commands/changelog") as typeof import("./commands/changelog")).changelogCommand,
  evaluate: () => (require("./commands/evaluate") as typeof import("./commands/evaluate")).evaluateCommand,
  kpis: () => (require("./commands/kpis") as typeof import("./commands/kpis")).kpisCommand,
  parity: () => (require("./commands/parity") as typeof import("./commands/parity")).parityCommand,
  evidence: () => (require("./commands/evidence") as typeof import("./commands/evidence")).evidenceCommand,
  promote: () => (require("./commands/promote") as typeof import("./commands/promote")).promoteCommand,
  preview: () => (require("./commands/preview") as typeof import("./commands/preview")).previewCommand,
};

function group(name: string, description: string, make: Make): Make {
  return (context, wrap) => new Command(name).description(description).addCommand(make(context, wrap));
}

/**
 * Runs one command line.
 *
 * @param argv the words after `npx trading`
 * @returns the exit code; errors have been told in one line on standard error
 */
export function run(argv: readonly string[], context: Context): Promise<number> {
  const word = commandWord(argv);
  // Whatever is no command is answered with all that there are.
  const asked = word !== undefined && Object.hasOwn(COMMANDS, word) ? [word] : Object.keys(COMMANDS);
  return runCommands(argv, context, (given, wrap) => asked.map((name) => COMMANDS[name]!()(given, wrap)));
}
