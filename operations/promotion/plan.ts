import { randomBytes } from "node:crypto";
import { changeText, tradingChanges } from "../../config/changelog/changes";
import { CHANGELOG, withEntry } from "../../config/changelog/text";
import { evidenceFile, sealed, uncovered, type PromotionEvidence } from "../../config/promotionEvidence";
import { promotedHash, promotedPart } from "../../config/promotedPart";
import { stackConfigurationHash, type Release } from "../../config/releases";
import type { StackConfiguration } from "../../config/schema";
import { parseStackFile } from "../../config/stackFile";
import { canonicalJson } from "../../domain/canonicalJson";
import { loosened, type PromotionLimits } from "../../domain/promotion/limits";
import type { JudgedItem } from "../../domain/promotion/overrides";
import { IMAGE_NAMES } from "../../images/catalog";
import { failure, usage } from "../errors";
import { promotedText } from "./liveFile";
import type { NewText } from "./oneCommit";
import { strategyPage, withPromotion } from "./strategyPage";

type Live = Extract<StackConfiguration, { mode: "live" }>;

export interface PlanFacts {
  readonly id: string;
  /** Epoch ms. */
  readonly now: number;
  readonly who: string;
  readonly reason: string | null;
  readonly from: { readonly stack: string; readonly configuration: StackConfiguration };
  readonly to: { readonly stack: string; readonly configuration: Live };
  readonly release: Release;
  readonly items: readonly JudgedItem[];
  readonly unproven: readonly string[];
  readonly limits: PromotionLimits;
  /** What a file of the project holds now; undefined where there is none. */
  readonly textOf: (name: string) => string | undefined;
}

export interface Plan {
  readonly evidence: PromotionEvidence;
  /** Every file that the commit consists of, the stack's own last. */
  readonly files: readonly NewText[];
  /** What the stack will trade otherwise, in words. */
  readonly changes: readonly string[];
  readonly message: string;
}

/** For example `PRO-20261127-070501-4f2a`. @param now epoch ms */
export function promotionId(now: number): string {
  const digits = new Date(now).toISOString().replace(/[-:]/g, "");
  return `PRO-${digits.slice(0, 8)}-${digits.slice(9, 15)}-${randomBytes(2).toString("hex")}`;
}

export function stackFileName(stack: string): string {
  return `Pulumi.${stack}.yaml`;
}

/**
 * Everything that a promotion writes, with nothing written yet.
 *
 * @throws {CommandError} where the strategy changes and nobody says why
 */
export function planPromotion(facts: PlanFacts): Plan {
  const { id, now, from, to, release, reason, textOf } = facts;
  const at = new Date(now).toISOString();
  const name = stackFileName(to.stack);
  const text = textOf(name);
  const { commit } = release;
  if (text === undefined || commit === null) throw failure(`${text === undefined ? `${name} is missing` : `${release.id} names no commit`}; nothing was changed`);
  const bots = to.configuration.bots.flatMap((bot) => from.configuration.bots.find((each) => each.name === bot.name) ?? []);
  const images = Object.fromEntries(IMAGE_NAMES.flatMap((image) => (release.imageNames[image] === undefined ? [] : [[image, release.imageNames[image]]])));
  const values = { images, evidence: evidenceFile(id), interval: from.configuration.interval, bots };
  const written = promotedText(name, text, values, to.configuration);
  const after = parseStackFile(to.stack, written) as Live;
  demandNothingElse(name, to.configuration, after, values);

  const changes = tradingChanges(to.configuration, after);
  const ofStrategy = changes.filter(({ kind }) => kind === "strategy");
  if (ofStrategy.length > 0 && reason === null) {
    throw usage(`this promotion changes what ${to.stack} trades, and --reason says why; it is kept in the evidence, in ${CHANGELOG} and on the strategy's page:\n${ofStrategy.map((change) => `  ${changeText(change)}`).join("\n")}\nnothing was changed`);
  }
  const promoted = promotedPart(after);
  const less = loosened(facts.limits);
  const evidence = sealed({
    ...{ format: 1, id, at, who: facts.who, reason, from: { stack: from.stack, release: release.id, commit }, to: to.stack },
    ...{ images, promoted, promotedHash: promotedHash(promoted), configurationHash: stackConfigurationHash(after) },
    ...{ limits: JSON.parse(JSON.stringify(facts.limits)) as PromotionEvidence["limits"], loosened: less, loosenedReason: less.length === 0 ? null : (to.configuration.promotion.reason ?? null) },
    ...{ items: [...facts.items], unproven: [...facts.unproven], changes: changes.map(changeText) },
  });
  const gaps = uncovered(evidence, to.stack, after);
  if (gaps.length > 0) throw failure(`the promotion would not cover ${to.stack} as it would be configured: ${gaps.join("; ")}; nothing was changed`);

  const date = at.slice(0, 10);
  const headline = `promoted ${release.id} of ${from.stack} (${id})`;
  const pages = [...new Set(after.bots.map(({ strategy }) => strategy))].flatMap((strategy): NewText[] => {
    const about = ofStrategy.filter(({ topic }) => after.bots.some((bot) => bot.strategy === strategy && (topic === `bot ${bot.name}` || topic.startsWith(`bot ${bot.name}:`)))).map(changeText);
    if (about.length === 0) return [];
    const page = strategyPage(strategy);
    return [{ name: page, text: withPromotion(strategy, textOf(page), { promotion: id, date, from: { stack: from.stack, release: release.id }, to: to.stack, reason: reason ?? "", changes: about }) }];
  });
  const entry = { date, stack: to.stack, reason: reason === null ? headline : `${headline}: ${reason}`, lines: changes.map(changeText) };
  return {
    evidence,
    files: [
      { name: evidenceFile(id), text: `${JSON.stringify(evidence, null, 2)}\n` },
      ...pages,
      { name: CHANGELOG, text: withEntry(textOf(CHANGELOG) ?? "", entry) },
      { name, text: written },
    ],
    changes: entry.lines,
    message: `Promotion ${id}: ${release.id} of stack ${from.stack} to ${to.stack}`,
  };
}

/** A file that was written by hand may say more than was understood: whatever is not to change has not. */
function demandNothingElse(name: string, before: Live, after: Live, { images, evidence, interval, bots }: Parameters<typeof promotedText>[2]): void {
  const expected = {
    ...before,
    interval,
    release: { images, promotion: { evidence } },
    bots: before.bots.map((bot) => {
      const from = bots.find((each) => each.name === bot.name);
      return from === undefined ? bot : { ...bot, image: from.image, strategy: from.strategy, symbol: from.symbol, settings: from.settings, configurationHash: from.configurationHash };
    }),
  };
  if (canonicalJson(expected) !== canonicalJson(after)) throw failure(`${name} could not be changed without changing more of it than was to be; nothing was changed`);
}
