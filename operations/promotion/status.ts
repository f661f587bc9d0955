import type { PromotionStanding } from "../../config/promotionEvidence";
import { duration, time } from "../format";

/** How a live stack stands as to promotions. */
export interface PromotionStatus {
  readonly mayRun: boolean;
  /** By what its bots may run, or why not. */
  readonly reason: string;
  /** Id of the promotion that is in force; null where there is none. */
  readonly promotion: string | null;
  /** Until when less may be risked (epoch ms), over or not, and which part of the limits; null where there is no such time. */
  readonly canary: { readonly until: number; readonly fraction: number } | null;
}

/** @returns null of paper, which needs no promotion */
export function promotionStatus(mode: "paper" | "live", { mayRun, reason, evidence, canary }: PromotionStanding): PromotionStatus | null {
  return mode === "paper" ? null : { mayRun, reason, promotion: mayRun ? (evidence?.id ?? null) : null, canary };
}

/** @param now epoch ms */
export function promotionLines(status: PromotionStatus | null, now: number): string[] {
  if (status === null) return [];
  const { mayRun, reason, canary } = status;
  const lines = [`Promoted  ${mayRun ? reason.replace(/^promoted /, "") : `no: ${reason}: its bots are made and not started`}`];
  if (canary !== null && now < canary.until) lines.push(`          canary: ${canary.fraction} of each entry and of the limits until ${time(canary.until)}, ${duration((canary.until - now) / 1000)} from now`);
  return lines;
}
