import { execute, type ThrowAwayStack } from "../test/support/throwAwayStack";
import { median, type BenchResult } from "./result";

/** `pulumi up` of a stack without any change, against an empty Pulumi program in TypeScript, turn by turn. */
export async function benchUnchangedUp(stack: ThrowAwayStack, rounds = 5): Promise<BenchResult[]> {
  stack.write("empty/Pulumi.yaml", "name: empty\nruntime: nodejs\nmain: index.ts\nbackend:\n  url: file://./state\n");
  stack.write("empty/index.ts", 'import * as pulumi from "@pulumi/pulumi";\nexport const nothing = pulumi.output("nothing");\n');
  stack.write("empty/package.json", '{ "name": "empty" }\n');
  stack.write("empty/tsconfig.json", stack.read("tsconfig.json"));
  stack.write("empty/state/.keep", "");
  const cwd = `${stack.root}/empty`;
  const empty = (args: readonly string[]) => execute("pulumi", [...args, "--stack", "empty", "--non-interactive"], { cwd, env: stack.env });
  const must = async (outcome: ReturnType<typeof execute>) => {
    const { code, text, seconds } = await outcome;
    if (code !== 0) throw new Error(text);
    return seconds;
  };
  await must(execute("pulumi", ["stack", "init", "empty", "--non-interactive"], { cwd, env: stack.env }));
  await must(empty(["up", "--yes"]));
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await must(stack.pulumi(["up", "--yes"])));
    theirs.push(await must(empty(["up", "--yes"])));
  }
  const [own, other] = [median(ours), median(theirs)];
  return [{ name: "pulumi up without change", unit: "s", value: own, comparedWith: { name: "empty program", value: other }, target: "at most 3 s more", met: own - other <= 3 }];
}
