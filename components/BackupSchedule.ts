import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { alertFiles, alertSettings, type AlertAddresses } from "../config/alertSecrets";
import type { AlertsConfiguration } from "../config/alertsSchema";
import type { BackupConfiguration } from "../config/backupSchema";
import { SECOND_COPY_MOUNT, type BackupSecrets } from "../config/backupSecrets";
import { pgbackrestConfiguration } from "../config/pgbackrestConfiguration";
import { DataVolume } from "./DataVolume";
import { FilledVolume } from "./FilledVolume";
import { READY_CHECK, type OwnServiceArgs } from "./OwnService";
import { ServiceContainer } from "./ServiceContainer";
import { objectLabels, type StackContext } from "./StackContext";
import { POSTGRES_USER, type DatabaseArchive } from "./TimescaleDb";

/** Less than every other container has: a backup may take its time, a decision may not. */
const PROCESSOR_SHARES = 128;

export interface BackupVolumesArgs {
  readonly context: StackContext;
  readonly configuration: BackupConfiguration;
  readonly secrets: BackupSecrets;
}

/** What database and backup container have in common: the backups, and the socket through which one reads the other. */
export class BackupVolumes extends pulumi.ComponentResource {
  static readonly type = "trading:backup:BackupVolumes";
  readonly archive: DatabaseArchive;

  constructor(name: string, { context, configuration, secrets }: BackupVolumesArgs, options?: pulumi.ComponentResourceOptions) {
    super(BackupVolumes.type, name, {}, options);
    const backups = new DataVolume(`${name}-backups`, { context, volumeName: context.names.volume("backups"), service: "backup", mode: context.mode }, { parent: this });
    const socket = new docker.Volume(
      `${name}-socket-volume`,
      { name: context.names.volume("database-socket"), labels: objectLabels(context, "timescaledb") },
      { parent: this, deleteBeforeReplace: true },
    );
    this.archive = {
      configuration: pgbackrestConfiguration({ cipherPass: secrets.databaseKey, archiveQueueMegabytes: configuration.archiveQueueMegabytes }),
      backupVolume: backups,
      socketVolume: socket,
    };
    this.registerOutputs({});
  }
}

export interface BackupScheduleArgs extends OwnServiceArgs {
  readonly configuration: BackupConfiguration;
  readonly secrets: BackupSecrets;
  readonly alerts: AlertsConfiguration;
  readonly alertAddresses: AlertAddresses;
  /** Whether the stack has a guard, which then gives the stack's own heartbeat. */
  readonly guarded: boolean;
  readonly archive: DatabaseArchive;
  /** Service -> id of the image it runs: written into every recovery point. */
  readonly deployedImages: pulumi.Input<Readonly<Record<string, string>>>;
  /** Folder of the project: the repository and `.trading` are in the backup. */
  readonly root: string;
}

/** What the service gets in its settings; addresses and keys are files. */
export function backupSettings({ schedule, retention, secondCopy, alarms, restoreTest }: BackupConfiguration, alerts: AlertsConfiguration, guarded: boolean): object {
  return { schedule, retention, secondCopy: { kind: secondCopy.kind }, alarms, restoreTest, alerts: alertSettings("backup", alerts, guarded) };
}

/** The container that takes the backups on schedule, checks them, thins them out, and raises alarms. */
export class BackupSchedule extends pulumi.ComponentResource {
  static readonly type = "trading:backup:BackupSchedule";
  readonly ready: pulumi.Output<pulumi.Resource>;

  constructor(name: string, args: BackupScheduleArgs, options?: pulumi.ComponentResourceOptions) {
    super(BackupSchedule.type, name, {}, options);
    const { context, configuration, secrets, alerts, guarded } = args;
    const secretsVolume = new FilledVolume(
      `${name}-secrets`,
      {
        context,
        volumeName: context.names.secretsVolume("backup"),
        service: "backup",
        user: POSTGRES_USER,
        files: { ...secretFiles(args.archive, secrets), ...alertFiles("backup", args.alertAddresses, guarded) },
        laterFiles: pulumi.output(args.deployedImages).apply((images) => ({ "deployed-images.json": JSON.stringify(images) })),
        secret: true,
        baseImage: args.baseImage,
      },
      { parent: this },
    );
    const container = new ServiceContainer(
      name,
      {
        context,
        image: args.image,
        network: args.network,
        after: [...args.after, args.archive.backupVolume, args.archive.socketVolume, secretsVolume.filled],
        specification: {
          service: "backup",
          environment: { TRADING_STACK: context.stack, TRADING_MODE: context.mode, LOG_LEVEL: context.logLevel, SETTINGS: JSON.stringify(backupSettings(configuration, alerts, guarded)) },
          volumes: [
            { volume: context.names.secretsVolume("backup"), path: "/secrets", readOnly: true },
            { volume: context.names.volume("timescaledb-data"), path: "/data", readOnly: true },
            { volume: context.names.volume("mlflow-artifacts"), path: "/artifacts", readOnly: true },
            { volume: context.names.volume("database-socket"), path: "/sockets", readOnly: true },
            { volume: context.names.volume("backups"), path: "/backups", readOnly: false },
            { hostPath: args.root, path: "/project", readOnly: true },
            ...(configuration.secondCopy.kind === "path" ? [{ hostPath: configuration.secondCopy.path, path: SECOND_COPY_MOUNT, readOnly: false }] : []),
          ],
          temporary: { "/tmp": "rw,nosuid,nodev,noexec,size=256m" },
          // The clone and MLflow's artifacts belong to others: it may read them, and its mounts keep it from changing them.
          // KILL is for the container's init, which hands the signal to stop on to a program of another user.
          capabilities: ["DAC_OVERRIDE", "KILL", "SETGID", "SETUID"],
          health: READY_CHECK,
          memoryMegabytes: args.memoryMegabytes,
          processorShares: PROCESSOR_SHARES,
          graceSeconds: 40,
        },
      },
      { parent: this },
    );
    this.ready = container.ready;
    this.registerOutputs({});
  }
}

function secretFiles(archive: DatabaseArchive, secrets: BackupSecrets): Record<string, string> {
  const files = {
    "pgbackrest.conf": archive.configuration,
    "restic-password": secrets.filesKey,
    "second-copy-password": secrets.recoveryKey,
    "second-copy-address": secrets.secondCopyAddress,
  };
  return Object.fromEntries(Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
