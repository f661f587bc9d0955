import { ThrowAwayStack, type Outcome } from "../test/support/throwAwayStack";
import { median, type BenchResult } from "./result";

/** Seconds that the answer may take. */
const BOUND = 3;

/**
 * How long it takes to say that a whole paper stack, with guard and backups, is as it was deployed: our command, against
 * what Pulumi itself can tell, which is less; turn by turn.
 */
export async function benchDrift(say: (text: string) => void, rounds = 5): Promise<BenchResult[]> {
  const stack = await ThrowAwayStack.make({ configuration: { guard: null, backup: null } });
  try {
    say("bringing up a throw-away stack");
    const seconds = ({ code, text, seconds: taken }: Outcome): number => {
      if (code !== 0) throw new Error(text);
      return taken;
    };
    seconds(await stack.up([], { timeoutSeconds: 600 }));
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      ours.push(seconds(await stack.trading(["drift"])));
      theirs.push(seconds(await stack.pulumi(["preview", "--refresh", "--expect-no-changes"])));
    }
    const [own, other] = [median(ours), median(theirs)];
    return [{ name: "drift of a paper stack", unit: "s", value: own, comparedWith: { name: "pulumi preview --refresh, which sees less", value: other }, target: `at most ${BOUND} s`, met: own <= BOUND }];
  } finally {
    await stack.remove();
  }
}
