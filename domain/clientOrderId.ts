import type { IntentAction } from "./orders";

/**
 * The id of the order that a decision leads to: the same after any restart, so that handing it in twice is harmless.
 * @param bar open time (epoch ms) of the closed bar the decision was made on
 */
export function clientOrderId(stack: string, bot: string, bar: number, action: IntentAction): string {
  return `${stack}-${bot}-${Math.floor(bar / 1000)}-${action}`;
}

/** The id of the protective stop that a filled entry brings with it. */
export function stopOrderId(entryOrderId: string): string {
  return `${entryOrderId}-stop`;
}
