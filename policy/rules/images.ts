import { demand, TYPES, type ResourceRule } from "../rule";

/** A tag may name another image tomorrow; a rollback, and the evidence of a promotion, are about content. */
export const BY_CONTENT = /^(sha256:[0-9a-f]{64}|[^\s@]+@sha256:[0-9a-f]{64})$/;
const ALLOWED = "a local image id sha256:<64 hex>, or name@sha256:<64 hex>; never a tag";

/** Containers run content, not names. */
export const images: ResourceRule = {
  name: "images-by-content",
  description: "An image is named by its content: a local id, or a name with a digest.",
  types: [TYPES.container],
  check: ({ properties }) => demand(properties, "image", ALLOWED, (image) => typeof image === "string" && BY_CONTENT.test(image)),
};
