import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { canonicalHash } from "../config/canonicalHash";
import { LABELS } from "../config/names";

/** A named volume, or a folder of the machine, and where it is mounted. */
export type Mount = ({ readonly volume: string } | { readonly hostPath: string }) & { readonly path: string; readonly readOnly: boolean };

/** What a container of this program is, in words the house rules can be applied to. */
export interface ContainerSpecification {
  /** Name of the container on the Engine. */
  readonly name: string;
  /** Service name: the network alias and a label. */
  readonly service: string;
  readonly stack: string;
  /** Identity of the clone it belongs to. */
  readonly owner: string;
  readonly network: string;
  /** On no network at all: what it says and hears goes through files and sockets. */
  readonly offline?: boolean;
  /** Environment; never a secret. */
  readonly environment: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  /** What is mounted where. */
  readonly volumes: readonly Mount[];
  /** Port in the container -> port on 127.0.0.1. */
  readonly ports: readonly { readonly container: number; readonly host: number }[];
  /** Folders in memory, with the mount options of tmpfs. */
  readonly temporary: Readonly<Record<string, string>>;
  /** User and group, numeric, never 0; absent where the image names its own. */
  readonly user?: string;
  /**
   * Begins as user 0 with these capabilities, and its own program gives both up but for what it has to read: for a
   * program that reads what several others own. Everything it must not change has to be mounted read-only. With none of
   * them it is no more than the owner of root's own files.
   */
  readonly capabilities?: readonly string[];
  /** Share of the processors where they are short; 1024 is what every other container has. */
  readonly processorShares?: number;
  /** A check that means progress; absent where the image has its own. */
  readonly health?: readonly string[];
  readonly memoryMegabytes: number;
  readonly sharedMemoryMegabytes?: number;
  /** Further names the container knows -> address; `host-gateway` is the machine that runs Docker. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Time between SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
  /** Whether it is wanted running. */
  readonly running: boolean;
  /** Tells the program in `TRADING_IMAGE` which image it runs, for its record. */
  readonly tellImage?: boolean;
}

/** How often the Engine runs a health check. Rarely, for each costs CPU: the health gate asks by itself after a change. */
const HEALTH_TIMES = { interval: "15s", timeout: "5s", startPeriod: "1m0s", retries: 3 };

/**
 * The one way a container is declared: the house rules around a specification.
 *
 * @param image id of a local image, or name and digest
 * @param network the network's name once it is there: what the container is connected to then follows the network
 */
export function containerArguments(specification: ContainerSpecification, image: pulumi.Input<string>, network: pulumi.Input<string> = specification.network): docker.ContainerArgs {
  const { name, service, stack, owner, environment, command, volumes, ports, temporary, user, capabilities, health, processorShares } = specification;
  const shape = {
    envs: Object.entries(environment)
      .map(([key, value]) => `${key}=${value}`)
      .sort(),
    ...(command ? { command: [...command] } : {}),
    ...(capabilities ? { user: "0" } : user ? { user } : {}),
    volumes: volumes.map(({ path, readOnly, ...source }) => ({ ...("volume" in source ? { volumeName: source.volume } : source), containerPath: path, readOnly })),
    ports: ports.map(({ container, host }) => ({ internal: container, external: host, ip: "127.0.0.1", protocol: "tcp" })),
    ...(specification.offline ? { networkMode: "none" } : { networksAdvanced: [{ name: specification.network, aliases: [service] }] }),
    tmpfs: { ...temporary },
    ...(health ? { healthcheck: { tests: ["CMD", ...health], ...HEALTH_TIMES } } : {}),
    ...(specification.sharedMemoryMegabytes ? { shmSize: specification.sharedMemoryMegabytes } : {}),
    ...(specification.hosts ? { hosts: Object.entries(specification.hosts).map(([host, ip]) => ({ host, ip })) } : {}),
    readOnly: true,
    init: true,
    capabilities: { drops: ["ALL"], ...(capabilities?.length ? { adds: [...capabilities] } : {}) },
    securityOpts: ["no-new-privileges:true"],
    logDriver: "json-file",
    logOpts: { "max-size": "10m", "max-file": "3" },
    stopTimeout: specification.graceSeconds,
  };
  return {
    name,
    image,
    ...shape,
    // No part of the fingerprint: another image replaces the container by itself.
    ...(specification.tellImage ? { envs: pulumi.output(image).apply((id) => [...shape.envs, `TRADING_IMAGE=${id}`]) } : {}),
    ...(specification.offline ? {} : { networksAdvanced: [{ name: network, aliases: [service] }] }),
    labels: [
      { label: LABELS.fingerprint, value: fingerprint(shape) },
      { label: LABELS.owner, value: owner },
      { label: LABELS.service, value: service },
      { label: LABELS.stack, value: stack },
    ],
    // Changed in place, or no part of what the container is: these stay out of the fingerprint.
    memory: specification.memoryMegabytes,
    memorySwap: specification.memoryMegabytes,
    ...(processorShares ? { cpuShares: processorShares } : {}),
    restart: "unless-stopped",
    // Without it the plugin kills at once, and no SIGTERM is sent at all.
    destroyGraceSeconds: specification.graceSeconds,
    start: specification.running,
    mustRun: specification.running,
  };
}

/**
 * Hash of a normalised specification. As a label it makes the plugin replace a container for every change of it,
 * those included that the plugin would report as done and not do (health check, tmpfs, init, a dropped list).
 */
export function fingerprint(shape: object): string {
  return canonicalHash(shape).slice(0, 16);
}
