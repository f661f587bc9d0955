import { wishFor, type DesiredState } from "./desiredState";
import type { StackConfiguration } from "./schema";

export interface BotState {
  readonly name: string;
  readonly running: boolean;
  /** Why, in words for the owner. */
  readonly reason: string;
}

/** Whether the bots of a stack may run at all: those of live only with a promotion, and there is none yet. */
export function mayRun(configuration: Pick<StackConfiguration, "mode">): boolean {
  return configuration.mode === "paper";
}

/** Whether a bot is to run: live needs a promotion before any wish counts. */
export function botState(configuration: StackConfiguration, desiredState: DesiredState, bot: string): BotState {
  if (!mayRun(configuration)) return { name: bot, running: false, reason: "live has no promotion: the bot is made and not started" };
  if (wishFor(desiredState, bot) === "stopped") return { name: bot, running: false, reason: "stopped by the owner; `npx trading start bot` starts it" };
  return { name: bot, running: true, reason: "wanted running" };
}
