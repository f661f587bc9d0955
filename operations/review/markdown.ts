import { cell, NONE } from "../format";
import { TRAILER, type ReviewedCommit } from "./commits";
import type { Difference } from "./differences";
import type { Meaning } from "./meaning";
import { ACTIONS, riskIsRaised, verdictOf, type Review, type ReviewedResource, type StackReview } from "./review";

/** By this line a comment is recognised as the review's, so that there is one. */
export const MARKER = "<!-- trading-preview -->";
/** A comment on GitHub holds 65,536 characters. */
const LONGEST = 60_000;
const MOST_DIFFERENCES = 6;
const WEIGHTS: Readonly<Record<Meaning["weight"], string>> = { danger: "🛑 ", attention: "⚠️ ", note: "" };

/** A review as a page, in Markdown. */
export function reviewMarkdown(review: Review): string {
  const { base, head, stacks } = review;
  const lines = [
    MARKER,
    `# What ${shown(head)} would do`,
    "",
    `Compared with ${shown(base)}, on a state that is thrown away: nothing was made, no passphrase was used, and passwords are placeholders.`,
    "",
    ...verdictLines(review),
    `| stack | ${ACTIONS.join(" | ")} | risk limits | policies |`,
    `|---|${ACTIONS.map(() => "--:|").join("")}---|---|`,
    ...stacks.map((stack) => `| ${stack.stack} | ${ACTIONS.map((action) => (stack.outcome === "failed" ? NONE : stack.counts[action])).join(" | ")} | ${riskText(stack)} | ${policyText(stack)} |`),
    "",
    ...stacks.flatMap(stackLines),
  ];
  const text = `${lines.join("\n").trimEnd()}\n`;
  return text.length > LONGEST ? `${text.slice(0, text.lastIndexOf("\n", LONGEST))}\n\nThe rest is in preview.json.\n` : text;
}

function shown({ ref, commit }: ReviewedCommit): string {
  const short = commit.slice(0, 8);
  return commit.startsWith(ref) ? `\`${short}\`` : `\`${ref}\` (${short})`;
}

function verdictLines(review: Review): string[] {
  const raised = review.stacks.filter(riskIsRaised).map(({ stack }) => stack);
  const verdict = verdictOf(review);
  const risk =
    raised.length === 0
      ? []
      : review.reasonsForMoreRisk.length > 0
        ? [`**Risk limits are raised** in ${raised.join(", ")}, on purpose: ${review.reasonsForMoreRisk.map(({ commit, reason }) => `“${inText(cell(reason))}” (${commit.slice(0, 8)})`).join("; ")}.`, ""]
        : [`🛑 **Risk limits are raised** in ${raised.join(", ")}, and no commit says why. If it is meant, say so in a commit message's last lines: \`${TRAILER}: why\`.`, ""];
  return [...(verdict === "failed" ? ["🛑 **This cannot be deployed as it is**: see below.", ""] : []), ...risk];
}

function riskText({ limits, limitsUnknown }: StackReview): string {
  if (limitsUnknown !== null) return "**cannot be compared**";
  if (limits.some(({ raised }) => raised)) return "**raised**";
  return limits.length > 0 ? "lowered" : "as before";
}

function policyText({ policies, packs, outcome }: StackReview): string {
  if (policies.length > 0) return `**${policies.length} not kept**`;
  return packs.length > 0 && outcome !== "failed" ? "kept" : NONE;
}

function stackLines(review: StackReview): string[] {
  const { stack, outcome, problems, resources, meaning, policies, limitsUnknown, configuration } = review;
  const title = { compared: stack, new: `${stack} (new)`, gone: `${stack} (gone)`, failed: `${stack} (cannot be previewed)` }[outcome];
  return [
    `## ${title}`,
    "",
    ...(problems.length > 0 ? fenced(problems.join("\n")) : []),
    ...(limitsUnknown !== null ? ["The risk limits of base and head cannot be compared, which counts as raised:", "", ...fenced(limitsUnknown)] : []),
    ...(resources.length > 0 ? resourceLines(resources) : problems.length === 0 && outcome === "compared" ? ["Nothing changes.", ""] : []),
    ...(meaning.length > 0 && problems.length === 0 ? ["### What it means for trading", "", ...meaning.map(({ weight, text }) => `- ${WEIGHTS[weight]}${inText(text)}`), ""] : []),
    ...(policies.length > 0 ? ["### Policies that are not kept", "", "| rule | level | resource | |", "|---|---|---|---|", ...policies.map((each) => `| ${cell(each.policy)} | ${cell(each.level)} | ${cell(each.resource ?? "the stack")} | ${inText(cell(each.message))} |`), ""] : []),
    ...(configuration.length > 0 ? ["<details><summary>Configuration, defaults included</summary>", "", "| key | before | after |", "|---|---|---|", ...configuration.map((each) => `| ${code(each.path)} | ${code(each.before)} | ${code(each.after)} |`), "", "</details>", ""] : []),
  ];
}

function resourceLines(resources: readonly ReviewedResource[]): string[] {
  return ["| | resource | differences |", "|---|---|---|", ...resources.map((each) => `| ${each.action} | ${each.kind} ${inText(cell(each.name))} | ${differencesText(each.differences)} |`), ""];
}

function differencesText(differences: readonly Difference[]): string {
  const more = differences.length - MOST_DIFFERENCES;
  return [...differences.slice(0, MOST_DIFFERENCES).map(({ path, before, after }) => `${code(path)}: ${code(before)} → ${code(after)}`), ...(more > 0 ? [`and ${more} more`] : [])].join("<br>");
}

/** As it is, in a cell: nothing of it is read as Markdown. */
function code(text: string | undefined): string {
  return text === undefined ? NONE : `\`${cell(text).replaceAll("`", "'")}\``;
}

/** Words that may come from a commit: neither a tag of HTML nor a mention of somebody. */
function inText(text: string): string {
  return text.replaceAll("<", "&lt;").replaceAll("@", "@\u200b");
}

function fenced(text: string): string[] {
  return ["```", text.replaceAll("```", "'''"), "```", ""];
}
