import * as pulumi from "@pulumi/pulumi";
import type { StackConfiguration } from "../config/schema";
import { stackConfigurationHash } from "../config/releases";
import { CONTROL_MOUNT, controlFolder } from "../control/folder";
import { canarySettings, type Canary } from "../domain/canary";
import { ownService, type OwnServiceArgs } from "./OwnService";

export interface GuiArgs extends OwnServiceArgs {
  readonly configuration: StackConfiguration;
  readonly ports: { readonly gui: number; readonly mlflow: number };
  /** What has to be said for as long as it is so, one line each. */
  readonly notices?: readonly string[];
  /** The first days after a promotion; null where there are none. */
  readonly canary?: Canary | null;
  /** Folder of the project, with the stack's control folder below `.trading`. */
  readonly root: string;
}

/** The page that answers whether the stack may be trusted now, and on which it can be halted. */
export class Gui extends pulumi.ComponentResource {
  static readonly type = "trading:operator:Gui";
  readonly ready: pulumi.Output<pulumi.Resource>;

  constructor(name: string, args: GuiArgs, options?: pulumi.ComponentResourceOptions) {
    super(Gui.type, name, {}, options);
    const { configuration, context, ports, notices = [], canary = null, root } = args;
    const container = ownService(this, name, args, {
      service: "gui",
      databaseRole: "gui",
      settings: {
        bots: configuration.bots.map(({ name: bot, symbol, strategy, limits }) => ({ name: bot, symbol, interval: configuration.interval, strategy, limits })),
        brokerUrl: "http://broker:8080",
        livefeedUrl: "http://livefeed:8080",
        backupUrl: configuration.backup.enabled ? "http://backup:8080" : null,
        guardUrl: configuration.guard.enabled ? "http://guard:8080" : null,
        mlflowPageUrl: `http://127.0.0.1:${ports.mlflow}`,
        configuration: { hash: stackConfigurationHash(configuration) },
        // Left out where there are none: an older page, of a rollback, does not know the keys.
        ...(notices.length === 0 ? {} : { notices }),
        ...(canary === null ? {} : { canary: canarySettings(canary) }),
      },
      specification: {
        ports: [{ container: 8080, host: ports.gui }],
        // Written as well: the page halts.
        volumes: [{ hostPath: controlFolder(root, context.stack), path: CONTROL_MOUNT, readOnly: false }],
      },
    });
    this.ready = container.ready;
    this.registerOutputs({});
  }
}
