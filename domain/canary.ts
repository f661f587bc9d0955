import { z } from "zod";
import { gridsOf, type ExecutionParameters } from "./executionParameters";
import type { BotRiskLimits, StackRiskLimits } from "./riskLimits";

/** The first days after a promotion, in which less is risked. */
export interface Canary {
  /** End, exclusive, epoch ms. */
  readonly until: number;
  /** Part of each entry that is made until then, and of the limits that there are. */
  readonly fraction: number;
}

/** A canary in the settings of a service: its end in ISO 8601. */
export function canarySettings({ until, fraction }: Canary): { readonly until: string; readonly fraction: number } {
  return { until: new Date(until).toISOString(), fraction };
}

/** What a service reads of {@link canarySettings}. */
export const canarySchema = z.strictObject({ until: z.iso.datetime().transform((text) => Date.parse(text)), fraction: z.number().positive().max(1) });

/** Part of each entry, and of the limits of size, that there is at a moment. @param now epoch ms; a time that is none counts as one of the first days */
export function fractionAt(canary: Canary | null, now: number): number {
  return canary === null || now >= canary.until ? 1 : canary.fraction;
}

/**
 * Most of an entry that may be filled.
 *
 * @param quantity what was decided, in the base currency
 * @returns in the base currency, rounded down to the quantity step, so that it may be 0; null is all of it
 * @throws RangeError for a quantity that has too many digits for the step
 */
export function sizeLimitOf(quantity: number, fraction: number, execution: ExecutionParameters): number | null {
  return fraction === 1 ? null : gridsOf(execution).quantity.down(quantity * fraction);
}

/**
 * The limits of size as they are at a moment. Counts and pauses stay: they bound how often, and not how much.
 */
export function limitsAt<Bot extends BotRiskLimits, Stack extends StackRiskLimits>({ bot, stack }: { readonly bot: Bot; readonly stack: Stack }, fraction: number): { readonly bot: Bot; readonly stack: Stack } {
  return { bot: botLimitsAt(bot, fraction), stack: { ...stack, exposureNotional: partOf(stack.exposureNotional, fraction) } };
}

/** The same of one bot. */
export function botLimitsAt<Bot extends BotRiskLimits>(bot: Bot, fraction: number): Bot {
  const { orderQuantity, orderNotional, positionQuantity, positionNotional } = bot;
  return {
    ...bot,
    ...{ orderQuantity: partOf(orderQuantity, fraction), orderNotional: partOf(orderNotional, fraction) },
    ...{ positionQuantity: partOf(positionQuantity, fraction), positionNotional: partOf(positionNotional, fraction) },
  };
}

function partOf(most: number | null, fraction: number): number | null {
  return most === null ? null : most * fraction;
}
