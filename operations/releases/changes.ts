import type { Release } from "../../config/releases";
import type { BotConfiguration, StackConfiguration } from "../../config/schema";
import { parseStackFile } from "../../config/stackFile";
import { shortImage } from "../format";

/** So many images are named with their ids. */
const NAMED = 2;

/** What a release changed against the one before, a few words each; the most telling ones first. */
export function changesOf(before: Release | undefined, after: Release): string[] {
  if (before === undefined) return ["the first release"];
  const changes = [...configurationChanges(before, after), ...imageChanges(before, after), ...(before.schemaVersion === after.schemaVersion ? [] : [`schema ${before.schemaVersion} → ${after.schemaVersion}`])];
  return changes.length === 0 ? ["nothing that runs"] : changes;
}

function imageChanges(before: Release, after: Release): string[] {
  // What comes and goes with a bot or a part is told by the configuration.
  const changed = Object.keys(after.images).filter((service) => before.images[service] !== undefined && before.images[service] !== after.images[service]);
  if (changed.length === 0) return [];
  if (changed.length > NAMED) return [`images of ${changed.sort().join(", ")}`];
  return changed.map((service) => `image of ${service} ${short(before.images[service]!)} → ${short(after.images[service]!)}`);
}

function short(image: string): string {
  return shortImage(image.replace(/^.*@/, ""));
}

function configurationChanges(before: Release, after: Release): string[] {
  const [old, present] = [configurationIn(before), configurationIn(after)];
  // A file of another version of this program is not understood any more: its hash still tells.
  if (old === undefined || present === undefined) return before.configurationHash === after.configurationHash ? [] : ["configuration"];
  const bots = botChanges(old, present);
  const changed = differing(withoutBots(old), withoutBots(present));
  const sizing = changed.filter(({ path }) => path.startsWith("limits."));
  const others = changed.filter((each) => !sizing.includes(each));
  const keys = [...new Set(others.map(({ path }) => path.split(".")[0]!))];
  return [...bots, ...sizing.map(words), ...releaseChanges(old, present), ...(keys.length === 0 ? [] : [`trading:${keys.join(", trading:")}`])];
}

function configurationIn({ stack, stackFile }: Release): StackConfiguration | undefined {
  try {
    return parseStackFile(stack, stackFile);
  } catch {
    return undefined;
  }
}

function botChanges(before: StackConfiguration, after: StackConfiguration): string[] {
  const find = ({ bots }: StackConfiguration, name: string) => bots.find((bot) => bot.name === name);
  const gone = before.bots.filter(({ name }) => find(after, name) === undefined).map(({ name }) => `bot ${name} gone`);
  const others = after.bots.flatMap((bot) => {
    const old = find(before, bot.name);
    return old === undefined ? [`bot ${bot.name} new`] : differing(compared(old), compared(bot)).map((change) => `${bot.name}: ${words(change)}`);
  });
  return [...gone, ...others];
}

/** The image is told with those of all services; the hash says nothing to a person. */
function compared({ image: _, configurationHash: __, ...bot }: BotConfiguration): object {
  return bot;
}

function releaseChanges({ release: before }: StackConfiguration, { release: after }: StackConfiguration): string[] {
  const pinned = ({ images }: StackConfiguration["release"]) => Object.keys(images).length;
  const evidence = (release: StackConfiguration["release"]) => ("promotion" in release ? (release.promotion?.evidence ?? null) : null);
  return [
    ...(pinned(before) === pinned(after) ? [] : [`${pinned(after)} images pinned`]),
    ...(evidence(before) === evidence(after) ? [] : [evidence(after) === null ? "promotion gone" : `promoted by ${evidence(after)}`]),
  ];
}

function withoutBots({ bots: _, release: __, ...rest }: StackConfiguration): object {
  return rest;
}

interface Change {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

function words({ path, before, after }: Change): string {
  const name = path.replace(/^limits\./, "").replace(/^settings\./, "");
  return `${name} ${shown(before)} → ${shown(after)}`;
}

function shown(value: unknown): string {
  return value === undefined ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Values that differ, each with its path. */
function differing(before: unknown, after: unknown, path = ""): Change[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject(before) || !isObject(after)) return [{ path, before, after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => differing(before[key], after[key], path === "" ? key : `${path}.${key}`));
}
