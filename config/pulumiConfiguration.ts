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
  return parseStackConfiguration(pulumi.getStack(), namespaceValues(pulumi.runtime.allConfig()));
}
