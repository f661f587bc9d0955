import { differences, differenceText, promotedPart, type PromotedPart } from "../../config/promotedPart";
import { stackConfigurationHash, type Release } from "../../config/releases";
import { stackNames } from "../../config/names";
import type { StackConfiguration } from "../../config/schema";
import type { ReleaseFacts } from "../../domain/promotion/release";
import { IMAGE_NAMES } from "../../images/catalog";
import type { ContainerFact } from "../engine";
import type { DeclaredStack } from "../stack";

export interface ReleaseSources {
  readonly from: DeclaredStack;
  readonly to: { readonly stack: string; readonly configuration: StackConfiguration | undefined };
  /** Newest release of the stack that is promoted from. */
  readonly release: Release | undefined;
  /** Its containers; undefined where Docker does not answer. */
  readonly containers: readonly ContainerFact[] | undefined;
  /** Epoch ms. */
  readonly now: number;
}

/** Puts together whether what would be promoted is what runs. */
export function releaseFacts({ from, to, release, containers, now }: ReleaseSources): ReleaseFacts {
  return {
    ...{ from: from.stack, to: to.stack },
    release: release === undefined ? null : { id: release.id, at: release.at, clean: release.clean, commit: release.commit, hours: (now - Date.parse(release.at)) / 3_600_000 },
    otherImages: release === undefined || containers === undefined ? null : from.services.filter((service) => !runs(from.stack, service, release, containers)),
    unnamedImages: release === undefined ? [] : IMAGE_NAMES.filter((name) => release.imageNames[name] === undefined),
    fileChanged: release === undefined ? null : stackConfigurationHash(from.configuration) !== release.configurationHash,
    differences: to.configuration === undefined ? [] : differencesLeft(from.configuration, to.configuration).map((difference) => differenceText(difference, { from: `Pulumi.${from.stack}.yaml`, to: `Pulumi.${to.stack}.yaml` })),
  };
}

function runs(stack: string, service: string, { images }: Release, containers: readonly ContainerFact[]): boolean {
  const name = stackNames(stack).container(service);
  const container = containers.find((each) => each.name === name);
  const wanted = images[service];
  if (container === undefined || container.state !== "running" || wanted === undefined) return false;
  return wanted === container.imageId || wanted === container.imageName;
}

/** Keys in which the stacks would differ, and may not, after the bots' strategies were copied. */
export function differencesLeft(from: StackConfiguration, to: StackConfiguration): ReturnType<typeof differences> {
  const [proven, present] = [promotedPart(from), promotedPart(to)];
  return differences(proven, copied(proven, present));
}

/** What a promotion copies: interval, and image, strategy, settings and symbol of each bot that both have. */
export function copied(from: PromotedPart, to: PromotedPart): PromotedPart {
  const bots = Object.fromEntries(Object.entries(to.bots).map(([name, bot]) => [name, from.bots[name] ?? bot]));
  return { ...to, interval: from["interval"], bots };
}
