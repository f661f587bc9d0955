import { createHash } from "node:crypto";
import type { z } from "zod";
import { canonicalJson } from "../canonicalJson";
import { defaultExecution, type ExecutionParameters } from "../execution";
import { refStrat01 } from "./refStrat01";
import type { Strategy, StrategyDefinition } from "./strategy";

export type { Decision, Strategy, StrategyDefinition } from "./strategy";

/** Every strategy that can be configured, by name. */
const strategies = { RefStrat_01: refStrat01 };

export type StrategyName = keyof typeof strategies;

/** The names of all strategies. */
export function strategyNames(): [StrategyName, ...StrategyName[]] {
  return Object.keys(strategies) as [StrategyName, ...StrategyName[]];
}

/**
 * The strict schema of a strategy's settings, defaults included.
 * @throws Error naming the known strategies when the name is not one of them
 */
export function strategySettingsSchema(name: string): z.ZodType {
  return definitionOf(name).settings;
}

/**
 * A strategy made from unchecked settings; defaults fill what is not given.
 * @throws ZodError for settings that are wrong or unknown
 */
export function createStrategy(
  name: string,
  settings: unknown = {},
  execution: ExecutionParameters = defaultExecution,
): Strategy {
  const definition: StrategyDefinition<any> = definitionOf(name);
  return definition.create(definition.settings.parse(settings), execution);
}

/**
 * SHA-256 (hex) over the settings as canonical JSON: the same whatever the order of their keys. Hash parsed settings,
 * with the defaults filled in, so that spelling a default out changes nothing.
 */
export function configurationHash(settings: unknown): string {
  return createHash("sha256").update(canonicalJson(settings)).digest("hex");
}

function definitionOf(name: string): (typeof strategies)[StrategyName] {
  if (!Object.hasOwn(strategies, name)) {
    throw new Error(`Strategy "${name}" is not known; known are: ${strategyNames().join(", ")}`);
  }
  return strategies[name as StrategyName];
}
