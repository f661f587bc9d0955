import * as fs from "node:fs";
import * as path from "node:path";
import type { StackFile } from "./rules/ownPorts";

/** The stacks of a clone, with the ports their files claim. A file that sets no port base claims none. */
export function readStackFiles(root: string): StackFile[] {
  return fs
    .readdirSync(root)
    .flatMap((name) => /^Pulumi\.([a-z][a-z0-9-]*)\.yaml$/.exec(name)?.[1] ?? [])
    .flatMap((stack) => {
      // By a line of its own, as set-up writes and reads it: a parser would cost every preview its loading.
      const portBase = /^\s+trading:portBase:\s*["']?(\d+)["']?\s*(#.*)?$/m.exec(fs.readFileSync(path.join(root, `Pulumi.${stack}.yaml`), "utf8"))?.[1];
      return portBase === undefined ? [] : [{ stack, portBase: Number(portBase) }];
    });
}
