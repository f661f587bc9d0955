import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { namespaceValues } from "../../config/configurationValues";
import { evidenceFile, sealed, type PromotionEvidence } from "../../config/promotionEvidence";
import { promotedHash, promotedPart } from "../../config/promotedPart";
import { limitsOf } from "../../config/promotionSchema";
import { stackConfigurationHash } from "../../config/releases";
import { parseStackConfiguration } from "../../config/stackConfiguration";
import type { JudgedItem } from "../../domain/promotion/overrides";
import { promotionId } from "../../operations/promotion/plan";

/** A condition that holds, as evidence has it. */
export function evidenceItem(more: Partial<JudgedItem> = {}): JudgedItem {
  return {
    ...{ id: "paper.days", bot: "refstrat01", text: "Days of paper trading", value: 40, bound: "at least", limit: 30, distance: 10, unit: "days" },
    ...{ window: "40.0 days", standardError: null, source: "a test", holds: true, overridden: null },
    ...more,
  };
}

/**
 * Evidence by which a live stack may run its bots, not written yet.
 *
 * @param values the stack's keys, without the namespace and without `release`
 * @param images name of each first-party image -> its id
 * @param more what is otherwise; its hash is that of the whole
 */
export function evidenceFor(stack: string, values: Readonly<Record<string, unknown>>, images: Readonly<Record<string, string>>, more: Partial<Omit<PromotionEvidence, "hash">> = {}): PromotionEvidence {
  const configuration = parseStackConfiguration(stack, values);
  if (configuration.mode !== "live") throw new Error(`stack ${stack} is ${configuration.mode}: only live needs evidence`);
  const promoted = promotedPart(configuration);
  const now = Date.now();
  return sealed({
    ...{ format: 1, id: promotionId(now), at: new Date(now).toISOString(), who: "a test", reason: "a test", from: { stack: "paper", release: "REL-20261127-070501-4f2a", commit: "c".repeat(40) }, to: stack },
    ...{ images: { ...images }, promoted, promotedHash: promotedHash(promoted), configurationHash: stackConfigurationHash(configuration) },
    ...{ limits: JSON.parse(JSON.stringify(limitsOf(configuration.promotion))) as PromotionEvidence["limits"], loosened: [], loosenedReason: null, items: [evidenceItem()], unproven: [], changes: [] },
    ...more,
  });
}

/** Writes evidence into a project's folder. @returns the value of `trading:release` that names it and pins its images */
export function writeEvidence(root: string, evidence: PromotionEvidence): { readonly images: Record<string, string>; readonly promotion: { readonly evidence: string } } {
  const name = evidenceFile(evidence.id);
  const file = path.join(root, ...name.split("/"));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(evidence, null, 2)}\n`);
  return { images: evidence.images, promotion: { evidence: name } };
}

/**
 * Promotes a stack as its file in a project's folder declares it, without asking for anything.
 *
 * @param images name of each first-party image -> its id
 * @returns the value of `trading:release` that lets its bots run, to be written into the file
 */
export function promotedAsItIs(root: string, stack: string, images: Readonly<Record<string, string>>): ReturnType<typeof writeEvidence> {
  const { config } = parse(fs.readFileSync(path.join(root, `Pulumi.${stack}.yaml`), "utf8")) as { config: Record<string, unknown> };
  const { release: _, ...values } = namespaceValues(config);
  return writeEvidence(root, evidenceFor(stack, values, images));
}
