import * as fs from "node:fs";
import * as path from "node:path";
import { readOwner } from "../config/clone";
import { botService, SERVICES, stackNames, stackPorts } from "../config/names";
import type { BotConfiguration, StackConfiguration } from "../config/schema";
import { CommandError, EXIT, failure, usage } from "./errors";

/** A stack as its file declares it. */
export interface DeclaredStack {
  readonly stack: string;
  readonly configuration: StackConfiguration;
  /** Service names of its containers, bots last. */
  readonly services: readonly string[];
  /** Port of the page on 127.0.0.1. */
  readonly pagePort: number;
}

/** What a stack may be called: it becomes part of container, volume and file names. */
const STACK_NAME = /^[a-z][a-z0-9-]{0,30}$/;

export const BOT_NAME = /^[a-z][a-z0-9]{0,30}$/;

/** The stack's file is missing, no YAML, or has wrong keys. */
class WrongStackFile extends CommandError {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

export function checkStackName(stack: string): string {
  if (!STACK_NAME.test(stack)) {
    throw usage(`"${stack}" cannot be the name of a stack; allowed: a lower-case letter, then up to 30 lower-case letters, digits and hyphens`);
  }
  return stack;
}

/** Reads the stack's file; what is wrong in it is told as it is, with exit code 2. */
export function declaredStack(root: string, stack: string): DeclaredStack {
  checkStackName(stack);
  let configuration: StackConfiguration;
  try {
    // The schema takes a while to load, and not every command needs it.
    configuration = (require("../config/stackFile") as typeof import("../config/stackFile")).readStackFile(root, stack);
  } catch (error) {
    throw new WrongStackFile((error as Error).message);
  }
  return declaredBy(stack, configuration);
}

/** A stack as a configuration declares it, wherever that was read. */
export function declaredBy(stack: string, configuration: StackConfiguration): DeclaredStack {
  return {
    stack,
    configuration,
    services: [...SERVICES.filter((service) => isDeclared(service, configuration)), ...configuration.bots.map((bot) => botService(bot.name))],
    pagePort: stackPorts(configuration.portBase).gui,
  };
}

/** Services that a stack may do without. */
function isDeclared(service: string, { backup, guard }: StackConfiguration): boolean {
  if (service === "backup") return backup.enabled;
  return !["guard", "guard-proxy"].includes(service) || guard.enabled;
}

/** The bot of that name, or the stack's default bot when no name is given. */
export function chosenBot({ stack, configuration }: DeclaredStack, name: string | undefined): BotConfiguration {
  const found = name === undefined ? configuration.bots[0] : configuration.bots.find((bot) => bot.name === name);
  if (found === undefined) {
    throw usage(`stack ${stack} declares no bot "${name}"; declared: ${configuration.bots.map((bot) => bot.name).join(", ")}`);
  }
  return found;
}

/**
 * The bot to stop. A stack's file that is wrong must not keep a bot running: a bot that is named can be stopped all
 * the same, and a wish for one that does not exist does nothing.
 */
export function botToStop(root: string, stack: string, name: string | undefined): { readonly bot: string; readonly pagePort: number | undefined } {
  try {
    const declared = declaredStack(root, stack);
    return { bot: chosenBot(declared, name).name, pagePort: declared.pagePort };
  } catch (error) {
    if (!(error instanceof WrongStackFile) || !fs.existsSync(path.join(root, `Pulumi.${stack}.yaml`))) throw error;
    if (name === undefined) throw usage(`${error.message}\nName the bot to stop it all the same: npx trading stop bot NAME --stack ${stack}`);
    if (!BOT_NAME.test(name)) throw wrongBotName(name);
    return { bot: name, pagePort: undefined };
  }
}

export function wrongBotName(name: string): CommandError {
  return usage(`"${name}" cannot be the name of a bot; allowed: a lower-case letter, then up to 30 lower-case letters and digits`);
}

/** Identity of this clone; every command that touches containers or volumes compares with it first. */
export function owner(root: string): string {
  try {
    return readOwner(root);
  } catch (error) {
    throw failure((error as Error).message);
  }
}

export function botContainer(stack: string, bot: string): string {
  return stackNames(stack).botContainer(bot);
}
