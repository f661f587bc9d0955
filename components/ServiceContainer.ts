import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { containerArguments, type ContainerSpecification } from "./containerArguments";
import { healthGate } from "./healthGate";
import { containerOptions } from "./resourceOptions";
import type { StackContext } from "./StackContext";

/** What a component says of its container; the rest follows from the stack and the house rules. */
export type ServiceSpecification = Pick<ContainerSpecification, "service" | "environment" | "volumes" | "memoryMegabytes" | "graceSeconds"> &
  Partial<Pick<ContainerSpecification, "command" | "ports" | "temporary" | "user" | "health" | "sharedMemoryMegabytes" | "running" | "tellImage" | "hosts" | "capabilities" | "processorShares" | "offline">>;

export interface ServiceContainerArgs {
  readonly context: StackContext;
  readonly specification: ServiceSpecification;
  /** Id or digest of the image. */
  readonly image: pulumi.Input<string>;
  /** Resolves to the network's name once it is there. */
  readonly network: pulumi.Output<string>;
  /** What has to be there, and healthy, before the container is made. */
  readonly after: pulumi.Input<pulumi.Resource>[];
  /** The control folder, where the owner's wish for it and the halts stand, when it is a bot. */
  readonly wish?: { readonly control: string; readonly bot: string };
}

/** A container of the stack together with the gate that holds back what needs it until it is healthy. */
export class ServiceContainer extends pulumi.ComponentResource {
  static readonly type = "trading:service:ServiceContainer";
  readonly containerId: pulumi.Output<string>;
  /** The container, once it is as it is wanted; an `up` fails early when it does not get there. */
  readonly ready: pulumi.Output<pulumi.Resource>;

  constructor(name: string, args: ServiceContainerArgs, options?: pulumi.ComponentResourceOptions) {
    super(ServiceContainer.type, name, {}, options);
    const { context, specification } = args;
    const full: ContainerSpecification = {
      ports: [],
      temporary: { "/tmp": "rw,nosuid,nodev,noexec,size=64m" },
      running: true,
      ...specification,
      name: context.names.container(specification.service),
      stack: context.stack,
      owner: context.owner,
      network: context.names.network,
    };
    const container = new docker.Container(name, containerArguments(full, args.image, args.network), containerOptions(this, args.after));
    this.containerId = container.id;
    this.ready = healthGate(container, full.name, full.running ? "running" : "stopped", args.wish);
    this.registerOutputs({ containerId: this.containerId });
  }
}
