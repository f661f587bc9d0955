import type { BotRiskLimits, StackRiskLimits } from "./riskLimits";

/** The first days after a promotion, in which less may be risked. */
export interface Canary {
  /** End, exclusive, epoch ms. */
  readonly until: number;
  /** Part of the limits that there is until then. */
  readonly fraction: number;
}

/**
 * The limits of size as they are at a moment. Counts and pauses stay: they bound how often, and not how much.
 *
 * @param now epoch ms; a time that is none counts as one of the first days
 */
export function limitsAt<Bot extends BotRiskLimits, Stack extends StackRiskLimits>(limits: { readonly bot: Bot; readonly stack: Stack }, canary: Canary | null, now: number): { readonly bot: Bot; readonly stack: Stack } {
  if (canary === null || now >= canary.until) return limits;
  const part = (most: number | null) => (most === null ? null : most * canary.fraction);
  const { bot, stack } = limits;
  return {
    bot: {
      ...bot,
      ...{ orderQuantity: part(bot.orderQuantity), orderNotional: part(bot.orderNotional) },
      ...{ positionQuantity: part(bot.positionQuantity), positionNotional: part(bot.positionNotional) },
    },
    stack: { ...stack, exposureNotional: part(stack.exposureNotional) },
  };
}
