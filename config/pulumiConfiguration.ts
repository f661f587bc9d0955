import * as pulumi from "@pulumi/pulumi";
import { namespaceValues } from "./configurationValues";
import type { StackConfiguration } from "./schema";
import { parseStackConfiguration } from "./stackConfiguration";

/**
 * Reads the configuration of the stack that Pulumi is running. The only place that reads Pulumi configuration.
 *
 * @throws {ConfigurationError} when a key is wrong
 */
export function readPulumiConfiguration(): StackConfiguration {
  const stack = pulumi.getStack();
  return parseStackConfiguration(stack, namespaceValues(pulumi.runtime.allConfig()), (line) => void pulumi.log.warn(`Pulumi.${stack}.yaml is of an earlier version: ${line}`));
}
