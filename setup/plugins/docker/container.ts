import type Docker from "dockerode";
import { setTimeout as delay } from "node:timers/promises";
import { Context } from "../provider/provider";
import { Properties } from "../provider/schema";
import { bytes, createOptions, endpoints, KnownArgs } from "./containerOptions";
import { containerSchema } from "./containerSchema";
import { outputsOf } from "./containerState";
import { dockerResource } from "./dockerResource";
import { attempt, engine, engineMessage, isNotFound, orMissing } from "./engine";
import { requireImage } from "./images";
import { attachOutput } from "./logs";
import { upload } from "./uploads";

/** Time a process that ends at once is given to do so, so that `mustRun` in the state is right. */
const SETTLING_MILLISECONDS = 200;

async function waitUntilHealthy(container: Docker.Container, seconds: number, { signal }: Context): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const { State: state } = await attempt("Unable to inspect container", container.inspect());
    if (!state.Health) {
      throw new Error(
        "you have supplied a 'wait' argument, but the container does not have a healthcheck defined. Please remove the 'wait' argument or add a 'healthcheck' attribute",
      );
    }
    if (state.Health.Status === "healthy") return;
    // The official plugin does not give up at "unhealthy" either.
    if (Date.now() >= end || signal.aborted) throw new Error("container failed to be in healthy state");
    await delay(250);
  }
}

/** Takes the container off the default network and puts it on those of networksAdvanced. */
async function connect(container: Docker.Container, args: KnownArgs): Promise<void> {
  if (!args.networksAdvanced?.length) return;
  try {
    await engine().getNetwork("bridge").disconnect({ Container: container.id });
  } catch (error) {
    const message = engineMessage(error);
    if (!message.includes("is not connected to")) throw new Error(`Unable to disconnect the default network: ${message}`);
  }
  for (const { network, settings } of endpoints(args)) {
    const connected = engine().getNetwork(network).connect({ Container: container.id, EndpointConfig: settings });
    await attempt(`Unable to connect to network '${network}'`, connected);
  }
}

async function create(inputs: Properties, made: (id: string) => void, context: Context) {
  const args = inputs as unknown as KnownArgs;
  await attempt(`Unable to create container with image ${args.image}`, requireImage(args.image, args.platform));
  const container = await attempt("Unable to create container", engine().createContainer(createOptions(inputs)));
  made(container.id);
  await connect(container, args);
  await upload(container, args);
  const output = args.attach ? await attachOutput(container) : undefined;
  if (args.start) {
    await attempt("Unable to start container", container.start());
    if (args.wait) await waitUntilHealthy(container, args.waitTimeout ?? 60, context);
    else await delay(SETTLING_MILLISECONDS);
  }
  const containerLogs = args.logs ? await output?.text : undefined;
  if (args.attach) await container.wait();
  const inspected = await attempt("Unable to inspect container", container.inspect());
  return { id: container.id, outputs: { ...outputsOf(inspected, inputs), ...(containerLogs !== undefined && { containerLogs }) } };
}

const UPDATED_IN_PLACE = ["restart", "maxRetryCount", "cpuShares", "memory", "cpuSet", "memorySwap"] as const;

/**
 * Changes what the Engine can change in a container that exists and starts a stopped one when `mustRun` says so.
 * Health check, tmpfs and init are not changed until the next replacement, as with the official plugin.
 */
async function update(id: string, state: Properties, inputs: Properties): Promise<void> {
  const args = inputs as unknown as KnownArgs;
  const container = engine().getContainer(id);
  if (UPDATED_IN_PLACE.some((name) => (state[name] || undefined) !== (args[name] || undefined))) {
    const options = {
      RestartPolicy: { Name: args.restart ?? "no", MaximumRetryCount: args.maxRetryCount ?? 0 },
      CpuShares: args.cpuShares ?? 0,
      CpusetCpus: args.cpuSet ?? "",
      Memory: bytes(args.memory ?? 0),
      ...(args.memorySwap !== undefined && { MemorySwap: bytes(args.memorySwap) }),
    };
    await attempt("Unable to update a container", container.update(options));
  }
  if (args.mustRun && args.start && !state.mustRun) {
    const { State: now } = await attempt("Unable to inspect container", container.inspect());
    if (!now.Running) await attempt("Unable to start container", container.start());
  }
}

async function remove(id: string, state: Properties): Promise<void> {
  const { attach, destroyGraceSeconds, removeVolumes } = state as unknown as KnownArgs;
  const container = engine().getContainer(id);
  try {
    // Without a grace period the process is killed, without SIGTERM.
    if (!attach && destroyGraceSeconds && (await container.inspect()).State.Running) await container.stop({ t: destroyGraceSeconds });
    await container.remove({ force: true, v: removeVolumes ?? true });
  } catch (error) {
    const message = engineMessage(error);
    if (message.includes("already in progress")) await container.wait({ condition: "removed" }).catch(() => undefined);
    else if (!isNotFound(error)) throw new Error(`Error deleting container ${id}: ${message}`);
  }
}

export const containerResource = dockerResource({
  schema: containerSchema,
  alwaysDeleteFirst: true,
  create,
  update,
  async read(id, state) {
    if (state.image === undefined) throw new Error("the stand-in plugin cannot import a container");
    const inspected = await orMissing(engine().getContainer(id).inspect());
    return inspected && outputsOf(inspected, state);
  },
  delete: remove,
});
