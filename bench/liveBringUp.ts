import { ThrowAwayStack } from "../test/support/throwAwayStack";
import type { BenchResult } from "./result";

/** How long live takes to come up beside a paper stack that runs, complete and healthy, with the images there. */
export async function benchLiveBringUp(say: (text: string) => void): Promise<BenchResult[]> {
  const paper = await ThrowAwayStack.make();
  try {
    say("bringing up a throw-away paper stack");
    const up = await paper.up([], { timeoutSeconds: 900 });
    if (up.code !== 0) throw new Error(up.text);
    say("bringing up live beside it");
    const live = await paper.beside({ mode: "live", feed: { source: "synthetic" } });
    const { code, text, seconds } = await live.up();
    if (code !== 0) throw new Error(text);
    return [{ name: "live brought up beside paper, images there", unit: "s", value: seconds, comparedWith: { name: "the paper stack, without guard and backup, images built where they were not there", value: up.seconds }, target: "at most 60 s", met: seconds <= 60 }];
  } finally {
    await paper.remove();
  }
}
