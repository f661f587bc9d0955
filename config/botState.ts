import { standingOf, type HaltsInForce } from "../control/standing";
import { wishFor, type DesiredState } from "./desiredState";
import type { PromotionStanding } from "./promotionEvidence";

export interface BotState {
  readonly name: string;
  readonly running: boolean;
  /** Why, in words for the owner. */
  readonly reason: string;
}

/** Whether a bot is to run: live needs a promotion, and no halt at level kill may be in force, before any wish counts. */
export function botState(promotion: Pick<PromotionStanding, "mayRun" | "reason">, desiredState: DesiredState, halts: HaltsInForce, bot: string): BotState {
  if (!promotion.mayRun) return { name: bot, running: false, reason: `${promotion.reason}: the bot is made and not started` };
  const { level, incidents, reason } = standingOf(halts, bot);
  if (level === "kill" || halts.problem !== null) {
    return { name: bot, running: false, reason: `${reason}; \`npx trading rearm --incident ${incidents[0] ?? "ID"}\` lifts a halt` };
  }
  if (wishFor(desiredState, bot) === "stopped") return { name: bot, running: false, reason: "stopped by the owner; `npx trading start bot` starts it" };
  return { name: bot, running: true, reason: "wanted running" };
}
