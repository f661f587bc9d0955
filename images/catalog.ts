/** Which images this project builds, and what each of them is built from. */

/** Tag of the operating system's image that set-up obtains; every first-party image descends from it. */
export const OPERATING_SYSTEM_IMAGE = "trading-os:13";

export interface ImageDefinition {
  /** Folder under `images/` that holds the Dockerfile. */
  readonly folder: string;
  /** The image it is built on; the base image alone is built on the operating system's. */
  readonly parent: ImageName | null;
  /** Folder under `services/` whose program is bundled into the image. */
  readonly service?: string;
  /** Further folders taken into the context: name in the context -> folder of the project. */
  readonly include?: Readonly<Record<string, string>>;
}

/** Parents come before their children. */
export const IMAGE_NAMES = ["base", "timescaledb", "mlflow", "node", "migrate", "livefeed", "broker", "bot", "performance", "gui", "guard", "guard-proxy", "backup"] as const;
export type ImageName = (typeof IMAGE_NAMES)[number];

export const IMAGES: Readonly<Record<ImageName, ImageDefinition>> = {
  base: { folder: "base", parent: null, include: { certificates: ".tools/certificates" } },
  timescaledb: { folder: "timescaledb", parent: "base" },
  mlflow: { folder: "mlflow", parent: "base" },
  node: { folder: "node", parent: "base" },
  migrate: { folder: "service", parent: "node", service: "migrate", include: { migrations: "database/migrations" } },
  livefeed: { folder: "service", parent: "node", service: "feed" },
  broker: { folder: "service", parent: "node", service: "broker" },
  bot: { folder: "service", parent: "node", service: "bot" },
  performance: { folder: "service", parent: "node", service: "performance" },
  gui: { folder: "service", parent: "node", service: "gui" },
  guard: { folder: "guard", parent: "node", service: "guard" },
  "guard-proxy": { folder: "guard-proxy", parent: "base" },
  // The database's own programs have to be of its version: what one makes the other restores.
  backup: { folder: "backup", parent: "timescaledb", service: "backup", include: { migrations: "database/migrations" } },
};

/** Tag that says the content, for example `trading-bot:0123456789abcdef`. @param contentHash SHA-256 in hexadecimal */
export function imageTag(name: ImageName, contentHash: string): string {
  return `trading-${name}:${contentHash.slice(0, 16)}`;
}
