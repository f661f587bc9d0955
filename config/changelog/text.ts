import type { TradingChange } from "./changes";

/** One entry of CHANGELOG.md. */
export interface ChangelogEntry {
  /** Day in UTC, `2026-11-27`. */
  readonly date: string;
  readonly stack: string;
  readonly reason: string;
  /** What has changed, one line each: as changeText has them, and whatever else belongs to it. */
  readonly lines: readonly string[];
}

/** In the clone's folder. */
export const CHANGELOG = "CHANGELOG.md";

const HEADER = `# Changelog

What was changed in sizing and strategy of the stacks, and why, newest first; after [Keep a Changelog](https://keepachangelog.com/en/1.1.0/). Commands that make such a change write it here; of one that was made by hand in a stack's file: \`npx trading changelog --stack NAME --reason TEXT\`.
`;
const HEADING = "### Changed";
/** `## 2026-11-27`, and `## [1.2.0] - 2026-11-27` of somebody who counts versions. */
const DAY = /^## (?:.* - )?(\d{4}-\d\d-\d\d)\s*$/;

/** The text of CHANGELOG.md with an entry in its place; the same text where the stack's newest entry of that day says just that. */
export function withEntry(text: string, entry: ChangelogEntry): string {
  const lines = (text.trim() === "" ? HEADER : text).replaceAll("\r\n", "\n").trimEnd().split("\n");
  const block = blockOf(entry);
  // Newest first, also where a clock was ahead once.
  const day = lines.findIndex((line) => (DAY.exec(line)?.[1] ?? "9") <= entry.date);
  if (day === -1) return joined(lines, lines.length, ["", `## ${entry.date}`, "", HEADING, "", ...block]);
  if (DAY.exec(lines[day]!)![1] !== entry.date) return joined(lines, day, [`## ${entry.date}`, "", HEADING, "", ...block, ""]);
  const next = lines.findIndex((line, index) => index > day && line.startsWith("## "));
  const end = next === -1 ? lines.length : next;
  const within = (holds: (line: string) => boolean, from: number) => lines.findIndex((line, index) => index > from && index < end && holds(line));
  const newest = within((line) => line.startsWith(titleOf(entry.stack)), day);
  if (newest !== -1 && block.every((line, index) => lines[newest + index] === line) && !isDetail(lines[newest + block.length])) return joined(lines, 0, []);
  const heading = within((line) => line.trim() === HEADING, day);
  if (heading === -1) return joined(lines, day + 1, ["", HEADING, "", ...block]);
  const first = within((line) => line.trim() !== "", heading);
  // Under a heading that has nothing yet there is no line to stand before.
  return first === -1 || lines[first]!.startsWith("#") ? joined(lines, heading + 1, ["", ...block]) : joined(lines, first, block);
}

/**
 * Changes that no entry of a stack names. The newest line about a thing counts: it has to end where the thing is now, for
 * what was written when it was so once before says nothing of today.
 */
export function unnamedChanges(text: string, stack: string, changes: readonly TradingChange[]): TradingChange[] {
  const said = detailsOf(text, stack);
  return changes.filter((change) => {
    const newest = said.find((line) => line.startsWith(`${change.topic} `) && line.endsWith(` (${change.key})`));
    return newest?.endsWith(` → ${change.after ?? "none"} (${change.key})`) !== true;
  });
}

/** The lines below the entries of a stack, newest first. */
function detailsOf(text: string, stack: string): string[] {
  const details: string[] = [];
  let own = false;
  for (const line of text.replaceAll("\r\n", "\n").split("\n")) {
    if (isDetail(line)) {
      if (own) details.push(line.slice(DETAIL.length).trimEnd());
    } else own = line.startsWith(titleOf(stack));
  }
  return details;
}

const DETAIL = "  - ";

function isDetail(line: string | undefined): boolean {
  return line?.startsWith(DETAIL) === true;
}

function titleOf(stack: string): string {
  return `- **${stack}**: `;
}

function blockOf({ stack, reason, lines }: ChangelogEntry): string[] {
  const inOne = (text: string) => text.replace(/\s*\n\s*/g, "; ").trim();
  return [`${titleOf(stack)}${inOne(reason)}`, ...lines.map((line) => `${DETAIL}${inOne(line)}`)];
}

function joined(lines: readonly string[], at: number, more: readonly string[]): string {
  return `${[...lines.slice(0, at), ...more, ...lines.slice(at)].join("\n")}\n`;
}
