import { containerArguments, type ContainerSpecification } from "../../../components/containerArguments";
import { TYPES, type DeclaredResource, type Properties, type ResourceRule, violationText } from "../../../policy/rule";

export const IMAGE = `sha256:${"a".repeat(64)}`;

export const specification: ContainerSpecification = {
  name: "trading-paper-gui",
  service: "gui",
  stack: "paper",
  owner: "0123",
  network: "trading-paper",
  environment: { TRADING_STACK: "paper", TRADING_MODE: "paper", SETTINGS: JSON.stringify({ bots: [{ name: "refstrat01" }] }) },
  volumes: [
    { volume: "trading-paper-secrets-gui", path: "/secrets", readOnly: true },
    { hostPath: "/home/owner/platform/.trading/stacks/paper/control", path: "/control", readOnly: false },
  ],
  ports: [{ container: 8080, host: 8400 }],
  temporary: { "/tmp": "rw,size=64m" },
  user: "10001:10001",
  health: ["curl", "http://127.0.0.1:8080/readyz"],
  memoryMegabytes: 128,
  graceSeconds: 15,
  running: true,
};

/** A resource as the engine hands it to the pack. */
export function resource(type: string, name: string, properties: Properties, { stack = "paper", parents = "", protect = false, ignoreChanges = [] as string[] } = {}): DeclaredResource {
  return { type, name, urn: `urn:pulumi:${stack}::trading::${parents}${type}::${name}`, properties, options: { protect, ignoreChanges } };
}

/** A container as the program declares it, changed. */
export function container(changed: Properties = {}, of: Partial<ContainerSpecification> = {}): DeclaredResource {
  const full = { ...specification, ...of };
  return resource(TYPES.container, full.service, { ...containerArguments(full, IMAGE), ...changed }, { stack: full.stack });
}

/** The guard's proxy as components/GuardProxy.ts declares it. */
export const proxySpecification = {
  name: "trading-paper-guard-proxy",
  service: "guard-proxy",
  environment: { CONTAINERS: "trading-paper-bot-refstrat01" },
  volumes: [
    { hostPath: "/var/run/docker.sock", path: "/var/run/docker.sock", readOnly: true },
    { volume: "trading-paper-guard-docker", path: "/guard", readOnly: false },
  ],
  ports: [],
  capabilities: [],
  offline: true,
} satisfies Partial<ContainerSpecification>;

/** What a rule says of a resource, one line a violation. */
export function said(rule: ResourceRule, declared: DeclaredResource): string[] {
  if (rule.types && !rule.types.includes(declared.type)) throw new Error(`${rule.name} is not about ${declared.type}`);
  return rule.check(declared).map((violation) => violationText(declared, violation));
}
