import { isDeepStrictEqual } from "node:util";
import { canonicalJson } from "../../domain/canonicalJson";
import type { BotConfiguration, StackConfiguration } from "../schema";

/** A difference in how much a stack trades (sizing) or in what it trades (strategy). */
export interface TradingChange {
  readonly kind: "sizing" | "strategy";
  /** What has changed, in words: `bot refstrat01: largest order`. */
  readonly topic: string;
  /** The key in the stack's file, below the bot or the stack: `limits.orderQuantity`. */
  readonly key: string;
  /** Values as text; null is none. */
  readonly before: string | null;
  readonly after: string | null;
}

const BOT_LIMITS: Readonly<Record<string, string>> = {
  orderQuantity: "largest order",
  orderNotional: "largest order in the quote currency",
  positionQuantity: "largest position",
  positionNotional: "largest position in the quote currency",
  ordersPerHour: "most orders in an hour",
  ordersPerDay: "most orders in a day",
  secondsBetweenEntries: "seconds between two entries",
};
const STACK_LIMITS: Readonly<Record<string, string>> = {
  exposureNotional: "largest exposure over all bots",
  ordersPerHour: "most orders in an hour over all bots",
  ordersPerDay: "most orders in a day over all bots",
};
const CANARY: Readonly<Record<string, string>> = { days: "days at canary size after a promotion", fraction: "canary size as a fraction of the limits" };

/**
 * What a configuration trades more, less or otherwise than another: limits, starting cash and canary size; strategy, settings,
 * symbol and image of each bot; bots that were added or taken away. Limits that follow from others are compared as they are
 * in force.
 */
export function tradingChanges(before: StackConfiguration, after: StackConfiguration): TradingChange[] {
  const names = [...new Set([...before.bots, ...after.bots].map(({ name }) => name))];
  return [
    ...names.flatMap((name) => botChanges(name, partsOf(before, name), partsOf(after, name))),
    ...valueChanges("sizing", "stack", "limits", before.limits, after.limits, STACK_LIMITS),
    ...valueChanges("sizing", "stack", "promotion.canary", canaryOf(before), canaryOf(after), CANARY),
  ];
}

/** One change in a line: `bot refstrat01: largest order 0.5 → 0.25 (limits.orderQuantity)`. */
export function changeText({ topic, key, before, after }: TradingChange): string {
  return `${topic} ${before ?? "none"} → ${after ?? "none"} (${key})`;
}

interface BotParts {
  readonly bot: BotConfiguration;
  /** What of it runs: a first-party image that is pinned is another one than what this project builds. */
  readonly image: string;
}

function partsOf({ bots, release }: StackConfiguration, name: string): BotParts | undefined {
  const bot = bots.find((each) => each.name === name);
  if (bot === undefined) return undefined;
  const pinned = bot.image === "reference" ? release.images.bot : undefined;
  return { bot, image: pinned === undefined ? bot.image : `${bot.image} as ${pinned}` };
}

function botChanges(name: string, before: BotParts | undefined, after: BotParts | undefined): TradingChange[] {
  const about = `bot ${name}`;
  if (before === undefined || after === undefined) return [{ kind: "strategy", topic: `${about}:`, key: "bots", before: before === undefined ? null : summaryOf(before), after: after === undefined ? null : summaryOf(after) }];
  const strategyOf = ({ bot: { strategy, symbol }, image }: BotParts) => ({ strategy, symbol, image });
  const words = { strategy: "strategy", symbol: "symbol", image: "image", startingCash: "starting cash" };
  return [
    ...valueChanges("strategy", about, "", strategyOf(before), strategyOf(after), words),
    ...valueChanges("strategy", about, "settings", before.bot.settings, after.bot.settings, {}, "setting "),
    ...valueChanges("sizing", about, "", { startingCash: before.bot.startingCash }, { startingCash: after.bot.startingCash }, words),
    ...valueChanges("sizing", about, "limits", before.bot.limits, after.bot.limits, BOT_LIMITS),
  ];
}

function summaryOf({ bot: { strategy, symbol, startingCash, limits }, image }: BotParts): string {
  return `${strategy} on ${symbol} by ${image}, starting cash ${startingCash}, largest order ${limits.orderQuantity} and ${limits.orderNotional} in the quote currency`;
}

function canaryOf(configuration: StackConfiguration): object {
  return (configuration as { readonly promotion?: { readonly canary?: object } }).promotion?.canary ?? {};
}

/** @param words what the keys mean, in the order they are told; one that is not among them is called by its name */
function valueChanges(kind: TradingChange["kind"], about: string, path: string, before: object, after: object, words: Readonly<Record<string, string>>, prefix = ""): TradingChange[] {
  const [one, other] = [before, after] as Readonly<Record<string, unknown>>[];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...Object.keys(words).filter((key) => keys.has(key)), ...[...keys].filter((key) => !Object.hasOwn(words, key))]
    .filter((key) => !isDeepStrictEqual(one![key], other![key]))
    .map((key) => ({ kind, topic: `${about}: ${words[key] ?? `${prefix}${key}`}`, key: path === "" ? key : `${path}.${key}`, before: valueText(one![key]), after: valueText(other![key]) }));
}

function valueText(value: unknown): string | null {
  if (value === undefined) return null;
  return typeof value === "string" && /^[\w.:@/-]+( as sha256:[0-9a-f]+)?$/.test(value) ? value : canonicalJson(value);
}
