import { PolicyPack } from "@pulumi/policy";
import * as path from "node:path";
import { policiesOf } from "./pack";
import { RESOURCE_RULES, stackRules } from "./rules";
import { readStackFiles } from "./stackFiles";

/** What no stack may do: docs/policy.md. */
new PolicyPack("trading", {
  enforcementLevel: "mandatory",
  policies: policiesOf(RESOURCE_RULES, stackRules(readStackFiles(path.resolve(__dirname, "..")))),
});
