import { TYPES, type ResourceRule } from "../rule";

/** Types that the rules are about, and what only groups others. */
const JUDGED: readonly string[] = [TYPES.container, TYPES.volume, TYPES.network, TYPES.command];
const GROUPS = /^(pulumi:|trading:)/;

/** A resource that no rule knows would be let through by all of them. */
export const resourceTypes: ResourceRule = {
  name: "judged-types",
  description: "A stack is made of types of resources that these rules are about.",
  check: ({ type }) => (JUDGED.includes(type) || GROUPS.test(type) ? [] : [{ property: "type", value: type, allowed: JUDGED.join(", ") }]),
};
