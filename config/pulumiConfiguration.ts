import * as pulumi from "@pulumi/pulumi";
import type { StackConfiguration } from "./schema";
import { parseStackConfiguration } from "./stackConfiguration";

/**
 * Reads the configuration of the stack that Pulumi is running. The only place that reads Pulumi configuration.
 *
 * @throws {ConfigurationError} when a key is wrong
 */
export function readPulumiConfiguration(): StackConfiguration {
  const namespace = `${pulumi.getProject()}:`;
  const values = Object.entries(pulumi.runtime.allConfig()).flatMap(([key, text]) => (key.startsWith(namespace) ? [[key.slice(namespace.length), plain(text)] as const] : []));
  return parseStackConfiguration(pulumi.getStack(), Object.fromEntries(values));
}

/** Pulumi hands over every value as text, objects and numbers as JSON. */
function plain(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
