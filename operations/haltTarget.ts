import * as fs from "node:fs";
import * as path from "node:path";
import { CLONE_FOLDER } from "../config/clone";
import { stackPorts } from "../config/names";
import { usage } from "./errors";
import { BOT_NAME, checkStackName, wrongBotName } from "./stack";

/**
 * Checks what is to be halted. A stack's file that is wrong, or gone while the stack is there, must not keep it trading; a name
 * that is of nothing here must not look like a halt.
 *
 * @param bot null is every bot
 * @throws {CommandError} naming what is allowed
 */
export function checkHaltTarget(root: string, stack: string, bot: string | null): void {
  checkStackName(stack);
  const file = stackFile(stack);
  if (![file, path.join(CLONE_FOLDER, "stacks", stack)].some((name) => fs.existsSync(path.join(root, name)))) {
    const known = fs.readdirSync(root).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
    throw usage(`there is no stack "${stack}" (${file} is missing); known stacks: ${known.join(", ") || "none"}`);
  }
  if (bot === null) return;
  if (!BOT_NAME.test(bot)) throw wrongBotName(bot);
  const declared = declaredBots(root, stack);
  if (declared !== undefined && !declared.includes(bot)) throw usage(`stack ${stack} declares no bot "${bot}"; declared: ${declared.join(", ")}`);
}

/** Port of the stack's page on 127.0.0.1; undefined where its file does not say. */
export function pagePortOf(root: string, stack: string): number | undefined {
  const base = valuesOf(root, stack)["trading:portBase"];
  return Number.isInteger(base) ? stackPorts(base as number).gui : undefined;
}

/** Names of the bots; undefined where the file does not say. */
function declaredBots(root: string, stack: string): string[] | undefined {
  const bots = valuesOf(root, stack)["trading:bots"];
  if (!Array.isArray(bots)) return undefined;
  return bots.flatMap((bot: unknown) => {
    const name = (bot as { name?: unknown } | null)?.name;
    return typeof name === "string" ? [name] : [];
  });
}

/** What the stack's file holds, without the schema, which takes a while to load and which a halt does not need to hold. */
function valuesOf(root: string, stack: string): Record<string, unknown> {
  try {
    const { parse } = require("yaml") as typeof import("yaml");
    const file: unknown = parse(fs.readFileSync(path.join(root, stackFile(stack)), "utf8"));
    return (file as { config?: Record<string, unknown> } | null)?.config ?? {};
  } catch {
    return {};
  }
}

function stackFile(stack: string): string {
  return `Pulumi.${stack}.yaml`;
}
