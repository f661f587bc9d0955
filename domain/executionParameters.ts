import { z } from "zod";
import { gridOf, type Grid } from "./decimals";

/** Settings of the simulated execution; unknown keys are errors. */
export const executionSettings = z.strictObject({
  /** Fee of each side as a fraction of the amount. */
  feeRate: z.number().min(0).max(0.1).default(0.001),
  /** How much worse than the reference price market and stop orders fill, as a fraction. */
  slippageRate: z.number().min(0).max(0.1).default(0.0005),
  /** Smallest price step in the quote currency. */
  priceTick: z.number().positive().default(0.01),
  /** Smallest quantity step in the base currency. */
  quantityStep: z.number().positive().default(0.00001),
  /** How far from its reference price, up or down, the bar of an entry may open, as a fraction. */
  priceCollar: z.number().positive().max(1).default(0.02),
});

export type ExecutionParameters = Readonly<z.infer<typeof executionSettings>>;

export const defaultExecution: ExecutionParameters = Object.freeze(executionSettings.parse({}));

/** The grids of a set of execution parameters, made once. */
export function gridsOf(parameters: ExecutionParameters): { readonly price: Grid; readonly quantity: Grid } {
  let grids = gridsByParameters.get(parameters);
  if (grids === undefined) {
    grids = { price: gridOf(parameters.priceTick), quantity: gridOf(parameters.quantityStep) };
    gridsByParameters.set(parameters, grids);
  }
  return grids;
}

const gridsByParameters = new WeakMap<ExecutionParameters, { price: Grid; quantity: Grid }>();
