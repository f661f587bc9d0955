import { z } from "zod";
import { changedProperties } from "./differences";
import { isObject, masked, type Properties } from "./values";

/** What an `up` would do with a resource. */
export type Action = "added" | "changed" | "replaced" | "removed" | "untouched";

export interface PreviewedResource {
  readonly action: Action;
  readonly urn: string;
  /** For example `docker:index/container:Container`. */
  readonly type: string;
  /** Its name in the program. */
  readonly name: string;
  /** Inputs, secrets masked; null where there is no such resource before or after. */
  readonly before: Properties | null;
  readonly after: Properties | null;
  /** Arguments that differ. */
  readonly properties: readonly string[];
  /** What it stands for outlives its removal from the stack. */
  readonly retained: boolean;
}

/** A rule of a policy pack that is not kept. */
export interface PolicyFinding {
  readonly pack: string;
  readonly policy: string;
  /** `mandatory` stops an `up`; `advisory` does not. */
  readonly level: string;
  /** Name of the resource, or null where it is about the stack. */
  readonly resource: string | null;
  readonly message: string;
}

/** What one preview said. */
export interface PreviewOutcome {
  readonly resources: readonly PreviewedResource[];
  readonly policies: readonly PolicyFinding[];
  /** Policy packs that were asked. */
  readonly packs: readonly string[];
  /** Why it would fail. */
  readonly problems: readonly string[];
}

const state = z.looseObject({ custom: z.boolean().default(false), inputs: z.record(z.string(), z.unknown()).nullish(), retainOnDelete: z.boolean().default(false) });
const event = z.looseObject({
  resourcePreEvent: z
    .looseObject({ metadata: z.looseObject({ op: z.string(), urn: z.string(), type: z.string(), old: state.nullish(), new: state.nullish(), diffs: z.array(z.string()).nullish() }) })
    .optional(),
  policyEvent: z.looseObject({ resourceUrn: z.string().nullish(), message: z.string(), policyName: z.string(), policyPackName: z.string(), enforcementLevel: z.string() }).optional(),
  diagnosticEvent: z.looseObject({ urn: z.string().nullish(), prefix: z.string().nullish(), message: z.string(), severity: z.string() }).optional(),
  summaryEvent: z.looseObject({ PolicyPacks: z.record(z.string(), z.string()).nullish() }).optional(),
});

/** What the engine says when a rule is not kept, and nothing else is wrong. */
const CONSEQUENCE = "preview failed";

/** What each operation of the engine's comes to; the two halves of a replacement are told by it. */
const ACTIONS: Readonly<Record<string, Action>> = { same: "untouched", create: "added", update: "changed", replace: "replaced", delete: "removed", read: "untouched", import: "added" };

/**
 * Reads what `pulumi preview --json` streams (one event a line, PULUMI_ENABLE_STREAMING_JSON_PREVIEW).
 *
 * @throws where Pulumi writes something else than this version of it does
 */
export function previewOutcome(text: string): PreviewOutcome {
  const events = text.split("\n").filter((line) => line.trim() !== "").map((line) => event.parse(JSON.parse(line)));
  const resources = events.flatMap(({ resourcePreEvent }) => (resourcePreEvent ? previewed(resourcePreEvent.metadata) : []));
  const policies = events.flatMap(({ policyEvent: found }): PolicyFinding[] =>
    found ? [{ pack: found.policyPackName, policy: found.policyName, level: found.enforcementLevel, resource: nameOf(found.resourceUrn ?? ""), message: plainText(found.message) }] : [],
  );
  const problems = events.flatMap(({ diagnosticEvent: said }) => (said?.severity === "error" ? [`${said.urn ? `${nameOf(said.urn)}: ` : ""}${plainText(said.message)}`] : []));
  const broken = policies.some(({ level }) => level === "mandatory");
  return { resources, policies: distinct(policies), packs: events.flatMap(({ summaryEvent }) => Object.keys(summaryEvent?.PolicyPacks ?? {})), problems: [...new Set(problems)].filter((said) => !(broken && said === CONSEQUENCE)) };
}

type Metadata = NonNullable<z.infer<typeof event>["resourcePreEvent"]>["metadata"];

function previewed({ op, urn, type, old, new: now, diffs }: Metadata): PreviewedResource[] {
  const action = ACTIONS[op];
  // Components and plugins are nothing on the Engine.
  if (action === undefined || !(now ?? old)?.custom || type.startsWith("pulumi:")) return [];
  const [before, after] = [action === "added" ? null : inputsOf(old), action === "removed" ? null : inputsOf(now)];
  const properties = before && after && action !== "untouched" ? changedProperties(before, after, diffs ?? []) : [];
  // A change that no argument explains comes from the state, which is made up, and is none.
  const real = before && after && action !== "untouched" && properties.length === 0 ? "untouched" : action;
  return [{ action: real, urn, type, name: nameOf(urn) ?? "", before, after, properties, retained: (old ?? now)?.retainOnDelete ?? false }];
}

function inputsOf(from: z.infer<typeof state> | null | undefined): Properties {
  const inputs = masked(from?.inputs ?? {});
  return isObject(inputs) ? inputs : {};
}

/** The last part of a URN; null for that of the stack and for none. */
function nameOf(urn: string): string | null {
  if (urn === "" || urn.includes("pulumi:pulumi:Stack")) return null;
  return urn.split("::").slice(3).join("::") || null;
}

function plainText(message: string): string {
  return message.replace(/<\{%[^%]*%\}>/g, "").replace(/\u001b\[[0-9;]*[mK]/g, "").trim();
}

function distinct(findings: readonly PolicyFinding[]): PolicyFinding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}
