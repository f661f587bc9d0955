import { z } from "zod";
import type { Context } from "../context";
import { failure } from "../errors";
import { takeInterruptions } from "../restoreTest/interruption";
import type { DeployMeans } from "./means";
import { reasonLines } from "./why";

/** What an `up` came to. */
export interface UpOutcome {
  readonly good: boolean;
  /** Why it was not, for one screen; empty where it was. */
  readonly why: readonly string[];
  readonly seconds: number;
}

const CALM = ["--non-interactive", "--color", "never"] as const;

/**
 * What an `up` would do, in Pulumi's words.
 *
 * @param file stack file to take in place of the one in the folder
 * @param stands what is as it was where this fails, in words
 * @throws {CommandError} where it would not come up at all
 */
export async function previewUp(context: Context, means: Pick<DeployMeans, "pulumi">, stack: string, { file, stands = "nothing was changed" }: { file?: string; stands?: string } = {}): Promise<string> {
  const { code, stdout, stderr } = await means.pulumi(context.root, ["preview", "--stack", stack, ...(file === undefined ? [] : ["--config-file", file]), ...CALM]);
  if (code !== 0) throw failure(`the stack would not come up with this configuration:\n${reasonLines(`${stdout}\n${stderr}`).join("\n")}\n${stands}`, { stack });
  return stdout.trim();
}

/**
 * Brings a stack up as its file says; what was stopped or removed from outside is started and made again. A signal interrupts
 * Pulumi, which ends what it is doing, and this fails then.
 */
export async function bringUp(context: Context, means: Pick<DeployMeans, "pulumi" | "freeStack">, stack: string): Promise<UpOutcome> {
  const began = context.now();
  await means.freeStack(context, stack);
  const interruption = takeInterruptions(() => context.writeError("\ninterrupted: Pulumi ends what it is doing; once more leaves that to the next run\n"));
  try {
    // Ctrl-C reaches Pulumi by the terminal itself, and a second one would end it at once.
    const signal = process.stdin.isTTY ? undefined : interruption.signal;
    const onText = (text: string) => context.writeError(text);
    const { code, stdout, stderr } = await means.pulumi(context.root, ["up", "--stack", stack, "--yes", "--skip-preview", "--refresh", "--suppress-outputs", ...CALM], { onText, signal });
    if (interruption.signal.aborted) throw failure("interrupted while Pulumi was at work: run the command again to complete it", { stack });
    return { good: code === 0, why: code === 0 ? [] : reasonLines(`${stdout}\n${stderr}`), seconds: (context.now() - began) / 1000 };
  } finally {
    interruption.giveBack();
  }
}

const botStates = z.array(z.object({ name: z.string(), running: z.boolean(), reason: z.string() }));

/** Whether each bot runs and why, as the newest good `up` left it. */
export async function botsOf(context: Context, means: Pick<DeployMeans, "pulumi">, stack: string): Promise<z.infer<typeof botStates>> {
  const { code, stdout } = await means.pulumi(context.root, ["stack", "output", "bots", "--json", "--stack", stack, ...CALM]);
  try {
    return code === 0 ? botStates.parse(JSON.parse(stdout)) : [];
  } catch {
    return [];
  }
}

/** One line for each bot: whether it runs, and why not. */
export function botLines(bots: z.infer<typeof botStates>): string[] {
  return bots.map(({ name, running, reason }) => `Bot ${name}: ${running ? "running" : `not running: ${reason}`}`);
}
