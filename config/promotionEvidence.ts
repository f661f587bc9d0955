import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import type { Canary } from "../domain/canary";
import { loosened } from "../domain/promotion/limits";
import { stands, type JudgedItem } from "../domain/promotion/overrides";
import { IMAGE_NAMES } from "../images/catalog";
import { canonicalHash } from "./canonicalHash";
import { differences, differenceText, promotedPart, readAgain, type PromotedPart } from "./promotedPart";
import { limitsOf } from "./promotionSchema";
import { imageId } from "./releaseSchema";
import type { StackConfiguration } from "./schema";

/** Where evidence lies in the repository. */
export const PROMOTION_FOLDER = "reports/promotions";

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const tree = z.record(z.string(), z.unknown());
const item = z.strictObject({
  ...{ id: z.string().min(1), bot: z.string().nullable(), text: z.string(), value: z.number().nullable(), bound: z.enum(["at least", "at most"]), limit: z.number() },
  ...{ distance: z.number().nullable(), unit: z.enum(["fraction", "ratio", "days", "hours", "count", "milliseconds"]), window: z.string(), standardError: z.number().nullable() },
  ...{ source: z.string(), holds: z.boolean(), overridden: z.string().min(1).nullable() },
});

/** On what a stack was promoted: the one file in Git by which the bots of live may run. */
export const promotionEvidence = z.strictObject({
  format: z.literal(1),
  /** For example `PRO-20261127-070501-4f2a`: when, in UTC, and four digits of chance. */
  id: z.string().regex(/^PRO-\d{8}-\d{6}-[0-9a-f]{4}$/),
  at: z.iso.datetime(),
  /** Name of the person at the machine. */
  who: z.string().min(1),
  /** What was given with `--reason`. */
  reason: z.string().min(1).nullable(),
  from: z.strictObject({ stack: z.string().min(1), release: z.string().min(1), commit: z.string().regex(/^[0-9a-f]{40,64}$/) }),
  /** Name of the stack that was promoted to. */
  to: z.string().min(1),
  /** Name of each first-party image -> its id. */
  images: z.record(z.string(), imageId),
  /** What of the configuration is promoted, and its hash; see config/promotedPart.ts. */
  promoted: tree.and(z.object({ bots: z.record(z.string(), tree) })),
  promotedHash: hash,
  /** Of the whole configuration of the stack that was promoted to, without `release`. */
  configurationHash: hash,
  /** What was asked for, and what of it is less than by default. */
  limits: z.record(z.string(), z.record(z.string(), z.number())),
  loosened: z.array(z.strictObject({ limit: z.string(), value: z.number(), standard: z.number() })),
  loosenedReason: z.string().min(1).nullable(),
  items: z.array(item).min(1),
  unproven: z.array(z.string()),
  /** What of the strategy is another than before, in words. */
  changes: z.array(z.string()),
  /** SHA-256 over all else, as canonical JSON. */
  hash,
});
export type PromotionEvidence = z.infer<typeof promotionEvidence>;

/** @returns the evidence with the hash of its content */
export function sealed(evidence: Omit<PromotionEvidence, "hash">): PromotionEvidence {
  return promotionEvidence.parse({ ...evidence, hash: canonicalHash(evidence) });
}

/** Where the evidence of this id lies, relative to the project's folder. */
export function evidenceFile(id: string): string {
  return `${PROMOTION_FOLDER}/${id}.json`;
}

/** @returns the evidence of a file of the repository, or in a text why there is none */
export function readPromotionEvidence(root: string, file: string): PromotionEvidence | string {
  let text: string;
  try {
    text = fs.readFileSync(path.join(root, ...file.split("/")), "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? `${file} is missing` : `${file} cannot be read (${message})`;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `${file} is not JSON`;
  }
  const parsed = promotionEvidence.safeParse(value);
  if (!parsed.success) return `${file} is no evidence of a promotion (${parsed.error.issues[0]?.path.join(".") ?? ""}: ${parsed.error.issues[0]?.message ?? ""})`;
  const { hash: said, ...rest } = parsed.data;
  return said === canonicalHash(rest) ? parsed.data : `${file} was changed after it was written: its hash is not that of its content`;
}

/** Everything that keeps evidence from covering a stack as it is configured, one line each; none where it does. */
export function uncovered(evidence: PromotionEvidence, stack: string, configuration: StackConfiguration): string[] {
  const lines: string[] = [];
  if (evidence.to !== stack) lines.push(`it is of stack ${evidence.to}`);
  const failing = evidence.items.filter((each) => !stands(each)).map(({ id }) => id);
  if (failing.length > 0) lines.push(`these of its conditions did not hold: ${failing.join(", ")}`);
  const pinned = configuration.release.images as Readonly<Record<string, string | undefined>>;
  // An image that this program has and the one that promoted had not is built: nothing that was proven is replaced by it.
  const proven = IMAGE_NAMES.filter((name) => evidence.images[name] !== undefined);
  const built = proven.filter((name) => pinned[name] === undefined);
  if (built.length > 0) lines.push(`trading:release.images does not name ${built.join(", ")}`);
  const others = proven.filter((name) => pinned[name] !== undefined && pinned[name] !== evidence.images[name]);
  if (others.length > 0) lines.push(`other images were promoted: ${others.join(", ")}`);
  const promoted = readAgain(evidence.promoted as PromotedPart);
  if (typeof promoted === "string") return [...lines, `what it promoted is no longer understood (${promoted})`];
  return [...lines, ...differences(promoted, promotedPart(configuration)).map((difference) => differenceText(difference, { from: evidence.id, to: stack }))];
}

/** How a stack stands as to promotions. */
export interface PromotionStanding {
  /** Whether its bots may run, as far as promotions go. */
  readonly mayRun: boolean;
  /** By what they may, or why not, in words for the owner. */
  readonly reason: string;
  /** What the stack's file names and could be read; null where it names none, and of paper. */
  readonly evidence: PromotionEvidence | null;
  /** The first days after the promotion, over or not; null where there are none. */
  readonly canary: Canary | null;
  /** What is asked for less than it should be, one line each: to be shown for as long as it is in force. */
  readonly warnings: readonly string[];
}

/** Reads the evidence that a stack's file names. The bots of live run with one that covers their images and strategies alone. */
export function promotionStanding(root: string, stack: string, configuration: StackConfiguration): PromotionStanding {
  if (configuration.mode === "paper") return { mayRun: true, reason: "paper needs no promotion", evidence: null, canary: null, warnings: [] };
  const { promotion, release } = configuration;
  const loose = loosened(limitsOf(promotion)).map(({ limit, value, standard }) => `promotions to ${stack} ask for less: ${limit} ${value} in place of ${standard}: ${promotion.reason ?? "no reason is given"}`);
  const not = (reason: string, evidence: PromotionEvidence | null = null): PromotionStanding => ({ mayRun: false, reason, evidence, canary: null, warnings: loose });
  if (release.promotion === undefined) return not("live has no promotion");
  const evidence = readPromotionEvidence(root, release.promotion.evidence);
  if (typeof evidence === "string") return not(`the promotion of live does not count: ${evidence}`);
  const gaps = uncovered(evidence, stack, configuration);
  if (gaps.length > 0) return not(`the promotion ${evidence.id} does not cover live as it is configured: ${gaps.join("; ")}`, evidence);
  const { days, fraction } = promotion.canary;
  return {
    mayRun: true,
    reason: `promoted by ${evidence.id} from ${evidence.from.release} of stack ${evidence.from.stack}`,
    evidence,
    canary: days === 0 || fraction === 1 ? null : { until: Date.parse(evidence.at) + days * 86_400_000, fraction },
    warnings: [...overrideTexts(evidence), ...loose],
  };
}

/** What was overridden in evidence, one line each. */
function overrideTexts({ id, items, loosened: less, loosenedReason }: PromotionEvidence): string[] {
  const conditions = items.flatMap((each) => (each.overridden === null ? [] : [`${id} overrides a condition: ${overrideText(each)}`]));
  return [...conditions, ...less.map(({ limit, value, standard }) => `${id} was made with less asked for: ${limit} ${value} in place of ${standard}: ${loosenedReason ?? "no reason was given"}`)];
}

function overrideText({ id, bot, value, bound, limit, overridden }: Pick<JudgedItem, "id" | "bot" | "value" | "bound" | "limit" | "overridden">): string {
  return `${id}${bot === null ? "" : ` of bot ${bot}`} was ${value ?? "not known"}, asked for ${bound} ${limit}: ${overridden ?? ""}`;
}
