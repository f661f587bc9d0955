import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";

/** What came of running the whole program. */
export interface Ran {
  /** What it said that it cannot go on for; null where it declared its resources. */
  readonly error: { readonly message: string; readonly isRunError: boolean } | null;
  readonly made: readonly string[];
}

/** Runs index.ts of a folder against Pulumi's mocks, in a process of its own: the program sets up the process it runs in. */
async function main(root: string, stack: string, configuration: Record<string, string>): Promise<Ran> {
  const made: string[] = [];
  const mocks: pulumi.runtime.Mocks = {
    newResource: ({ type, name, inputs }) => {
      made.push(`${type} ${name}`);
      return { id: name, state: inputs };
    },
    call: () => ({}),
  };
  await pulumi.runtime.setMocks(mocks, "trading", stack, false);
  pulumi.runtime.setAllConfig(configuration);
  const program = require(path.join(root, "index.ts")) as () => Promise<unknown>;
  try {
    await program();
    return { error: null, made };
  } catch (error) {
    return { error: { message: (error as Error).message, isRunError: pulumi.RunError.isInstance(error) }, made };
  }
}

if (require.main === module) {
  const [root, stack, configuration] = process.argv.slice(2) as [string, string, string];
  void main(root, stack, JSON.parse(configuration) as Record<string, string>).then((ran) => process.stdout.write(`\n${JSON.stringify(ran)}\n`));
}
