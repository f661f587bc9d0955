import { z } from "zod";
import { IMAGE_NAMES, type ImageName } from "../images/catalog";

/** Id of an image that is on this machine's Engine. */
export const imageId = z.string().regex(/^sha256:[0-9a-f]{64}$/, "allowed: the id of a local image, sha256:<64 hex>; never a tag");

const imageIds = z.strictObject(Object.fromEntries(IMAGE_NAMES.map((name) => [name, imageId.optional()])) as Record<ImageName, z.ZodOptional<typeof imageId>>);

/** First-party images that are taken as they are, by name, and never built; what is not named is built from this project. */
const images = { images: imageIds.prefault({}) };

/** What entitles a live stack to run its bots. */
const promotion = z.strictObject({
  /** Evidence that promoted this configuration, as a path in the repository. */
  evidence: z.string().regex(/^reports\/promotions\/[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.json$/, "allowed: a path in the repository, reports/promotions/<file>.json"),
});

/** `trading:release`: what a promotion or a rollback writes into a stack's file. It is no part of the configuration's hash. */
export const paperRelease = z.strictObject(images);
export const liveRelease = z.strictObject({ ...images, promotion: promotion.optional() });

export type PinnedImages = z.infer<typeof imageIds>;
export type ReleaseConfiguration = z.infer<typeof liveRelease>;

/** How long a release has to run without an alarm and without a halt by the guard before it counts as stable. */
const soak = (standardHours: number) => z.strictObject({ hours: z.number().positive().max(2160).default(standardHours) });
export const paperSoak = soak(24);
export const liveSoak = soak(72);
