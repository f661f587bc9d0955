import * as fs from "node:fs";
import * as path from "node:path";
import { databaseRoles } from "../../config/databaseRoles";
import { botService, stackNames } from "../../config/names";
import type { DeclaredStack } from "../stack";
import { CommandError, failure } from "../errors";
import { docker, dockerCode } from "./docker";
import type { ContentNow } from "./losses";
import { serverContent } from "./serverContent";
import { RESTORED_CLUSTER } from "./restoreParts";
import type { ToolSite } from "./toolContainer";

/** What a restore needs of Docker beside containers and tools. Tests put their own in its place. */
export interface RestoreHost {
  /** Tables of the running server; undefined with the reason told where it does not answer. */
  content(stack: string, databases: readonly string[], at: string): Promise<ContentNow | CommandError>;
  /** Free bytes where the volumes are. */
  freeBytes(site: ToolSite): Promise<number>;
  /** Version of TimescaleDB in the image that restores. */
  timescaleVersion(site: ToolSite): Promise<string>;
  /** Alembic revisions that the stack's MLflow has; null where it has no container. */
  mlflowRevisions(stack: string): Promise<readonly string[] | null>;
  /**
   * Brings images that are deployed and that Docker has thrown away out of the backup's archive: services are started from
   * theirs, and the schema is brought up to date by one.
   *
   * @throws {CommandError} naming the services whose image is nowhere
   */
  bringImages(site: ToolSite, load: (image: string) => Promise<boolean>): Promise<void>;
  /** Brings schema and roles of the running server to what this stack's deployed program wants. */
  migrate(declared: DeclaredStack): Promise<void>;
  /** Removes a restored cluster that never took its place, and what is left of one that was not finished. */
  dropUnused(site: ToolSite): Promise<void>;
}

export function dockerHost(): RestoreHost {
  return { content, freeBytes, timescaleVersion, mlflowRevisions, bringImages, migrate, dropUnused };
}

/** Names of the migrations that this project has, oldest first; a schema that is none of them is a newer one. */
export function knownSchemas(root: string): string[] {
  return fs
    .readdirSync(path.join(root, "database", "migrations"))
    .map((name) => name.replace(/\.[a-z]+$/, ""))
    .sort();
}

async function content(stack: string, databases: readonly string[], at: string): Promise<ContentNow | CommandError> {
  try {
    return await serverContent(stack, databases, at);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

/** A program of the image that only looks. */
async function look({ image }: Pick<ToolSite, "image">, volumes: readonly string[], words: readonly [string, ...string[]]): Promise<string> {
  const [program, ...rest] = words;
  const run = ["run", "--rm", "--network", "none", "--user", "0", "--cap-drop", "ALL", "--cap-add", "DAC_OVERRIDE", "--security-opt", "no-new-privileges"];
  return (await docker([...run, ...volumes.flatMap((volume) => ["--volume", volume]), "--entrypoint", program, image, ...rest])).stdout;
}

async function freeBytes(site: ToolSite): Promise<number> {
  const text = await look(site, [`${stackNames(site.stack).volume("timescaledb-data")}:/volume:ro`], ["df", "--output=avail", "--block-size=1", "/volume"]);
  const bytes = Number(text.trim().split("\n").at(-1));
  if (!Number.isFinite(bytes)) throw failure(`the free space of the data volume is not known: ${text.trim()}`);
  return bytes;
}

/** Version of TimescaleDB in an image that has the database's programs. */
export async function timescaleVersion(site: Pick<ToolSite, "image">): Promise<string> {
  const text = await look(site, [], ["cat", "/usr/share/postgresql/17/extension/timescaledb.control"]);
  return /^default_version\s*=\s*'([^']+)'/m.exec(text)?.[1] ?? "";
}

/** Each of MLflow's migrations is a file that says its revision in a line of its own. */
const REVISIONS = ["find", "/opt/mlflow/lib", "-path", "*/mlflow/store/db_migrations/versions/*.py", "-exec", "grep", "-h", "^revision", "{}", "+"] as const;

/** @param text lines such as `revision = "dc11669786a5"` */
export function parseRevisions(text: string): string[] {
  return [...text.matchAll(/^revision(?:: *str)? *= *["']([^"']+)["']/gm)].map(([, revision]) => revision!);
}

async function mlflowRevisions(stack: string): Promise<readonly string[] | null> {
  const container = await dockerCode(["container", "inspect", "--format", "{{.Image}}", stackNames(stack).container("mlflow")]);
  return container.code === 0 ? await revisionsOf(container.stdout.trim()) : null;
}

/** Alembic revisions that an image of MLflow has. */
export async function revisionsOf(image: string): Promise<readonly string[]> {
  const revisions = parseRevisions(await look({ image }, [], REVISIONS));
  if (revisions.length === 0) throw failure(`the migrations of MLflow's database are not found in its image ${image}`);
  return revisions;
}

async function bringImages(site: ToolSite, load: (image: string) => Promise<boolean>): Promise<void> {
  const missing: string[] = [];
  for (const [service, image] of Object.entries(await deployedImages(site.stack))) {
    if ((await dockerCode(["image", "inspect", "--format", "{{.Id}}", image])).code === 0) continue;
    if (!(await load(image))) missing.push(`${service} (${image})`);
  }
  if (missing.length > 0) throw failure(`images that are deployed are neither on this Engine nor in the backup: ${missing.join(", ")}; npm run pulumi -- up --stack ${site.stack} builds them`);
}

async function migrate({ stack, configuration }: DeclaredStack): Promise<void> {
  const names = stackNames(stack);
  const image = await deployedImage(stack, "migrate");
  const environment = {
    ...{ TRADING_STACK: stack, TRADING_MODE: configuration.mode, LOG_LEVEL: configuration.logLevel },
    ...{ DATABASE_HOST: "timescaledb", DATABASE_PORT: "5432", DATABASE_NAME: "trading", DATABASE_USER: "postgres" },
    SETTINGS: JSON.stringify({ roles: databaseRoles(configuration) }),
  };
  await docker([
    ...["run", "--rm", "--network", names.network, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "192m"],
    ...["--volume", `${names.secretsVolume("migrate")}:/secrets:ro`],
    ...Object.entries(environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
    image,
  ]);
}

/** Id of the image that is deployed for a service, as the last up wrote it down. */
async function deployedImage(stack: string, service: string): Promise<string> {
  const images = await deployedImages(stack);
  const id = images[service];
  if (id === undefined) throw failure(`it is not known which image of ${service} is deployed: npm run pulumi -- up --stack ${stack}`);
  return id;
}

/** Service -> id of the image that is deployed, as the last up wrote it down. */
export async function deployedImages(stack: string): Promise<Readonly<Record<string, string>>> {
  const container = stackNames(stack).container("backup");
  const { stdout: image } = await docker(["container", "inspect", "--format", "{{.Image}}", container]);
  const volume = `${stackNames(stack).secretsVolume("backup")}:/volume:ro`;
  const { stdout } = await docker(["run", "--rm", "--network", "none", "--user", "0", "--volume", volume, "--entrypoint", "cat", image.trim(), "/volume/deployed-images.json"]);
  return JSON.parse(stdout) as Record<string, string>;
}

async function dropUnused(site: ToolSite): Promise<void> {
  const name = path.posix.basename(RESTORED_CLUSTER);
  const folders = [`/volume/${name}`, `/volume/${name}.partial`];
  await docker(["run", "--rm", "--network", "none", "--user", "0", "--volume", `${stackNames(site.stack).volume("timescaledb-data")}:/volume`, "--entrypoint", "rm", site.image, "--recursive", "--force", ...folders]);
}

/** The service names of a stack's bots. */
export function botServices({ configuration }: DeclaredStack): string[] {
  return configuration.bots.map((bot) => botService(bot.name));
}
