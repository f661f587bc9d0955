import { belongsIntoChangelog, configurationChanges } from "./configurationChanges";
import { resourceDifferences } from "./differences";
import { limitChanges } from "./limits";
import { meaningOf, worstFirst, type Meaning } from "./meaning";
import type { StateResource } from "./plannedResources";
import type { PreviewedResource, PreviewOutcome } from "./previewEvents";
import { ACTIONS, type ReviewedResource, type StackReview } from "./review";
import type { TreeFacts } from "./treeFacts";
import { replacedText, type Properties } from "./values";

/** What is known of one stack. */
export interface StackFindings {
  readonly stack: string;
  /** The stack as each tree's own code reads it; undefined where the tree has no such stack. */
  readonly before: TreeFacts["stacks"][string] | undefined;
  readonly after: TreeFacts["stacks"][string] | undefined;
  /** State that the preview was made against; null where there was none. */
  readonly state: readonly StateResource[] | null;
  /** Undefined where there was nothing to preview. */
  readonly preview: PreviewOutcome | undefined;
  /** Why base or head could not be previewed. */
  readonly problems: readonly string[];
  readonly migrations: readonly string[];
  /** Lines that the head adds to CHANGELOG.md. */
  readonly changelog: readonly string[];
}

/** Puts together what is told of one stack. */
export function stackReview(findings: StackFindings): StackReview {
  const { stack, preview, state, before, after } = findings;
  const problems = [...findings.problems, ...(preview?.problems ?? [])];
  const resources = withBuilds(preview?.resources ?? [], state ?? []);
  const unknown = [before, after].flatMap((facts) => (facts && "problem" in facts ? [facts.problem] : []));
  const [old, now] = [configurationOf(before), configurationOf(after)];
  const limits = unknown.length > 0 ? [] : limitChanges(old, now);
  const configuration = old && now ? configurationChanges(old, now) : [];
  const meaning = meaningOf({ stack, resources, configuration, limits, migrations: findings.migrations });
  const unrecorded = configuration.filter(belongsIntoChangelog);
  return {
    stack,
    outcome: problems.length > 0 ? "failed" : after === undefined ? "gone" : before === undefined ? "new" : "compared",
    problems,
    counts: Object.fromEntries(ACTIONS.map((action) => [action, resources.filter((resource) => resource.action === action).length])) as StackReview["counts"],
    resources: resources.flatMap(reviewed),
    meaning: worstFirst([
      ...(after === undefined ? [{ weight: "attention", text: `stack ${stack} is no longer in the project: what runs of it goes on, until \`pulumi destroy\`` } as const] : []),
      ...meaning,
      ...(unrecorded.length > 0 && !isRecorded(stack, findings.changelog) ? [missingEntry(stack, unrecorded.map(({ path }) => path))] : []),
    ]),
    limits,
    limitsUnknown: unknown.length > 0 ? unknown.join("\n") : null,
    configuration,
    policies: preview?.policies ?? [],
    packs: preview?.packs ?? [],
  };
}

function configurationOf(facts: TreeFacts["stacks"][string] | undefined): Properties | null {
  return facts && "configuration" in facts ? facts.configuration : null;
}

function isRecorded(stack: string, changelog: readonly string[]): boolean {
  return changelog.some((line) => new RegExp(`\\b${stack}\\b`, "i").test(line));
}

function missingEntry(stack: string, paths: readonly string[]): Meaning {
  return { weight: "attention", text: `strategy or sizing is changed by hand, and CHANGELOG.md has no new entry that names ${stack}: ${paths.join(", ")}` };
}

/** Ids of images that were made up are shown by what the images are built from. */
function withBuilds(resources: readonly PreviewedResource[], state: readonly StateResource[]): PreviewedResource[] {
  const builds = state.flatMap(({ outputs, inputs, urn }): [string, string][] => {
    const [id, triggers] = [outputs?.["stdout"], inputs?.["triggers"]];
    const image = /::image-(.+)$/.exec(urn)?.[1];
    return image !== undefined && typeof id === "string" && Array.isArray(triggers) ? [[id, `${image}:${String(triggers[0]).slice(0, 8)}`]] : [];
  });
  const shown = (properties: Properties | null) => properties && (replacedText(properties, builds) as Properties);
  return resources.map((resource) => ({ ...resource, before: shown(resource.before), after: shown(resource.after) }));
}

function reviewed({ action, type, name, urn, before, after, properties }: PreviewedResource): ReviewedResource[] {
  if (action === "untouched") return [];
  return [{ action, kind: type.split(":").at(-1)!.toLowerCase(), name, urn, differences: before && after ? resourceDifferences(before, after, properties) : [] }];
}
