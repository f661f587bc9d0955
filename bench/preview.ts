import { ReviewedClone } from "../test/support/reviewedClone";
import type { BenchResult } from "./result";

/** `npx trading preview` of a commit that changes the bot, for both stacks, with nothing known from an earlier review. */
export async function benchPreview(say: (text: string) => void): Promise<BenchResult[]> {
  const clone = await ReviewedClone.make();
  try {
    const base = await clone.git(["rev-parse", "HEAD"]);
    clone.replace("services/bot/main.ts", "\n", '\nprocess.title = "changed";\n');
    await clone.commit("Another bot");
    const outcome = await clone.preview(["--base", base, "--json"], { onText: (text) => text.startsWith("{") || say(text.trimEnd()) });
    if (outcome.code !== 0) throw new Error(outcome.text);
    const { stacks } = JSON.parse(outcome.stdout) as { readonly stacks: readonly { readonly resources: readonly unknown[] }[] };
    if (stacks.length !== 2 || stacks.some(({ resources }) => resources.length === 0)) throw new Error("the preview does not tell of the change in both stacks");
    return [{ name: "npx trading preview of both stacks", unit: "s", value: outcome.seconds, target: "at most 30 s", met: outcome.seconds <= 30 }];
  } finally {
    clone.remove();
  }
}
