import { canonicalHash } from "./canonicalHash";
import { canonicalJson } from "../domain/canonicalJson";
import type { StackConfiguration } from "./schema";
import { parseStackConfiguration } from "./stackConfiguration";

/**
 * Keys in which a stack may differ from the one that it was promoted from. Whatever is not named here was part of what was
 * proven, also a key that is added later. `bots[]` stands for each bot.
 */
export const MAY_DIFFER: ReadonlySet<string> = new Set([
  ...["mode", "portBase", "logLevel", "alerts", "backup", "guard", "release", "soak", "promotion", "deploy"],
  // How much may be risked.
  ...["limits", "bots[].limits", "bots[].startingCash"],
  // Where the candles come from; how they are judged may not.
  ...["feed.source", "feed.seed", "feed.startTime", "feed.speed", "feed.faults", "feed.file", "feed.symbol", "feed.exchange", "feed.address"],
  // When a comparison is made, and what its machine has.
  ...["performance", "database", "mlflow", "gui", "livefeed", "broker.memoryMegabytes", "bots[].memoryMegabytes"],
  // The name is what the entries are kept by, and the hash follows from the rest.
  ...["bots[].name", "bots[].configurationHash"],
]);

type Tree = Record<string, unknown>;

/** What of a stack's configuration is promoted, with all defaults; bots by name. */
export type PromotedPart = Tree & { readonly bots: Readonly<Record<string, Tree>> };

export function promotedPart({ bots, ...rest }: StackConfiguration): PromotedPart {
  return { ...(kept(rest, "") as Tree), bots: Object.fromEntries(bots.map((bot) => [bot.name, kept(bot, "bots[]") as Tree])) };
}

function kept(value: unknown, path: string): unknown {
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const at = path === "" ? key : `${path}.${key}`;
      const left = MAY_DIFFER.has(at) ? undefined : kept(item, at);
      return left === undefined || (isTree(left) && isTree(item) && Object.keys(left).length === 0 && Object.keys(item).length > 0) ? [] : [[key, left]];
    }),
  );
}

export function promotedHash(part: PromotedPart): string {
  return canonicalHash(part);
}

/** One key that is not as in the other stack. Values are those of its file, undefined where there is none. */
export interface Difference {
  /** For example `broker.feeRate`, or `bots.refstrat01.settings.emaFast`. */
  readonly key: string;
  readonly from: unknown;
  readonly to: unknown;
}

/**
 * Keys of what is promoted in which two stacks differ. A bot that only the first has is none of the second's business; one
 * that only the second has was never proven.
 */
export function differences(from: PromotedPart, to: PromotedPart): Difference[] {
  const proven = { ...from, bots: Object.fromEntries(Object.entries(from.bots).filter(([name]) => name in to.bots)) };
  return compare(proven, to, "");
}

function compare(from: unknown, to: unknown, path: string): Difference[] {
  if (isTree(from) && isTree(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    return keys.flatMap((key) => compare(from[key], to[key], path === "" ? key : `${path}.${key}`));
  }
  const same = from === undefined || to === undefined ? from === to : canonicalJson(from) === canonicalJson(to);
  return same ? [] : [{ key: path, from, to }];
}

/** A key that is not as it has to be, in words. @param names of the two stacks */
export function differenceText({ key, from, to }: Difference, names: { readonly from: string; readonly to: string }): string {
  const show = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));
  return `trading:${key} is ${show(to)} in ${names.to} and ${show(from)} in ${names.from}`;
}

/**
 * What was promoted, as the present program reads it: what has been added to the schema since has its default there.
 *
 * @returns why it cannot be read, in a text
 */
export function readAgain({ bots, feed, ...rest }: PromotedPart): PromotedPart | string {
  const values = {
    ...{ mode: "live", portBase: 1024, ...rest },
    feed: { source: "synthetic", ...(feed as Tree | undefined) },
    bots: Object.entries(bots).map(([name, bot]) => ({ name, limits: { orderQuantity: 1, orderNotional: 1 }, ...bot })),
  };
  try {
    return promotedPart(parseStackConfiguration("live", values));
  } catch (error) {
    return (error as Error).message.split("\n").slice(1).map((line) => line.trim()).join("; ");
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
