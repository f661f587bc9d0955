import * as pulumi from "@pulumi/pulumi";
import { botRole, botService } from "../config/names";
import type { BotConfiguration } from "../config/schema";
import { controlFolder } from "../control/folder";
import { brokerToken } from "./Broker";
import { replayToken } from "./Performance";
import { ownService, type OwnServiceArgs } from "./OwnService";

/** Between SIGTERM and SIGKILL: long enough to finish the decision that is under way. */
export const BOT_GRACE_SECONDS = 30;

export interface BotArgs extends Omit<OwnServiceArgs, "memoryMegabytes"> {
  readonly bot: BotConfiguration;
  readonly interval: string;
  /** Wanted running; a bot that is not is made all the same, and not started. */
  readonly running: boolean;
  /** Whether wishes and halts that come while it is made hold it; those of a copy of the stack are not its own. */
  readonly heedsHalts?: boolean;
}

/** A bot: any image that keeps the bot contract. It decides and submits intents, and has no other way out. */
export class Bot extends pulumi.ComponentResource {
  static readonly type = "trading:execution:Bot";
  readonly ready: pulumi.Output<pulumi.Resource>;

  constructor(name: string, args: BotArgs, options?: pulumi.ComponentResourceOptions) {
    super(Bot.type, name, {}, options);
    const { bot, context } = args;
    const container = ownService(this, name, { ...args, memoryMegabytes: bot.memoryMegabytes }, {
      service: botService(bot.name),
      databaseRole: botRole(bot.name),
      settings: {
        bot: bot.name,
        symbol: bot.symbol,
        interval: args.interval,
        strategy: bot.strategy,
        strategySettings: bot.settings,
        brokerUrl: "http://broker:8080",
        mlflowUrl: "http://mlflow:5000",
      },
      ...(args.heedsHalts === false ? {} : { wish: { control: controlFolder("", context.stack).replaceAll("\\", "/"), bot: bot.name } }),
      secrets: { "broker-token": brokerToken(context, bot.name), "replay-token": replayToken(context, bot.name) },
      specification: {
        running: args.running,
        tellImage: true,
        graceSeconds: BOT_GRACE_SECONDS,
      },
    });
    this.ready = container.ready;
    this.registerOutputs({});
  }
}
