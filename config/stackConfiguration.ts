import { configurationHash, strategyNames, strategySettingsSchema } from "../domain/strategies";
import { describeIssues } from "./issues";
import { migrateConfiguration, type RawValues } from "./migrations";
import { crossKeyIssues, DEFAULT_STRATEGY, stackSchema, type BotLimits, type ParsedLimits, type StackConfiguration } from "./schema";

/** The configuration of a stack is wrong; the message lists every wrong key, one a line. */
export class ConfigurationError extends Error {
  constructor(stack: string, lines: readonly string[]) {
    super(`Pulumi.${stack}.yaml has ${lines.length === 1 ? "a wrong key" : `${lines.length} wrong keys`}; nothing was changed:\n${lines.join("\n")}`);
    this.name = "ConfigurationError";
  }
}

/**
 * Checks a stack's keys and fills in the defaults, those of each bot's strategy included. Keys of an earlier version are
 * read as those they became.
 *
 * @param stack name of the stack, for the message
 * @param written the keys of the `trading:` namespace, without the namespace
 * @param warn takes a line for each key of an earlier version
 * @throws {ConfigurationError} with every wrong and unknown key at once: path, value, what is allowed
 */
export function parseStackConfiguration(stack: string, written: RawValues, warn: (line: string) => void = () => undefined): StackConfiguration {
  const { values, warnings } = migrateConfiguration(written);
  const parsed = stackSchema.safeParse(values);
  const lines = parsed.success ? crossKeyIssues(parsed.data) : describeIssues(parsed.error.issues, stackSchema, values, "trading:");
  lines.push(...strategyIssues(values));
  if (parsed.success && lines.length === 0) {
    warnings.forEach(warn);
    const bots = parsed.data.bots.map((bot) => {
      const settings = strategySettingsSchema(bot.strategy).parse(bot.settings) as Record<string, unknown>;
      return { ...bot, settings, limits: completeLimits(bot.limits), configurationHash: configurationHash({ strategy: bot.strategy, settings }) };
    });
    const exposure = bots.reduce((sum, bot) => sum + bot.limits.positionNotional, 0);
    return { ...parsed.data, bots, limits: { ...parsed.data.limits, exposureNotional: parsed.data.limits.exposureNotional ?? exposure } };
  }
  throw new ConfigurationError(stack, lines);
}

function completeLimits(limits: ParsedLimits): BotLimits {
  return { ...limits, positionQuantity: limits.positionQuantity ?? limits.orderQuantity, positionNotional: limits.positionNotional ?? limits.orderNotional };
}

/** Strategy settings are checked by the strategy's own schema, also where another key is wrong: all is listed at once. */
function strategyIssues(values: Readonly<Record<string, unknown>>): string[] {
  if (!Array.isArray(values.bots)) return [];
  return values.bots.flatMap((bot: unknown, index) => {
    const { strategy = DEFAULT_STRATEGY, settings = {} } = (bot ?? {}) as { strategy?: string; settings?: unknown };
    // An unknown strategy was listed already.
    if (!(strategyNames() as string[]).includes(strategy)) return [];
    const schema = strategySettingsSchema(strategy);
    const parsed = schema.safeParse(settings);
    return parsed.success ? [] : describeIssues(parsed.error.issues, schema, settings, `trading:bots[${index}].settings.`);
  });
}
