import { conditions, type EvidenceItem } from "./item";
import type { PromotionLimits } from "./limits";

/** Whether what is to be promoted is what ran. Lists name what does not fit; null is what is not known. */
export interface ReleaseFacts {
  /** Newest release of the stack that is promoted from; null where there is none. */
  readonly release: { readonly id: string; readonly at: string; readonly clean: boolean; readonly commit: string | null; /** Since it is up. */ readonly hours: number } | null;
  /** Services that do not run what the release was made of. */
  readonly otherImages: readonly string[] | null;
  /** First-party images that the release does not name. */
  readonly unnamedImages: readonly string[];
  /** Whether the stack's file says something else than the release. */
  readonly fileChanged: boolean | null;
  /** Keys in which the two stacks may not differ and do. */
  readonly differences: readonly string[];
  /** Names of the two stacks. */
  readonly from: string;
  readonly to: string;
}

/** Only what ran, and all that ran, is promoted; and Git knows what that is. */
export function releaseItems({ release, otherImages, unnamedImages, fileChanged, differences, from, to }: ReleaseFacts, limits: PromotionLimits["release"]): EvidenceItem[] {
  const place = (what: readonly string[] = []) => ({ window: release === null ? "none" : release.at, source: `${release === null ? `no release yet: npm run pulumi -- up --stack ${from}` : release.id}${what.length === 0 ? "" : `: ${what.join(", ")}`}` });
  const none = (id: string, text: string, value: number | null) => ({ id, text, value: release === null ? null : value, bound: "at most", limit: 0, unit: "count" }) as const;
  return [
    ...conditions(place(), [
      { id: "release.record", text: `Releases of stack ${from}`, value: Number(release !== null), bound: "at least", limit: 1, unit: "count" },
      { id: "release.hours", text: "Hours that it runs", value: release?.hours ?? null, bound: "at least", limit: limits.hours, unit: "hours" },
      none("release.clean", "Releases with changes that are in no commit", Number(release?.clean !== true || release.commit === null)),
      none("release.file", `Changes of Pulumi.${from}.yaml since`, fileChanged === null ? null : Number(fileChanged)),
    ]),
    ...conditions(place(otherImages ?? []), [none("release.images", "Services that do not run its images", otherImages?.length ?? null)]),
    ...conditions(place(unnamedImages), [none("release.imageNames", "Images that it does not name", unnamedImages.length)]),
    ...conditions({ window: "now", source: differences.length === 0 ? "the stacks' files" : differences.join("; ") }, [
      { id: "release.differences", text: `Keys in which ${to} would differ from ${from} and may not`, value: differences.length, bound: "at most", limit: 0, unit: "count" },
    ]),
  ];
}
