import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { botState, type BotState } from "../config/botState";
import { promotionStanding, type PromotionStanding } from "../config/promotionEvidence";
import { databaseRoles } from "../config/databaseRoles";
import type { DesiredState } from "../config/desiredState";
import type { HaltsInForce } from "../control/standing";
import { botService, stackPorts } from "../config/names";
import { alertAddresses, type AlertAddresses } from "../config/alertSecrets";
import type { BackupSecrets } from "../config/backupSecrets";
import type { StackConfiguration } from "../config/schema";
import { IMAGE_NAMES, IMAGES, type ImageName } from "../images/catalog";
import type { PinnedOf } from "../images/verify";
import { BackupSchedule, BackupVolumes } from "./BackupSchedule";
import { Bot } from "./Bot";
import { Broker } from "./Broker";
import { ContainerImage } from "./ContainerImage";
import { Guard } from "./Guard";
import { engineSocket, GuardProxy } from "./GuardProxy";
import { Gui } from "./Gui";
import { LiveFeed } from "./LiveFeed";
import { Mlflow } from "./Mlflow";
import { Performance } from "./Performance";
import type { OwnServiceArgs } from "./OwnService";
import { objectLabels, type StackContext } from "./StackContext";
import { TimescaleDb } from "./TimescaleDb";

export interface TradingStackArgs {
  readonly context: StackContext;
  readonly configuration: StackConfiguration;
  readonly desiredState: DesiredState;
  readonly halts: HaltsInForce;
  /** Hash of the content of each first-party image that is not pinned. */
  readonly imageHashes: Readonly<Partial<Record<ImageName, string>>>;
  /** Rejects where an image of these ids is not on the Engine; those that are pinned cannot be built anew. */
  readonly verifyImages: (ids: Readonly<Record<string, string>>, pinned: PinnedOf) => Promise<void>;
  /** Folder of the project. */
  readonly root: string;
  /** Undefined where nothing is backed up. */
  readonly backupSecrets: BackupSecrets | undefined;
}

interface GuardParts {
  readonly image: (name: ImageName) => pulumi.Output<string>;
  readonly imagesThere: pulumi.Input<pulumi.Resource>;
  readonly common: (memoryMegabytes: number, after: pulumi.Input<pulumi.Resource>[]) => Omit<OwnServiceArgs, "image">;
  readonly migrated: pulumi.Input<pulumi.Resource>;
}

/** Images whose containers, bots aside, are the stack: what a rollback or a restore needs again. */
const DEPLOYED_IMAGES = ["timescaledb", "migrate", "mlflow", "livefeed", "broker", "performance", "gui", "guard", "guard-proxy", "backup"] as const;

/** What a stack runs, once all of it is known. */
export interface Deployed {
  /** Service -> what its container is made of. */
  readonly images: Readonly<Record<string, string>>;
  /** First-party image -> its id. */
  readonly imageNames: Readonly<Record<string, string>>;
  /** Number of the newest migration of the database. */
  readonly schemaVersion: number;
}

/** One complete stack: nothing of it is shared with another. */
export class TradingStack extends pulumi.ComponentResource {
  static readonly type = "trading:stack:TradingStack";
  readonly bots: readonly BotState[];
  readonly promotion: PromotionStanding;
  /** Resolves when every container is as it is wanted. */
  readonly health: pulumi.Output<string>;
  readonly deployed: pulumi.Output<Deployed>;

  constructor(name: string, args: TradingStackArgs, options?: pulumi.ComponentResourceOptions) {
    super(TradingStack.type, name, {}, options);
    const { context, configuration, root } = args;
    // Before anything is declared: it fails where an address is not what it should be.
    const addresses = alertAddresses(root, context.stack, configuration.alerts);
    const child = { parent: this };
    const ports = stackPorts(configuration.portBase);
    this.promotion = promotionStanding(root, context.stack, configuration);
    this.bots = configuration.bots.map((bot) => botState(this.promotion, args.desiredState, args.halts, bot.name));

    const { id: image, there: imagesThere } = this.images(args);
    const network = new docker.Network(`${name}-network`, { name: context.names.network, labels: objectLabels(context, "network") }, { ...child, deleteBeforeReplace: true });
    const common = (memoryMegabytes: number, after: pulumi.Input<pulumi.Resource>[]) => ({ context, baseImage: image("base"), network: network.name, after, memoryMegabytes });

    const { backupSecrets } = args;
    const backup = backupSecrets && new BackupVolumes("backup-volumes", { context, configuration: configuration.backup, secrets: backupSecrets }, child);
    const database = new TimescaleDb(
      "timescaledb",
      {
        // Everything else waits for the database.
        ...common(configuration.database.memoryMegabytes, [imagesThere]),
        images: { timescaledb: image("timescaledb"), migrate: image("migrate"), base: image("base") },
        roles: databaseRoles(configuration),
        ...(backup ? { archive: backup.archive } : {}),
      },
      child,
    );
    const mlflow = new Mlflow("mlflow", { ...common(configuration.mlflow.memoryMegabytes, [database.migrated]), image: image("mlflow"), port: ports.mlflow }, child);
    const livefeed = new LiveFeed(
      "livefeed",
      {
        ...common(configuration.livefeed.memoryMegabytes, [database.migrated]),
        image: image("livefeed"),
        feed: configuration.feed,
        symbols: [...new Set(configuration.bots.map((bot) => bot.symbol))].sort(),
        interval: configuration.interval,
        root,
      },
      child,
    );
    const broker = new Broker("broker", { ...common(configuration.broker.memoryMegabytes, [database.migrated]), image: image("broker"), configuration, guard: configuration.guard.enabled, canary: this.promotion.canary, root }, child);
    const guard = configuration.guard.enabled ? this.guard(args, addresses, { image, imagesThere, common, migrated: database.migrated }) : undefined;
    const botImage = (name: string) => (name === "reference" ? image("bot") : pulumi.output(name));
    const bots = configuration.bots.map(
      (bot, index) =>
        new Bot(
          botService(bot.name),
          { context, baseImage: image("base"), network: network.name, after: [livefeed.ready, broker.ready, ...(guard ? [guard.ready] : [])], image: botImage(bot.image), bot, interval: configuration.interval, running: this.bots[index]!.running },
          child,
        ),
    );
    const performance = new Performance("performance", { ...common(configuration.performance.memoryMegabytes, [database.migrated]), image: image("performance"), configuration }, child);
    const gui = new Gui("gui", { ...common(configuration.gui.memoryMegabytes, [database.migrated]), image: image("gui"), configuration, ports, notices: this.promotion.warnings, canary: this.promotion.canary, root }, child);

    const deployedImages = pulumi.all({
      ...Object.fromEntries(DEPLOYED_IMAGES.map((name) => [name, image(name)])),
      ...Object.fromEntries(configuration.bots.map((bot) => [botService(bot.name), botImage(bot.image)])),
    });
    const imageNames = pulumi.all(Object.fromEntries(IMAGE_NAMES.map((name) => [name, image(name)])));
    // Those as well that no container is made of: a release pins them, and Docker throws them away first.
    const archivedImages = pulumi.all([imageNames, deployedImages]).apply(([names, deployed]) => ({ ...names, ...deployed }));
    const schedule =
      backup &&
      new BackupSchedule(
        "backup",
        {
          // Its own image must not be the first to be mounted on the volumes of the others: a new volume takes its owner from it.
          ...common(configuration.backup.memoryMegabytes, [database.migrated, mlflow.ready]),
          ...{ image: image("backup"), configuration: configuration.backup, secrets: backupSecrets!, archive: backup.archive, deployedImages: archivedImages, root },
          ...{ alerts: configuration.alerts, alertAddresses: addresses, guarded: configuration.guard.enabled },
        },
        child,
      );

    this.health = pulumi.all([...(schedule ? [schedule.ready] : []), ...(guard ? [guard.ready] : []), mlflow.ready, livefeed.ready, broker.ready, performance.ready, gui.ready, ...bots.map((bot) => bot.ready)]).apply(() => "every container is as it is wanted");
    this.deployed = pulumi.all([deployedImages, imageNames, database.schemaVersion]).apply(([images, names, schemaVersion]) => ({ images: onlyDeclared(images, configuration), imageNames: names, schemaVersion }));
    // Mode and port base are for the policy pack.
    this.registerOutputs({ health: this.health, mode: configuration.mode, portBase: configuration.portBase });
  }

  /** The guard and what it reaches the Engine through. No bot is made before it watches. */
  private guard({ context, configuration, root }: TradingStackArgs, alertAddresses: AlertAddresses, parts: GuardParts): Guard {
    const { image, imagesThere, common, migrated } = parts;
    const child = { parent: this };
    const proxy = new GuardProxy(
      "guard-proxy",
      {
        ...{ context, image: image("guard-proxy"), after: [imagesThere] },
        containers: configuration.bots.map((bot) => context.names.botContainer(bot.name)),
        engineSocket: engineSocket(process.env["DOCKER_HOST"], process.platform),
      },
      child,
    );
    return new Guard(
      "guard",
      { ...common(configuration.guard.memoryMegabytes, [migrated, proxy.ready]), image: image("guard"), configuration, alertAddresses, socketVolume: proxy.socketVolume, root },
      child,
    );
  }

  /** Builds what changed and is not pinned. What depends on `there` is held back until all images are known to be on the Engine. */
  private images({ imageHashes: hashes, verifyImages, configuration: { release }, context }: TradingStackArgs): { id(name: ImageName): pulumi.Output<string>; there: pulumi.Input<pulumi.Resource> } {
    const built = new Map<ImageName, ContainerImage>();
    for (const name of IMAGE_NAMES) {
      const parent = IMAGES[name].parent;
      // A parent is built before its children, or each of them would build it.
      const dependsOn = parent ? [built.get(parent)!] : [];
      built.set(name, new ContainerImage(`image-${name}`, { image: name, contentHash: hashes[name], pinned: release.images[name] }, { parent: this, dependsOn }));
    }
    const id = (name: ImageName) => built.get(name)!.id;
    const base = built.get("base")!;
    if (pulumi.runtime.isDryRun()) return { id, there: base };
    const there = pulumi.all(IMAGE_NAMES.map(id)).apply(async (ids) => {
      await verifyImages(Object.fromEntries(IMAGE_NAMES.map((name, index) => [name, ids[index]!])), { stack: context.stack, names: Object.keys(release.images) }).catch((error: Error) => {
        throw new pulumi.RunError(error.message);
      });
      return base;
    });
    return { id, there };
  }
}

/** A stack may do without backup and guard. */
function onlyDeclared(images: Readonly<Record<string, string>>, { backup, guard }: StackConfiguration): Record<string, string> {
  const absent = new Set([...(backup.enabled ? [] : ["backup"]), ...(guard.enabled ? [] : ["guard", "guard-proxy"])]);
  return Object.fromEntries(Object.entries(images).filter(([service]) => !absent.has(service)));
}
