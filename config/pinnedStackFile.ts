import { isMap, parseDocument } from "yaml";
import { NAMESPACE } from "./configurationValues";

/**
 * The text of a stack's file with these images in `trading:release.images`, in place of those that were there: what it
 * deploys is then never built. Everything else stays, remarks included.
 *
 * @param images name of a first-party image -> its id
 * @throws when the text is no YAML, or no stack file
 */
export function withPinnedImages(text: string, images: Readonly<Record<string, string>>): string {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw problem;
  if (!isMap(document.get("config"))) throw new Error("it has no config");
  const at = ["config", `${NAMESPACE}release`];
  const sorted = Object.fromEntries(Object.entries(images).sort(([one], [other]) => (one < other ? -1 : 1)));
  // Pulumi may have written the whole of it as text.
  if (document.hasIn(at) && !isMap(document.getIn(at))) document.setIn(at, document.createNode(objectIn(document.getIn(at))));
  document.setIn([...at, "images"], document.createNode(sorted));
  return document.toString({ lineWidth: 0 });
}

function objectIn(value: unknown): unknown {
  return typeof value === "string" ? JSON.parse(value) : {};
}
