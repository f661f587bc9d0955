import * as pulumi from "@pulumi/pulumi";
import { treeRemark } from "../config/gitState";
import { stackPorts } from "../config/names";
import { recordRelease, stackFileText } from "../config/recordRelease";
import { stackConfigurationHash } from "../config/releases";
import { newestBackup } from "./newestBackup";
import type { TradingStack, TradingStackArgs } from "./TradingStack";

/**
 * The stack's health, once the release that came of it is recorded. The record is no resource and no input of one: a new
 * commit alone changes nothing. A preview records nothing.
 */
export function recordedHealth(trading: Pick<TradingStack, "health" | "deployed">, { context, configuration, root }: Pick<TradingStackArgs, "context" | "configuration" | "root">): pulumi.Output<string> {
  if (pulumi.runtime.isDryRun()) return trading.health;
  const { stack } = context;
  // As it is now, like the configuration that was read from it: an `up` may take minutes.
  const stackFile = textOrRunError(root, stack);
  const configurationHash = stackConfigurationHash(configuration);
  return pulumi.all([trading.health, trading.deployed]).apply(async ([health, deployed]) => {
    try {
      const backup = () => newestBackup(stack, stackPorts(configuration.portBase).gui);
      const { release, fresh } = await recordRelease(root, { stack, configurationHash, stackFile, ...deployed }, backup, Date.now());
      const remark = treeRemark(release);
      if (fresh) await pulumi.log.info(`release ${release.id}${remark === null ? "" : ` (${remark})`}`);
    } catch (error) {
      throw new pulumi.RunError(`${health}, but the release could not be recorded in .trading/stacks/${stack}/releases (${(error as Error).message}): mend that and run \`up\` again`);
    }
    return health;
  });
}

/** An error that Pulumi shows as it is, without a stack trace. */
function textOrRunError(root: string, stack: string): string {
  try {
    return stackFileText(root, stack);
  } catch (error) {
    throw new pulumi.RunError((error as Error).message);
  }
}
