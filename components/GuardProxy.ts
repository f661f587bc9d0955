import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { ServiceContainer } from "./ServiceContainer";
import { objectLabels, type StackContext } from "./StackContext";

/** Where every Docker Engine has its socket: on the machine, or in the virtual machine of Docker Desktop. */
const STANDARD_SOCKET = "/var/run/docker.sock";

export interface GuardProxyArgs {
  readonly context: StackContext;
  readonly image: pulumi.Input<string>;
  readonly after: pulumi.Input<pulumi.Resource>[];
  /** Names of the containers that may be stopped and restarted through it. */
  readonly containers: readonly string[];
  /** The Engine's socket, as the Engine itself sees it. */
  readonly engineSocket: string;
}

/**
 * The socket of the Engine that `docker` talks to, as a container of that Engine can mount it. Docker Desktop names its
 * own socket on the machine, which is another one than that in its virtual machine.
 *
 * @param host DOCKER_HOST, where it is set
 */
export function engineSocket(host: string | undefined, platform: NodeJS.Platform): string {
  const file = /^unix:\/\/(\/.+)$/.exec(host ?? "")?.[1];
  return file === undefined || platform !== "linux" || file.includes("/.docker/desktop/") ? STANDARD_SOCKET : file;
}

/**
 * What the guard reaches the Docker Engine through. It is on no network: the guard alone shares the volume with its socket.
 * It lets through what stops, restarts and shows this stack's bots, and nothing else.
 */
export class GuardProxy extends pulumi.ComponentResource {
  static readonly type = "trading:safety:GuardProxy";
  readonly ready: pulumi.Output<pulumi.Resource>;
  /** Name of the volume with its socket, docker.sock. */
  readonly socketVolume: string;

  constructor(name: string, args: GuardProxyArgs, options?: pulumi.ComponentResourceOptions) {
    super(GuardProxy.type, name, {}, options);
    const { context, containers } = args;
    this.socketVolume = context.names.volume("guard-docker");
    const socket = new docker.Volume(`${name}-socket-volume`, { name: this.socketVolume, labels: objectLabels(context, "guard-proxy") }, { parent: this, deleteBeforeReplace: true });
    const container = new ServiceContainer(
      name,
      {
        context,
        image: args.image,
        network: pulumi.output(context.names.network),
        after: [...args.after, socket],
        specification: {
          service: "guard-proxy",
          environment: { CONTAINERS: [...containers].sort().join("|") },
          volumes: [
            { hostPath: args.engineSocket, path: STANDARD_SOCKET, readOnly: true },
            { volume: this.socketVolume, path: "/guard", readOnly: false },
          ],
          // The socket is root's, and whoever may use it may do everything anyway; nothing else of root is left.
          capabilities: [],
          offline: true,
          health: ["curl", "--fail", "--silent", "--show-error", "--max-time", "4", "--unix-socket", "/guard/docker.sock", "http://docker/healthz"],
          memoryMegabytes: 64,
          graceSeconds: 5,
        },
      },
      { parent: this },
    );
    this.ready = container.ready;
    this.registerOutputs({});
  }
}
