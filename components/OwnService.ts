import * as pulumi from "@pulumi/pulumi";
import { FilledVolume } from "./FilledVolume";
import { ServiceContainer, type ServiceSpecification } from "./ServiceContainer";
import type { StackContext } from "./StackContext";
import { databaseEnvironment, databasePassword } from "./TimescaleDb";

/** User and group of our own programs in their images. */
export const SERVICE_USER = "10001:10001";

/** The check every program of ours answers: `/readyz` says ready only while there is progress. */
export const READY_CHECK = ["curl", "--fail", "--silent", "--show-error", "--max-time", "4", "http://127.0.0.1:8080/readyz"] as const;

/** What the components of our own programs have in common. */
export interface OwnServiceArgs {
  readonly context: StackContext;
  readonly image: pulumi.Input<string>;
  readonly baseImage: pulumi.Input<string>;
  readonly network: pulumi.Output<string>;
  readonly after: pulumi.Input<pulumi.Resource>[];
  readonly memoryMegabytes: number;
}

export interface OwnServiceDeclaration {
  readonly service: string;
  readonly databaseRole: string;
  /** What the service validates at its start. */
  readonly settings: object;
  /** Secret files beside the database password. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly specification?: Partial<ServiceSpecification>;
  /** The control folder, where the owner's wish for it and the halts stand, when it is a bot. */
  readonly wish?: { readonly control: string; readonly bot: string };
}

/** A container of one of our own programs: its secrets, its settings, its database role. */
export function ownService(parent: pulumi.Resource, name: string, args: OwnServiceArgs, declaration: OwnServiceDeclaration): ServiceContainer {
  const { context } = args;
  const { service, databaseRole, settings, specification = {} } = declaration;
  const secrets = new FilledVolume(
    `${name}-secrets`,
    {
      context,
      volumeName: context.names.secretsVolume(service),
      service,
      user: SERVICE_USER,
      files: { "database-password": databasePassword(context, databaseRole), ...declaration.secrets },
      secret: true,
      baseImage: args.baseImage,
    },
    { parent },
  );
  const { volumes = [], ...rest } = specification;
  return new ServiceContainer(
    name,
    {
      context,
      image: args.image,
      network: args.network,
      after: [...args.after, secrets.filled],
      ...(declaration.wish ? { wish: declaration.wish } : {}),
      specification: {
        service,
        environment: { ...databaseEnvironment(context, databaseRole), SETTINGS: JSON.stringify(settings) },
        user: SERVICE_USER,
        health: READY_CHECK,
        memoryMegabytes: args.memoryMegabytes,
        graceSeconds: 15,
        ...rest,
        volumes: [{ volume: context.names.secretsVolume(service), path: "/secrets", readOnly: true }, ...volumes],
      },
    },
    { parent },
  );
}
