import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { namespaceValues } from "./configurationValues";
import type { StackConfiguration } from "./schema";
import { parseStackConfiguration } from "./stackConfiguration";

/**
 * Reads a stack's configuration from its file, for commands that run without Pulumi.
 *
 * @throws when the file is missing or not YAML
 * @throws {ConfigurationError} when a key is wrong
 */
export function readStackFile(root: string, stack: string): StackConfiguration {
  const name = `Pulumi.${stack}.yaml`;
  let text: string;
  try {
    text = fs.readFileSync(path.join(root, name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const known = fs.readdirSync(root).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
    throw new Error(`there is no stack "${stack}" (${name} is missing); known stacks: ${known.join(", ") || "none"}`);
  }
  return parseStackFile(stack, text);
}

/**
 * What the text of a stack's file declares, such as that of a release or of a commit.
 *
 * @throws when it is not YAML
 * @throws {ConfigurationError} when a key is wrong
 */
export function parseStackFile(stack: string, text: string): StackConfiguration {
  const config: unknown = (parse(text) as { config?: unknown } | null)?.config ?? {};
  return parseStackConfiguration(stack, namespaceValues(config as Record<string, unknown>));
}
