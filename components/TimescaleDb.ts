import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { derivePassword } from "../config/clone";
import type { DatabaseRole } from "../config/databaseRoles";
import { DataVolume } from "./DataVolume";
import { FilledVolume } from "./FilledVolume";
import { ServiceContainer } from "./ServiceContainer";
import type { StackContext } from "./StackContext";

/** User and group of PostgreSQL in its image. */
export const POSTGRES_USER = "10002:10002";

export interface TimescaleDbArgs {
  readonly context: StackContext;
  readonly images: { readonly timescaledb: pulumi.Input<string>; readonly migrate: pulumi.Input<string>; readonly base: pulumi.Input<string> };
  readonly network: pulumi.Output<string>;
  readonly after: pulumi.Input<pulumi.Resource>[];
  readonly memoryMegabytes: number;
  readonly roles: readonly DatabaseRole[];
  /** Where its log is archived; absent where nothing is backed up. */
  readonly archive?: DatabaseArchive;
}

/** What the database needs to archive its log, and to let the backup container in. */
export interface DatabaseArchive {
  /** Content of pgBackRest's configuration: holds the key of its repository. */
  readonly configuration: string;
  readonly backupVolume: pulumi.Input<pulumi.Resource>;
  readonly socketVolume: pulumi.Input<pulumi.Resource>;
}

/** Purpose, in the derivation of passwords, of a database role. */
export function databasePassword(context: StackContext, role: string): string {
  return derivePassword(context.key, `database/${role}`);
}

/** PostgreSQL with TimescaleDB: the trading database, and one of its own for MLflow; brought to its schema before anyone uses it. */
export class TimescaleDb extends pulumi.ComponentResource {
  static readonly type = "trading:database:TimescaleDb";
  /** The command that brought the schema up to date: what uses the database depends on it. */
  readonly migrated: pulumi.Resource;
  /** Number of the newest migration that the database has. */
  readonly schemaVersion: pulumi.Output<number>;

  constructor(name: string, args: TimescaleDbArgs, options?: pulumi.ComponentResourceOptions) {
    super(TimescaleDb.type, name, {}, options);
    const { context, images, network } = args;
    const { archive } = args;
    const superuser = { "superuser-password": databasePassword(context, "postgres") };
    const files = { ...superuser, ...(archive ? { "pgbackrest.conf": archive.configuration } : {}) };

    const data = new DataVolume(`${name}-data`, { context, volumeName: context.names.volume("timescaledb-data"), service: "timescaledb", mode: context.mode }, { parent: this });
    const secrets = new FilledVolume(
      `${name}-secrets`,
      { context, volumeName: context.names.secretsVolume("timescaledb"), service: "timescaledb", user: POSTGRES_USER, files, secret: true, baseImage: images.base },
      { parent: this },
    );
    const server = new ServiceContainer(
      name,
      {
        context,
        image: images.timescaledb,
        network,
        after: [...args.after, data, secrets.filled, ...(archive ? [archive.backupVolume, archive.socketVolume] : [])],
        specification: {
          service: "timescaledb",
          environment: {},
          volumes: [
            { volume: context.names.volume("timescaledb-data"), path: "/var/lib/postgresql/data", readOnly: false },
            { volume: context.names.secretsVolume("timescaledb"), path: "/secrets", readOnly: true },
            ...(archive
              ? [
                  { volume: context.names.volume("backups"), path: "/backups", readOnly: false },
                  { volume: context.names.volume("database-socket"), path: "/sockets", readOnly: false },
                ]
              : []),
          ],
          temporary: { "/tmp": "rw,nosuid,nodev,noexec,size=64m" },
          user: POSTGRES_USER,
          health: ["pg_isready", "--quiet", "--host", "127.0.0.1", "--username", "postgres"],
          memoryMegabytes: args.memoryMegabytes,
          sharedMemoryMegabytes: 128,
          graceSeconds: 60,
        },
      },
      { parent: this },
    );

    const migratorSecrets = new FilledVolume(
      `${name}-migrate-secrets`,
      {
        context,
        volumeName: context.names.secretsVolume("migrate"),
        service: "migrate",
        user: "10001:10001",
        files: { ...superuser, ...Object.fromEntries(args.roles.map((role) => [`${role.name}-password`, databasePassword(context, role.name)])) },
        secret: true,
        baseImage: images.base,
      },
      { parent: this },
    );
    const settings = JSON.stringify({ roles: args.roles });
    const migrated = new command.local.Command(
      `${name}-migrate`,
      {
        create: pulumi.interpolate`docker run --rm --network ${network} --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --memory 192m --volume ${migratorSecrets.volumeName}:/secrets:ro --env TRADING_STACK --env TRADING_MODE --env DATABASE_HOST --env DATABASE_PORT --env DATABASE_NAME --env DATABASE_USER --env LOG_LEVEL --env SETTINGS ${images.migrate}`,
        environment: { ...databaseEnvironment(context, "postgres"), SETTINGS: settings },
        // A database that was made again, other roles or other passwords are brought up to date as well.
        triggers: [images.migrate, server.containerId, settings, derivePassword(context.key, "fingerprint").slice(0, 8)],
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this, dependsOn: [server.ready, migratorSecrets.filled] },
    );
    this.migrated = migrated;
    this.schemaVersion = migrated.stdout.apply(schemaVersionIn);
    this.registerOutputs({});
  }
}

/** @param summary what the migrator wrote, for example `{"schemaVersion":"0005_guard", ...}` */
export function schemaVersionIn(summary: string): number {
  return Number(/"schemaVersion":"(\d+)_/.exec(summary)?.[1] ?? 0);
}

/** Environment of every program that uses the trading database. */
export function databaseEnvironment(context: StackContext, role: string): Record<string, string> {
  return {
    TRADING_STACK: context.stack,
    TRADING_MODE: context.mode,
    LOG_LEVEL: context.logLevel,
    DATABASE_HOST: "timescaledb",
    DATABASE_PORT: "5432",
    DATABASE_NAME: "trading",
    DATABASE_USER: role,
  };
}
