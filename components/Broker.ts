import * as pulumi from "@pulumi/pulumi";
import { derivePassword } from "../config/clone";
import type { BotConfiguration, StackConfiguration } from "../config/schema";
import { canarySettings, type Canary } from "../domain/canary";
import { CONTROL_MOUNT, controlFolder } from "../control/folder";
import { ownService, type OwnServiceArgs } from "./OwnService";
import type { StackContext } from "./StackContext";

export interface BrokerArgs extends OwnServiceArgs {
  readonly configuration: StackConfiguration;
  /** Whether there is a guard, without whose lease no entry is let in. */
  readonly guard: boolean;
  /** Until when less may be risked, and how much; the broker goes by its own clock, so that no `up` is needed at the end. */
  readonly canary?: Canary | null;
  /** Folder of the project, with the stack's control folder below `.trading`. */
  readonly root: string;
}

/** Token with which a bot proves to the broker who it is. */
export function brokerToken(context: StackContext, bot: string): string {
  return derivePassword(context.key, `broker-token/${bot}`);
}

/** What the broker program is told: the accounts it keeps and how it simulates fills. */
export function brokerSettings(configuration: StackConfiguration, guard: boolean, canary: Canary | null = null): object {
  const { feeRate, slippageRate, priceTick, quantityStep, priceCollar, decisionGraceSeconds, decisionWindowSeconds } = configuration.broker;
  return {
    bots: configuration.bots.map((bot: BotConfiguration) => ({
      name: bot.name,
      symbol: bot.symbol,
      interval: configuration.interval,
      startingCash: bot.startingCash,
      strategy: bot.strategy,
      strategySettings: bot.settings,
      configurationHash: bot.configurationHash,
      limits: bot.limits,
    })),
    limits: configuration.limits,
    execution: { feeRate, slippageRate, priceTick, quantityStep, priceCollar },
    decisionGraceSeconds,
    decisionWindowSeconds,
    guard,
    // Left out where there are none: an older broker, of a rollback, does not know the key.
    ...(canary === null ? {} : { canary: canarySettings(canary) }),
  };
}

/** The only one that works orders. */
export class Broker extends pulumi.ComponentResource {
  static readonly type = "trading:execution:Broker";
  readonly ready: pulumi.Output<pulumi.Resource>;

  constructor(name: string, args: BrokerArgs, options?: pulumi.ComponentResourceOptions) {
    super(Broker.type, name, {}, options);
    const tokens = Object.fromEntries(args.configuration.bots.map((bot) => [`bot-${bot.name}-token`, brokerToken(args.context, bot.name)]));
    const container = ownService(this, name, args, {
      service: "broker",
      databaseRole: "broker",
      settings: brokerSettings(args.configuration, args.guard, args.canary),
      secrets: tokens,
      // Written as well: it says there what it holds to.
      specification: { volumes: [{ hostPath: controlFolder(args.root, args.context.stack), path: CONTROL_MOUNT, readOnly: false }] },
    });
    this.ready = container.ready;
    this.registerOutputs({});
  }
}
