import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { botService, stackPorts } from "../config/names";
import type { StackConfiguration } from "../config/schema";
import { Bot } from "./Bot";
import { Broker } from "./Broker";
import { Gui } from "./Gui";
import { Mlflow } from "./Mlflow";
import { objectLabels, type StackContext } from "./StackContext";
import { TimescaleDb } from "./TimescaleDb";
import { databaseRoles } from "../config/databaseRoles";
import { controlFolder } from "../control/folder";

/** What the isolated stack is started from. */
export type IsolatedImage = "base" | "timescaledb" | "migrate" | "mlflow" | "broker" | "gui" | "bot";

export interface IsolatedStackArgs {
  readonly context: StackContext;
  /** Configuration of the stack whose data was restored. */
  readonly configuration: StackConfiguration;
  readonly images: Readonly<Record<IsolatedImage, string>>;
  /** Name of that stack: its services go on calling themselves so, since the name is part of every order's id. */
  readonly copyOf: string;
  /** Bots that are started, asked when the database was reached: those that have an account in it. */
  readonly bots: () => readonly string[];
  /** Called when a part is healthy; what needs that part is held back until it has returned. */
  readonly reached: (part: "database" | "mlflow") => Promise<void>;
  /** Folder with a control folder for this stack alone; whoever starts it makes that. */
  readonly root: string;
}

/**
 * A stack without any way out or in, on volumes that hold restored data already: no port on the host, a network without
 * a gateway, no backup, and no feed, without whose lease no broker lets an entry through.
 */
export class IsolatedStack extends pulumi.ComponentResource {
  static readonly type = "trading:stack:IsolatedStack";
  /** Resolves when every container is healthy. */
  readonly health: pulumi.Output<string>;

  constructor(name: string, args: IsolatedStackArgs, options?: pulumi.ComponentResourceOptions) {
    super(IsolatedStack.type, name, {}, { ...options, transformations: [({ type, props, opts }) => ({ props: isolated(type, props, { name: args.context.stack, copyOf: args.copyOf, control: controlFolder(args.root, args.context.stack) }), opts })] });
    const { context, configuration, images, root } = args;
    const child = { parent: this };
    const network = new docker.Network(`${name}-network`, { name: context.names.network, labels: objectLabels(context, "network") }, child);
    const reached = (part: Parameters<IsolatedStackArgs["reached"]>[0], resource: pulumi.Input<pulumi.Resource>) =>
      pulumi.output(resource).apply(async (there) => {
        await args.reached(part);
        return there;
      });
    const common = (memoryMegabytes: number, after: pulumi.Input<pulumi.Resource>[]) => ({ context, baseImage: images.base, network: network.name, after, memoryMegabytes });

    const database = new TimescaleDb("timescaledb", { ...common(configuration.database.memoryMegabytes, []), images, roles: databaseRoles(configuration) }, child);
    // Held back on purpose: the command has ended only when its output is known.
    const databaseReached = reached("database", migrated(database));
    const mlflow = new Mlflow("mlflow", { ...common(configuration.mlflow.memoryMegabytes, [databaseReached]), image: images.mlflow, port: 0 }, child);
    const mlflowReached = reached("mlflow", mlflow.ready);
    // Without a guard in it either: without a feed no entry is let through anyway.
    const broker = new Broker("broker", { ...common(configuration.broker.memoryMegabytes, [databaseReached]), image: images.broker, configuration, guard: false, root }, child);
    const gui = new Gui("gui", { ...common(configuration.gui.memoryMegabytes, [databaseReached]), image: images.gui, configuration, ports: stackPorts(configuration.portBase), root }, child);
    const bots = databaseReached.apply(() => configuration.bots.filter((bot) => args.bots().includes(bot.name)).map((bot) => {
      const image = bot.image === "reference" ? images.bot : bot.image;
      // A bot writes a run of its own into MLflow: what was restored is looked at before.
      return new Bot(botService(bot.name), { context, baseImage: images.base, network: network.name, after: [mlflowReached, broker.ready], image, bot, interval: configuration.interval, running: true, heedsHalts: false }, child).ready;
    }));
    this.health = pulumi.all([mlflowReached, broker.ready, gui.ready, bots]).apply(() => "every container is healthy");
    this.registerOutputs({ health: this.health });
  }
}

function migrated(database: TimescaleDb): pulumi.Output<pulumi.Resource> {
  return pulumi.output((database.migrated as pulumi.CustomResource).id).apply(() => database.migrated);
}

type Properties = Record<string, unknown>;

/**
 * What is left of a resource's properties in a stack that must not be reached, nor reach anything: whatever a component
 * declares, no port is published, no folder of the machine but its own control folder is mounted, and nothing starts again by
 * itself.
 *
 * @param stack its name, that of the stack it is a copy of, and its control folder
 */
export function isolated(type: string, properties: Properties, stack: { readonly name: string; readonly copyOf: string; readonly control: string }): Properties {
  if (type === "docker:index/network:Network") return { ...properties, internal: true };
  if (type !== "docker:index/container:Container") return properties;
  const { ports: _ports, hosts: _hosts, ...kept } = properties;
  const volumes = (properties.volumes ?? []) as readonly { readonly hostPath?: string }[];
  if (volumes.some(({ hostPath }) => hostPath !== undefined && hostPath !== stack.control)) throw new Error("no folder of the machine belongs into an isolated stack");
  const envs = pulumi.output(properties.envs as pulumi.Input<string[]>).apply((all = []) => all.map((entry) => (entry === `TRADING_STACK=${stack.name}` ? `TRADING_STACK=${stack.copyOf}` : entry)));
  return { ...kept, envs, restart: "no" };
}
