/** Names of everything a stack owns on the Docker Engine. Pure: the same stack always gives the same names. */

export const SERVICES = ["livefeed", "timescaledb", "mlflow", "broker", "performance", "gui", "guard", "guard-proxy", "backup"] as const;
export type Service = (typeof SERVICES)[number];

/** Labels every container, volume and network of this program carries. */
export const LABELS = {
  /** Identity of the clone whose state the object belongs to. */
  owner: "trading.owner",
  stack: "trading.stack",
  service: "trading.service",
  /** Hash of a container's normalised specification: a change of it replaces the container. */
  fingerprint: "trading.fingerprint",
} as const;

export interface StackNames {
  /** What every name of the stack begins with, without the hyphen. */
  readonly prefix: string;
  readonly network: string;
  container(service: string): string;
  botContainer(bot: string): string;
  volume(purpose: string): string;
  secretsVolume(service: string): string;
}

/**
 * @param stack name of the Pulumi stack, for example `paper`
 */
export function stackNames(stack: string): StackNames {
  const prefix = `trading-${stack}`;
  return {
    prefix,
    network: prefix,
    container: (service) => `${prefix}-${service}`,
    botContainer: (bot) => `${prefix}-${botService(bot)}`,
    volume: (purpose) => `${prefix}-${purpose}`,
    secretsVolume: (service) => `${prefix}-secrets-${service}`,
  };
}

/** Volumes that hold what cannot be made again; they outlive `pulumi destroy`. */
export function dataVolumes(stack: string): string[] {
  const names = stackNames(stack);
  return [names.volume("timescaledb-data"), names.volume("mlflow-artifacts")];
}

/** Volume that holds the backups: it outlives even the deletion of the data. */
export function backupVolume(stack: string): string {
  return stackNames(stack).volume("backups");
}

/** Every name a stack may use on the Engine. */
export function allNames(stack: string, bots: readonly string[]): Set<string> {
  const names = stackNames(stack);
  const services = [...SERVICES, ...bots.map(botService)];
  return new Set([
    names.network,
    ...services.map(names.container),
    ...dataVolumes(stack),
    backupVolume(stack),
    names.volume("database-socket"),
    names.volume("recording"),
    names.volume("guard-docker"),
    names.volume("guard-state"),
    ...[...services, "migrate"].map(names.secretsVolume),
  ]);
}

/** Service name, and with it the network alias, of a bot. */
export function botService(bot: string): string {
  return `bot-${bot}`;
}

/** Database role of a bot. */
export function botRole(bot: string): string {
  return `bot_${bot}`;
}

export interface StackPorts {
  readonly gui: number;
  readonly mlflow: number;
}

/** Ports published on 127.0.0.1, counted up from the stack's port base. */
export function stackPorts(portBase: number): StackPorts {
  return { gui: portBase, mlflow: portBase + 1 };
}
