import * as pulumi from "@pulumi/pulumi";
import { derivePassword } from "../config/clone";
import { botService } from "../config/names";
import type { StackConfiguration } from "../config/schema";
import { ownService, type OwnServiceArgs } from "./OwnService";
import type { StackContext } from "./StackContext";

export interface PerformanceArgs extends OwnServiceArgs {
  readonly configuration: StackConfiguration;
}

/** Token with which the performance service asks a bot for a replay. */
export function replayToken(context: StackContext, bot: string): string {
  return derivePassword(context.key, `replay-token/${bot}`);
}

/** What the performance program is told: whom it watches, and by which rules their fills were simulated. */
export function performanceSettings({ bots, broker, performance }: StackConfiguration): object {
  const { feeRate, slippageRate, priceTick, quantityStep, priceCollar } = broker;
  return {
    bots: bots.map(({ name, image }) => ({ name, address: `http://${botService(name)}:8080`, image: image === "reference" ? null : image })),
    mlflowUrl: "http://mlflow:5000",
    execution: { feeRate, slippageRate, priceTick, quantityStep, priceCollar },
    parity: { schedule: performance.parity, days: performance.parityDays },
  };
}

/** Computes each bot's key figures bar by bar, and compares each bot with a replay of what was recorded. */
export class Performance extends pulumi.ComponentResource {
  static readonly type = "trading:evidence:Performance";
  readonly ready: pulumi.Output<pulumi.Resource>;

  constructor(name: string, args: PerformanceArgs, options?: pulumi.ComponentResourceOptions) {
    super(Performance.type, name, {}, options);
    const tokens = Object.fromEntries(args.configuration.bots.map((bot) => [`bot-${bot.name}-replay-token`, replayToken(args.context, bot.name)]));
    const container = ownService(this, name, args, { service: "performance", databaseRole: "performance", settings: performanceSettings(args.configuration), secrets: tokens });
    this.ready = container.ready;
    this.registerOutputs({});
  }
}
