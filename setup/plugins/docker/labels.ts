import type * as docker from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import { Attribute, Properties } from "../provider/schema";

type Label = Unwrap<docker.types.input.ContainerLabel>;

/** A set of {label, value}. */
export const labelsAttribute: Attribute = {
  type: "set",
  replaces: true,
  fields: { label: { type: "string", required: true }, value: { type: "string", required: true } },
};

export function labelsOf(inputs: Properties): Record<string, string> {
  return Object.fromEntries(((inputs.labels as Label[] | undefined) ?? []).map(({ label, value }) => [label, value]));
}

export function labelList(labels: Record<string, string> | null | undefined): Label[] {
  return Object.entries(labels ?? {}).sort().map(([label, value]) => ({ label, value }));
}
