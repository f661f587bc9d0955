import type { ContainerArgs } from "@pulumi/docker";
import { isAbsolute } from "node:path";
import { Attribute } from "../provider/schema";
import { labelsAttribute } from "./labels";

const text: Attribute = { type: "string" };
const whole: Attribute = { type: "integer" };
const flag: Attribute = { type: "boolean" };
const replacing = (attribute: Attribute): Attribute => ({ ...attribute, replaces: true });
const filledIn = (attribute: Attribute): Attribute => ({ ...attribute, replaces: true, computed: true });
const blocks = (fields: Record<string, Attribute>): Attribute => ({ type: "set", replaces: true, fields });

const notServed: Attribute = { type: "block", replaces: true, problem: () => "Not served by the stand-in plugin, the official one is needed" };

function duration(value: unknown): string | undefined {
  return /^(0|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$/.test(String(value)) ? undefined : `'${value}' is not a valid duration`;
}

function restart(value: unknown): string | undefined {
  const pattern = "^(no|on-failure|always|unless-stopped)$";
  return new RegExp(pattern).test(String(value)) ? undefined : `'${value}' doesn't match the pattern '${pattern}'`;
}

function absolute(value: unknown): string | undefined {
  return isAbsolute(String(value)) ? undefined : `'${value}' must be an absolute path`;
}

const time: Attribute = { type: "string", default: "0s", problem: duration };

type Output = "bridge" | "containerLogs" | "exitCode" | "networkDatas";

/** Arguments and outputs of a container, with what a change of each leads to. */
export const containerSchema = {
  name: { type: "string", replaces: true, autoName: true },
  image: { type: "string", required: true, replaces: true },
  command: { type: "list", replaces: true, computed: true, missingDiffers: true },
  entrypoints: { type: "list", replaces: true, computed: true, missingDiffers: true },
  envs: { type: "set", replaces: true, computed: true },
  labels: { ...labelsAttribute, computed: true },
  user: filledIn(text),
  workingDir: filledIn(text),
  hostname: filledIn(text),
  domainname: replacing(text),
  hosts: blocks({ host: { type: "string", required: true }, ip: { type: "string", required: true } }),
  ports: {
    type: "list",
    replaces: true,
    fields: {
      internal: { type: "integer", required: true },
      external: whole,
      ip: { type: "string", default: "0.0.0.0" },
      protocol: { type: "string", default: "tcp" },
    },
  },
  publishAllPorts: replacing(flag),
  volumes: blocks({
    containerPath: text,
    fromContainer: text,
    hostPath: { type: "string", problem: absolute },
    volumeName: text,
    readOnly: flag,
    selinuxRelabel: text,
  }),
  mounts: notServed,
  tmpfs: { type: "map" },
  uploads: blocks({
    file: { type: "string", required: true },
    content: text,
    contentBase64: text,
    source: text,
    sourceHash: text,
    executable: flag,
    permissions: text,
  }),
  networkMode: { type: "string", replaces: true, default: "bridge" },
  networksAdvanced: blocks({
    name: { type: "string", required: true },
    aliases: { type: "set" },
    ipv4Address: text,
    ipv6Address: text,
    macAddress: text,
    linkLocalIps: { type: "set" },
    driverOpts: { type: "set" },
    gwPriority: whole,
  }),
  dns: { type: "set", replaces: true },
  dnsOpts: { type: "set", replaces: true },
  dnsSearches: { type: "set", replaces: true },
  healthcheck: {
    type: "block",
    computed: true,
    fields: { tests: { type: "list" }, interval: time, timeout: time, startPeriod: time, startInterval: time, retries: whole },
  },
  memory: whole,
  memorySwap: whole,
  memoryReservation: replacing(whole),
  cpuShares: whole,
  cpuSet: text,
  cpus: replacing(text),
  cpuPeriod: replacing(whole),
  cpuQuota: replacing(whole),
  shmSize: filledIn(whole),
  ulimits: {
    ...blocks({ name: { type: "string", required: true }, soft: { type: "integer", required: true }, hard: { type: "integer", required: true } }),
    computed: true,
  },
  logDriver: filledIn(text),
  logOpts: { type: "map", replaces: true },
  capabilities: { type: "block", replaces: true, fields: { adds: { type: "set" }, drops: { type: "set" } } },
  securityOpts: { type: "set", replaces: true, computed: true },
  privileged: replacing(flag),
  readOnly: replacing(flag),
  init: { type: "boolean", computed: true },
  stopSignal: filledIn(text),
  stopTimeout: filledIn(whole),
  restart: { type: "string", default: "no", problem: restart },
  maxRetryCount: whole,
  ipcMode: filledIn(text),
  pidMode: replacing(text),
  usernsMode: replacing(text),
  cgroupnsMode: filledIn(text),
  cgroupParent: filledIn(text),
  groupAdds: { type: "set", replaces: true },
  sysctls: { type: "map", replaces: true },
  runtime: filledIn(text),
  platform: filledIn(text),
  tty: replacing(flag),
  stdinOpen: replacing(flag),
  storageOpts: { type: "map", replaces: true },
  devices: notServed,
  deviceCgroupRules: notServed,
  deviceReadBps: notServed,
  deviceReadIops: notServed,
  deviceRequests: notServed,
  deviceWriteBps: notServed,
  deviceWriteIops: notServed,
  gpus: notServed,
  rm: flag,
  start: { type: "boolean", default: true },
  mustRun: { type: "boolean", default: true },
  attach: flag,
  logs: flag,
  wait: flag,
  waitTimeout: { type: "integer", default: 60 },
  destroyGraceSeconds: whole,
  removeVolumes: { type: "boolean", default: true },
  containerReadRefreshTimeoutMilliseconds: { type: "integer", default: 15000 },
  bridge: { type: "string", outputOnly: true },
  containerLogs: { type: "string", outputOnly: true },
  exitCode: { type: "integer", outputOnly: true },
  networkDatas: { type: "list", outputOnly: true, missingDiffers: true },
} satisfies Record<keyof ContainerArgs | Output, Attribute>;
