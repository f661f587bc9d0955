import * as fs from "node:fs";
import * as path from "node:path";

/** Folder of the project's policy pack. */
const FOLDER = "policy";

/** What makes `pulumi preview` ask a tree's own policy pack; nothing where the tree has none. */
export function policyPack(tree: string): string[] {
  return fs.existsSync(path.join(tree, FOLDER, "PulumiPolicy.yaml")) ? ["--policy-pack", FOLDER] : [];
}
