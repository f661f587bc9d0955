import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { controlFolder, writeWhole } from "../control/folder";
import { CLONE_FOLDER } from "./clone";
import { describeIssues } from "./issues";

export const WISHES = ["running", "stopped"] as const;
export type Wish = (typeof WISHES)[number];

const schema = z.strictObject({ bots: z.record(z.string(), z.enum(WISHES)).default({}) });

/** What the owner wants of each bot of a stack; a bot that is not named is wanted running. */
export type DesiredState = z.infer<typeof schema>;

export function desiredStateFile(root: string, stack: string): string {
  return path.join(controlFolder(root, stack), "desired.json");
}

/** Where the wishes stood before there was a control folder; read while there are none in it. */
function formerFile(root: string, stack: string): string {
  return path.join(root, CLONE_FOLDER, "stacks", stack, "desired.json");
}

/**
 * Reads the wishes from the one place that holds them, with every service down.
 *
 * @throws when the file is there but not readable as what it should be: an unreadable wish must never start a bot
 */
export function readDesiredState(root: string, stack: string): DesiredState {
  const present = desiredStateFile(root, stack);
  const file = !fs.existsSync(present) && fs.existsSync(formerFile(root, stack)) ? formerFile(root, stack) : present;
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { bots: {} };
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${path.relative(root, file)} is not JSON: mend it, or remove it to want every bot running`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new Error(`${path.relative(root, file)} is not valid:\n${describeIssues(parsed.error.issues, schema, value).join("\n")}`);
  }
  return parsed.data;
}

/** Replaces the wishes in one step: a reader sees the old file or the new one, never half of one. */
export function writeDesiredState(root: string, stack: string, state: DesiredState): void {
  const file = desiredStateFile(root, stack);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  writeWhole(file, `${JSON.stringify(state, null, 2)}\n`);
  fs.rmSync(formerFile(root, stack), { force: true });
}

export function wishFor(state: DesiredState, bot: string): Wish {
  return state.bots[bot] ?? "running";
}
