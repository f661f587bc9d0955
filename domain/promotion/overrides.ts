import type { EvidenceItem } from "./item";

/** A condition of one bot, or of the stacks where it is null, and why it does not keep a promotion from being made. */
export interface JudgedItem extends EvidenceItem {
  readonly bot: string | null;
  /** The reason that was given; null where it was not overridden. */
  readonly overridden: string | null;
}

/**
 * Conditions that no reason stands above. Without them what runs live is not what ran on paper, or the owner can lose both
 * at once; and a freeze is lifted with `thaw`, which asks for a reason of its own.
 */
const ABOVE_ALL: ReadonlySet<string> = new Set([
  ...["release.record", "release.clean", "release.images", "release.imageNames", "release.file", "release.differences"],
  ...["parity.configuration", "parity.image", "operations.secondCopy", "operations.targetSecondCopy", "operations.freezes"],
]);

export function canBeOverridden(id: string): boolean {
  return !ABOVE_ALL.has(id);
}

/** What a person names a condition by: `paper.days`, or `paper.days:second` where several bots have it. */
export function nameOf({ id, bot }: Pick<JudgedItem, "id" | "bot">, severalBots: boolean): string {
  return bot === null || !severalBots ? id : `${id}:${bot}`;
}

export interface Overridden {
  readonly items: readonly JudgedItem[];
  /** One line for each name that cannot be taken. */
  readonly problems: readonly string[];
  /** Names of conditions that hold without. */
  readonly needless: readonly string[];
}

/**
 * Marks the failing conditions that were named.
 *
 * @param names as `nameOf` has them; an id without a bot is that of every bot
 */
export function withOverrides(items: readonly Omit<JudgedItem, "overridden">[], names: readonly string[], reason: string | null): Overridden {
  const named = (item: Omit<JudgedItem, "overridden">, name: string) => name === item.id || name === `${item.id}:${item.bot}`;
  const problems: string[] = [];
  const needless: string[] = [];
  for (const name of names) {
    const about = items.filter((item) => named(item, name));
    if (about.length === 0) problems.push(`there is no condition "${name}"`);
    else if (about.some(({ id }) => !canBeOverridden(id))) problems.push(`"${name}" cannot be overridden`);
    else if (about.every(({ holds }) => holds)) needless.push(name);
  }
  const judged = items.map((item): JudgedItem => ({ ...item, overridden: !item.holds && canBeOverridden(item.id) && names.some((name) => named(item, name)) ? reason : null }));
  return { items: judged, problems, needless };
}

/** Whether a condition keeps a promotion from being made. */
export function stands({ holds, overridden }: Pick<JudgedItem, "holds" | "overridden">): boolean {
  return holds || overridden !== null;
}
