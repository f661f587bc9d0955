import { LABELS } from "../../config/names";
import type { Difference } from "./differences";
import type { LimitChange } from "./limits";
import type { Action, PreviewedResource } from "./previewEvents";
import { isObject, type Properties } from "./values";

/** One sentence on what an `up` would mean for trading. */
export interface Meaning {
  /** `danger`: data or protection is lost. `attention`: trading stands still, or risks more. `note`: good to know. */
  readonly weight: "danger" | "attention" | "note";
  readonly text: string;
}

/** A stack's changes, as far as sentences are made of them. */
export interface StackChanges {
  readonly stack: string;
  readonly resources: readonly PreviewedResource[];
  readonly configuration: readonly Difference[];
  readonly limits: readonly LimitChange[];
  /** Names of migrations that the head has and the base has not. */
  readonly migrations: readonly string[];
}

/** From the old container's SIGTERM until the new one is healthy; `npm run bench -- bot` measures a whole deploy. */
const AWAY = "about 20 s";

/** What it means that the container of a service is replaced. */
const WHILE_REPLACED: Readonly<Record<string, string>> = {
  broker: `broker replaced: for ${AWAY} no order leaves and no protective stop is worked`,
  livefeed: `market feed replaced: no entries until it is HEALTHY again`,
  guard: `guard replaced: for ${AWAY} nothing is guarded and no entry is let through`,
  "guard-proxy": "guard's way to Docker replaced: meanwhile it can stop no bot",
  timescaledb: `database restarted on the same data: for ${AWAY} nothing is decided, and no order is worked`,
};
/** What has nothing to do with a decision or an order. */
const BESIDE: Readonly<Record<string, string>> = { gui: "page", mlflow: "MLflow", performance: "key figures", backup: "backups" };

const IMAGE = /^image-(.+)$/;

/** What the changes of one stack mean for trading, the worst first. */
export function meaningOf(changes: StackChanges): Meaning[] {
  const { resources } = changes;
  const containers = new Map(resources.filter(isContainer).map((resource) => [serviceOf(resource), resource]));
  const all = [...volumes(resources), ...bots(changes.stack, containers), ...services(containers), ...database(changes, containers), ...images(resources), ...limits(changes.limits), ...settings(changes)];
  return worstFirst(all);
}

/** Sorted by weight; sentences of one weight stay in their order. */
export function worstFirst(sentences: readonly Meaning[]): Meaning[] {
  const order = ["danger", "attention", "note"];
  return [...sentences].sort((one, other) => order.indexOf(one.weight) - order.indexOf(other.weight));
}

/** Volumes whose content cannot be made again are those that outlive the stack. */
function volumes(resources: readonly PreviewedResource[]): Meaning[] {
  return resources.filter(({ type, retained, action }) => type === "docker:index/volume:Volume" && retained && action !== "untouched").flatMap(({ action, before, after }): Meaning[] => {
    const name = String((before ?? after)?.["name"]);
    if (action === "removed") return [{ weight: "danger", text: `data volume ${name} leaves the stack: its content stays on the Engine, and nothing uses it any more` }];
    if (action === "replaced") return [{ weight: "danger", text: `data volume ${name} is replaced: the stack goes on with an empty one` }];
    return action === "added" ? [{ weight: "note", text: `new data volume ${name}` }] : [];
  });
}

function bots(stack: string, containers: ReadonlyMap<string, PreviewedResource>): Meaning[] {
  const stopsAreWorked = ["broker", "timescaledb", "livefeed"].every((service) => containers.get(service)?.action === "untouched");
  return [...containers].flatMap(([service, { action, after, before }]): Meaning[] => {
    const name = /^bot-(.+)$/.exec(service)?.[1];
    if (name === undefined || action === "untouched") return [];
    const runs = after?.["start"] !== false;
    const bot = `${stack} bot ${name}`;
    if (action === "removed") return [{ weight: "attention", text: `${bot} is gone: nothing decides over its position any more` }];
    if (action === "added") return [{ weight: "attention", text: `${bot} is new${runs ? "" : ", made and not started"}` }];
    if (action === "replaced") return [{ weight: "attention", text: runs ? `${bot} replaced: ${AWAY} without a bot${stopsAreWorked ? "; its protective stop is worked meanwhile" : ""}` : `${bot} replaced; it is not started` }];
    if (before?.["start"] !== after?.["start"]) return [{ weight: "attention", text: runs ? `${bot} is started` : `${bot} is stopped` }];
    return [{ weight: "note", text: `${bot} changed in place, and goes on running` }];
  });
}

function services(containers: ReadonlyMap<string, PreviewedResource>): Meaning[] {
  const of = (action: Action) => [...containers].filter(([, resource]) => resource.action === action).map(([service]) => service);
  const replaced = of("replaced");
  const beside = replaced.flatMap((service) => BESIDE[service] ?? []);
  return [
    ...replaced.flatMap((service): Meaning[] => (WHILE_REPLACED[service] ? [{ weight: "attention", text: WHILE_REPLACED[service] }] : [])),
    ...of("removed").filter((service) => !service.startsWith("bot-")).map((service): Meaning => ({ weight: "danger", text: `${BESIDE[service] ?? service} is gone from the stack` })),
    ...(beside.length > 0 ? [{ weight: "note", text: `replaced beside trading: ${beside.join(", ")}` } as const] : []),
  ];
}

function database({ resources, migrations }: StackChanges, containers: ReadonlyMap<string, PreviewedResource>): Meaning[] {
  const server = containers.get("timescaledb")?.action;
  const migrated = resources.find(({ type, name }) => type === "command:local:Command" && name === "timescaledb-migrate")?.action;
  const runs = migrated === "replaced" || migrated === "changed";
  const nothing = resources.every(({ action }) => action === "untouched");
  if (server === undefined || nothing) return [];
  return [
    ...(server === "untouched" ? [{ weight: "note", text: `database untouched${runs ? ", but for its schema" : ""}` } as const] : []),
    ...(migrations.length > 0 ? [{ weight: "attention", text: `database gets ${migrations.length === 1 ? "a new migration" : `${migrations.length} new migrations`}: ${migrations.join(", ")}` } as const] : []),
    ...(runs && migrations.length === 0 ? [{ weight: "note", text: "roles and schema of the database are brought up to date; no migration is new" } as const] : []),
  ];
}

function images(resources: readonly PreviewedResource[]): Meaning[] {
  return resources.flatMap(({ type, name, action, before, after }): Meaning[] => {
    const image = type === "command:local:Command" ? IMAGE.exec(name)?.[1] : undefined;
    if (image === undefined || action === "untouched") return [];
    return [{ weight: "note", text: `image ${image} ${[hashOf(before), hashOf(after)].filter((hash) => hash !== undefined).join(" → ")}${action === "removed" ? " is no longer built" : ""}` }];
  });
}

/** The first digits of the hash of an image's content, which triggers its build. */
function hashOf(inputs: Properties | null): string | undefined {
  const triggers = inputs?.["triggers"];
  return Array.isArray(triggers) ? String(triggers[0]).slice(0, 8) : undefined;
}

function limits(changes: readonly LimitChange[]): Meaning[] {
  const shown = (value: number | boolean | null) => (value === null ? "none" : value === true ? "on" : value === false ? "off" : String(value));
  return changes.map(({ words, before, after, raised }) => ({ weight: raised ? "attention" : "note", text: `${words} ${shown(before)} → ${shown(after)}${raised ? " (raised)" : ""}` }));
}

/** What of the configuration decides over trading and is no bound. */
function settings({ configuration }: StackChanges): Meaning[] {
  return configuration.flatMap(({ path, before, after }): Meaning[] => {
    const change = `${before ?? "none"} → ${after ?? "none"}`;
    const [, bot, key] = /^bots\.([^.]+)\.(strategy|settings\..+|symbol|startingCash|image)$/.exec(path) ?? [];
    if (bot !== undefined) return [{ weight: "attention", text: `${bot} trades by another ${key!.replace(/^settings\./, "setting ")}: ${change}` }];
    if (path === "feed.source") return [{ weight: "danger", text: `candles come from another source: ${change}; a stack whose source changes begins with new data` }];
    if (path === "portBase") return [{ weight: "note", text: `the page moves: port ${change}` }];
    return path === "mode" ? [{ weight: "danger", text: `mode ${change}` }] : [];
  });
}

function isContainer({ type }: PreviewedResource): boolean {
  return type === "docker:index/container:Container";
}

/** The service a container is, by its label. */
function serviceOf({ before, after, name }: PreviewedResource): string {
  const labels = (after ?? before)?.["labels"];
  const label = Array.isArray(labels) ? labels.find((each) => isObject(each) && each["label"] === LABELS.service) : undefined;
  return isObject(label) ? String(label["value"]) : name;
}
