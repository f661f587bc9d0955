import type { Command } from "commander";
import type { GlobalOptions, Outcome, Wrap } from "../../../operations/command";
import type { Context } from "../../../operations/context";
import type { Engine } from "../../../operations/engine";
import type { PageStatus } from "../../../operations/page";
import { NOW } from "./support";

export interface OneCommandWorld {
  readonly root: string;
  readonly engine: () => Engine;
  /** What the owner types when asked; nobody is there without it. */
  readonly answer?: string | undefined;
  /** What a stack's page says; it does not answer without. */
  readonly page?: (port: number) => PageStatus | undefined;
  /** Told what the command says while it works. */
  readonly say: (text: string) => void;
}

/**
 * Runs one command on stack paper without the program around it, so that its means can be a test's own; time passes only
 * while it waits.
 *
 * @throws whatever the command throws
 */
export async function outcomeOf(make: (context: Context, wrap: Wrap) => Command, argv: readonly string[], world: OneCommandWorld): Promise<Outcome> {
  let now = NOW;
  const context = {
    root: world.root,
    write: () => undefined,
    writeError: world.say,
    now: () => now,
    wait: async (milliseconds: number) => void (now += milliseconds),
    engine: world.engine,
    page: async (port: number) => world.page?.(port),
    ask: async () => world.answer,
    whenInterrupted: () => undefined,
  } as Context;
  let outcome: Outcome | undefined;
  const wrap: Wrap = (action) => async (...all) => {
    const command = all.at(-1) as Command;
    outcome = await action({ stack: "paper", ...command.opts<object>() } as Parameters<typeof action>[0] & GlobalOptions);
  };
  await make(context, wrap).exitOverride().parseAsync([...argv], { from: "user" });
  return outcome!;
}
