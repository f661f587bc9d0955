import { finished } from "node:stream/promises";
import Docker from "dockerode";
import { dataVolumes, LABELS } from "../config/names";
import { CommandError, failure } from "./errors";

/** One container of a stack as Docker has it. */
export interface ContainerFact {
  readonly id: string;
  readonly name: string;
  /** Value of the service label, for example `broker` or `bot-refstrat01`. */
  readonly service: string;
  /** Identity of the clone it belongs to; undefined when it carries no such label. */
  readonly owner: string | undefined;
  readonly state: string;
  /** undefined when the container has no healthcheck, or is not running. */
  readonly health: "healthy" | "unhealthy" | "starting" | undefined;
  readonly imageId: string;
  /** By what the container was told its image: an id, or name@sha256:...; undefined where it does not say. */
  readonly imageName?: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds; undefined when it was never started. */
  readonly startedAt: number | undefined;
  /** Command of the container's own health check; undefined when it has none. */
  readonly check: readonly string[] | undefined;
  readonly exitCode: number;
  readonly restarts: number;
  /** Seconds that Docker gives the container between SIGTERM and SIGKILL; undefined when the container says nothing. */
  readonly stopTimeout: number | undefined;
}

/** One volume of a stack. */
export interface VolumeFact {
  readonly name: string;
  readonly stack: string | undefined;
  readonly owner: string | undefined;
}

/** How a program inside a container ended, and what it said on both its outputs. */
export interface Execution {
  readonly exitCode: number;
  readonly output: string;
}

/** What the commands need of Docker. Every method throws {@link CommandError} in plain words when Docker does not answer. */
export interface Engine {
  /** Containers that carry the stack's label, running or not, ordered by name. */
  containers(stack: string): Promise<ContainerFact[]>;
  container(name: string): Promise<ContainerFact | undefined>;
  /**
   * The container with its health as it is now: while Docker calls it starting, its own check is run at once instead of
   * at the next turn of its interval.
   */
  checked(container: ContainerFact): Promise<ContainerFact>;
  /** Volumes whose label or name says that they belong to the stack, ordered by name. */
  volumes(stack: string): Promise<VolumeFact[]>;
  /** Starts a container; no error when it runs already. */
  start(id: string): Promise<void>;
  /** SIGTERM, then SIGKILL after the grace; no error when it is stopped already. */
  stop(id: string, graceSeconds: number): Promise<void>;
  /** Removes a volume; no error when it is gone already. */
  removeVolume(name: string): Promise<void>;
  /** Runs a program inside a running container, without a shell. */
  execute(id: string, command: readonly string[]): Promise<Execution>;
  /** Last lines of a container's log. */
  log(id: string, lines: number): Promise<string>;
}

interface HttpError extends Error {
  statusCode?: number;
  code?: string;
  reason?: string;
  json?: { message?: string };
}

const UNREACHABLE = new Set(["ECONNREFUSED", "ENOENT", "EACCES", "EPERM", "ECONNRESET", "ETIMEDOUT", "ENOTFOUND", "EPIPE"]);

/** Turns an error of the client library into one line that says what is wrong and what to do. */
export function explainEngineError(error: unknown): Error {
  if (error instanceof CommandError) return error;
  const problem = error as HttpError;
  if (problem.statusCode === undefined && problem.code !== undefined && UNREACHABLE.has(problem.code)) {
    const where = process.env.DOCKER_HOST === undefined ? "" : ` (DOCKER_HOST is ${process.env.DOCKER_HOST})`;
    const reason =
      problem.code === "EACCES" || problem.code === "EPERM"
        ? "this user may not talk to it"
        : "is it running? Start Docker Desktop, or the docker service";
    return failure(`Docker cannot be reached${where}: ${reason} [${problem.code}]`, { docker: "unreachable" });
  }
  if (problem.statusCode !== undefined) return failure(`Docker refused: ${problem.json?.message ?? problem.reason ?? problem.message}`);
  return error instanceof Error ? error : new Error(String(error));
}

function time(text: string | undefined): number | undefined {
  const value = Date.parse(text ?? "");
  return Number.isNaN(value) || value <= 0 ? undefined : value;
}

function factOf(info: Docker.ContainerInspectInfo): ContainerFact {
  const labels = info.Config.Labels ?? {};
  const name = info.Name.replace(/^\//, "");
  const health = info.State.Health?.Status;
  const stopTimeout = (info.Config as { StopTimeout?: number }).StopTimeout;
  return {
    id: info.Id,
    name,
    service: labels[LABELS.service] ?? name,
    owner: labels[LABELS.owner],
    state: info.State.Status,
    health: info.State.Running && (health === "healthy" || health === "unhealthy" || health === "starting") ? health : undefined,
    imageId: info.Image,
    imageName: info.Config.Image,
    createdAt: Date.parse(info.Created),
    startedAt: time(info.State.StartedAt),
    check: checkCommand((info.Config as { Healthcheck?: { Test?: string[] } }).Healthcheck?.Test),
    exitCode: info.State.ExitCode,
    restarts: info.RestartCount,
    stopTimeout,
  };
}

function checkCommand(test: readonly string[] = []): readonly string[] | undefined {
  const [kind, ...command] = test;
  if (kind === "CMD") return command;
  return kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...command] : undefined;
}

function byName(left: { name: string }, right: { name: string }): number {
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}

/** An Engine that has said nothing for so long hangs. */
const ANSWER_MILLISECONDS = 15_000;

/** Longest time a container's own check may take. */
const CHECK_MILLISECONDS = 10_000;

/** Longest time another program inside a container may take. */
const EXECUTION_MILLISECONDS = 30_000;

/** Talks to the Engine that `DOCKER_HOST`, or else Docker's own default, points at. */
export function connectEngine(): Engine {
  const docker = new Docker({ timeout: ANSWER_MILLISECONDS });

  async function guarded<T>(work: () => Promise<T>, ignoredStatus: readonly number[] = [], otherwise?: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (ignoredStatus.includes((error as HttpError).statusCode ?? 0)) return otherwise as T;
      throw explainEngineError(error);
    }
  }

  const inspect = (id: string) =>
    guarded<ContainerFact | undefined>(async () => factOf(await docker.getContainer(id).inspect()), [404], undefined);

  async function execute(id: string, command: readonly string[], milliseconds: number): Promise<Execution> {
    const execution = await docker.getContainer(id).exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
    const stream = await execution.start({});
    const said: Buffer[] = [];
    try {
      stream.on("data", (chunk: Buffer) => said.push(chunk));
      await finished(stream, { signal: AbortSignal.timeout(milliseconds) });
    } finally {
      stream.destroy();
    }
    return { exitCode: (await execution.inspect()).ExitCode ?? -1, output: plainLog(Buffer.concat(said)) };
  }

  /** Whether a command inside the container ends with 0; one that hangs, or cannot be run, does not. */
  const passes = (id: string, command: readonly string[]): Promise<boolean> =>
    execute(id, command, CHECK_MILLISECONDS).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    );

  return {
    async containers(stack) {
      const found = await guarded(() => docker.listContainers({ all: true, filters: { label: [`${LABELS.stack}=${stack}`] } }));
      const facts = await Promise.all(found.map((container) => inspect(container.Id)));
      return facts.filter((fact): fact is ContainerFact => fact !== undefined).sort(byName);
    },
    container: inspect,
    async checked(container) {
      if (container.health !== "starting" || container.check === undefined) return container;
      return (await passes(container.id, container.check)) ? { ...container, health: "healthy" } : container;
    },
    async volumes(stack) {
      const { Volumes } = await guarded(() => docker.listVolumes());
      return (Volumes ?? [])
        .map((volume) => {
          const labels = (volume.Labels ?? {}) as Record<string, string>;
          return { name: volume.Name, stack: labels[LABELS.stack], owner: labels[LABELS.owner] };
        })
        .filter((volume) => volume.stack === stack || dataVolumes(stack).includes(volume.name))
        .sort(byName);
    },
    start: (id) => guarded(async () => void (await docker.getContainer(id).start()), [304]),
    stop: (id, graceSeconds) => {
      // The answer comes only when the container has ended.
      const patient = new Docker({ timeout: graceSeconds * 1000 + ANSWER_MILLISECONDS });
      return guarded(async () => void (await patient.getContainer(id).stop({ t: graceSeconds })), [304, 404]);
    },
    removeVolume: (name) => guarded(async () => void (await docker.getVolume(name).remove()), [404]),
    execute: (id, command) =>
      guarded(async () => {
        try {
          return await execute(id, command, EXECUTION_MILLISECONDS);
        } catch (error) {
          if ((error as Error).name !== "AbortError") throw error;
          throw failure(`${command[0]} in the container did not end within ${EXECUTION_MILLISECONDS / 1000} s`);
        }
      }),
    async log(id, lines) {
      const raw = await guarded(() => docker.getContainer(id).logs({ stdout: true, stderr: true, tail: lines, follow: false }), [404], Buffer.alloc(0));
      return plainLog(raw as Buffer);
    },
  };
}

/** Takes the 8-byte frame headers out of a log that Docker sends as one multiplexed stream. */
export function plainLog(raw: Buffer): string {
  const parts: string[] = [];
  let offset = 0;
  while (offset + 8 <= raw.length) {
    const length = raw.readUInt32BE(offset + 4);
    parts.push(raw.toString("utf8", offset + 8, offset + 8 + length));
    offset += 8 + length;
  }
  return parts.join("");
}
