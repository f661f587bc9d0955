import * as pulumi from "@pulumi/pulumi";
import { DataVolume } from "./DataVolume";
import { FilledVolume } from "./FilledVolume";
import { SERVICE_USER, type OwnServiceArgs } from "./OwnService";
import { ServiceContainer } from "./ServiceContainer";
import { databasePassword } from "./TimescaleDb";

export interface MlflowArgs extends OwnServiceArgs {
  /** Port of its page on 127.0.0.1. */
  readonly port: number;
}

/** MLflow's tracking server: runs in a database of its own, artifacts in a volume. */
export class Mlflow extends pulumi.ComponentResource {
  static readonly type = "trading:evidence:Mlflow";
  readonly ready: pulumi.Output<pulumi.Resource>;

  constructor(name: string, args: MlflowArgs, options?: pulumi.ComponentResourceOptions) {
    super(Mlflow.type, name, {}, options);
    const { context } = args;
    const artifacts = new DataVolume(`${name}-artifacts`, { context, volumeName: context.names.volume("mlflow-artifacts"), service: "mlflow", mode: context.mode }, { parent: this });
    const secrets = new FilledVolume(
      `${name}-secrets`,
      {
        context,
        volumeName: context.names.secretsVolume("mlflow"),
        service: "mlflow",
        user: SERVICE_USER,
        files: { "database-password": databasePassword(context, "mlflow") },
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
        after: [...args.after, artifacts, secrets.filled],
        specification: {
          service: "mlflow",
          environment: { DATABASE_HOST: "timescaledb", DATABASE_PORT: "5432", DATABASE_NAME: "mlflow", DATABASE_USER: "mlflow" },
          volumes: [
            { volume: context.names.volume("mlflow-artifacts"), path: "/artifacts", readOnly: false },
            { volume: context.names.secretsVolume("mlflow"), path: "/secrets", readOnly: true },
          ],
          ports: [{ container: 5000, host: args.port }],
          temporary: { "/tmp": "rw,nosuid,nodev,noexec,size=128m" },
          user: SERVICE_USER,
          // Asks as its clients do: its own health pages stay green while every client is refused for its Host, or the database is gone.
          health: ["curl", "--fail", "--silent", "--show-error", "--max-time", "4", "--output", "/dev/null", "--header", "Host: mlflow:5000", "http://127.0.0.1:5000/api/2.0/mlflow/experiments/search?max_results=1"],
          memoryMegabytes: args.memoryMegabytes,
          graceSeconds: 20,
        },
      },
      { parent: this },
    );
    this.ready = container.ready;
    this.registerOutputs({});
  }
}
