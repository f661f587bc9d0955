import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { alertFiles, alertSettings, type AlertAddresses } from "../config/alertSecrets";
import type { StackConfiguration } from "../config/schema";
import { CONTROL_MOUNT, controlFolder } from "../control/folder";
import { BOT_GRACE_SECONDS } from "./Bot";
import { ownService, type OwnServiceArgs } from "./OwnService";
import { objectLabels, type StackContext } from "./StackContext";

export interface GuardArgs extends OwnServiceArgs {
  readonly configuration: StackConfiguration;
  readonly alertAddresses: AlertAddresses;
  /** Name of the volume with the socket through which it reaches the Engine. */
  readonly socketVolume: string;
  /** Folder of the project, in which the control folder is. */
  readonly root: string;
}

/** What the guard program is told: whom it watches, and when it acts. */
export function guardSettings(context: StackContext, { bots, interval, limits, guard, alerts }: StackConfiguration): object {
  const { enabled: _enabled, memoryMegabytes: _memory, ...thresholds } = guard;
  return {
    bots: bots.map(({ name, symbol, startingCash, limits: { ordersPerHour } }) => ({
      ...{ name, symbol, startingCash, ordersPerHour },
      container: context.names.botContainer(name),
      graceSeconds: BOT_GRACE_SECONDS,
    })),
    interval,
    limits: { exposureNotional: limits.exposureNotional, ordersPerHour: limits.ordersPerHour },
    thresholds,
    alerts: alertSettings("guard", alerts, true),
  };
}

/** Holds the rules outside of the bots: it stops trading when they are broken, and keeps it stopped. */
export class Guard extends pulumi.ComponentResource {
  static readonly type = "trading:safety:Guard";
  readonly ready: pulumi.Output<pulumi.Resource>;

  constructor(name: string, args: GuardArgs, options?: pulumi.ComponentResourceOptions) {
    super(Guard.type, name, {}, options);
    const { context, configuration } = args;
    const state = new docker.Volume(`${name}-state-volume`, { name: context.names.volume("guard-state"), labels: objectLabels(context, "guard") }, { parent: this, deleteBeforeReplace: true });
    const container = ownService(this, name, { ...args, after: [...args.after, state] }, {
      service: "guard",
      databaseRole: "guard",
      settings: guardSettings(context, configuration),
      secrets: alertFiles("guard", args.alertAddresses, true),
      specification: {
        volumes: [
          { hostPath: controlFolder(args.root, context.stack), path: CONTROL_MOUNT, readOnly: false },
          { volume: args.socketVolume, path: "/docker", readOnly: true },
          { volume: context.names.volume("guard-state"), path: "/state", readOnly: false },
        ],
      },
    });
    this.ready = container.ready;
    this.registerOutputs({});
  }
}
