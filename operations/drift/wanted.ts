import { botState } from "../../config/botState";
import type { DesiredState } from "../../config/desiredState";
import { botService } from "../../config/names";
import type { PromotionStanding } from "../../config/promotionEvidence";
import type { HaltsInForce } from "../../control/standing";
import type { ContainerInputs } from "./facts";

/** Whether a container is to run; null where either is right. */
export type Want = { readonly running: true } | { readonly running: false; readonly reason: string } | null;

export interface Wishes {
  readonly mode: "paper" | "live";
  /** Whether live has evidence that covers what it is to run. */
  readonly promotion: Pick<PromotionStanding, "mayRun" | "reason">;
  readonly wishes: DesiredState;
  readonly halts: HaltsInForce;
}

const BOT = botService("");

/** What owner, halts and the deployed program want of a service. */
export function wantOf(service: string, { start }: ContainerInputs, { mode, promotion, wishes, halts }: Wishes): Want {
  if (!service.startsWith(BOT)) return start === false ? { running: false, reason: "as it was deployed" } : { running: true };
  // Nothing is started then, and what runs may get out of its position.
  if (halts.problem !== null) return null;
  const { running, reason } = botState(promotion, wishes, halts, service.slice(BOT.length));
  if (!running) return { running: false, reason };
  // A bot of live that was deployed stopped may have been started since, or been promoted since in the stack's file alone.
  return start === false && mode === "live" ? null : { running: true };
}
