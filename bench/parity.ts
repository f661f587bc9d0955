import * as fs from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { realCandlesFile } from "../test/support/candles";
import { eventually, ThrowAwayStack } from "../test/support/throwAwayStack";
import { median, type BenchResult } from "./result";

const days = 365;
const warmupBars = 300;
const rounds = 5;

/** How long the comparison of a year with a replay takes, and how much memory it costs the bot. */
export async function benchParity(say: (text: string) => void): Promise<BenchResult[]> {
  const [note, head, ...rows] = (await fs.readFile(await realCandlesFile(), "utf8")).trimEnd().split("\n");
  const csv = [note, head, ...rows.slice(-(days * 24 + warmupBars))].join("\n");
  const stack = await ThrowAwayStack.make({
    configuration: { feed: { source: "recording", file: "data/real.csv.gz", warmupBars, speed: "maximum" }, performance: { parityDays: days } },
    files: { "data/real.csv.gz": gzipSync(csv) },
  });
  try {
    const up = await stack.up();
    if (up.code !== 0) throw new Error(up.text);
    say("playing a year");
    await eventually("the bot is at the last candle", 600, async () => (await stack.query("SELECT 1 FROM trading.decisions d WHERE bar = (SELECT max(open_time) FROM trading.candles) HAVING count(*) = 1")).length === 1);
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const { stdout, text } = await stack.trading(["parity", "--json"]);
      const found = (JSON.parse(stdout) as { bots: { parity: { seconds: number; verdict: string; decisionsCompared: number; reference: string } }[] }).bots[0]!.parity;
      if (found.verdict !== "equal" || found.reference !== "image" || found.decisionsCompared !== days * 24) throw new Error(text);
      seconds.push(found.seconds);
    }
    // The highest resident size of the largest process: the bot's own, its threads included.
    const { stdout } = await stack.docker(["exec", stack.container("bot-refstrat01"), "sh", "-c", "cat /proc/[0-9]*/status"]);
    const megabytes = (Math.max(...[...stdout.matchAll(/^VmHWM:\s+(\d+) kB$/gm)].map(([, size]) => Number(size))) * 1024) / 1e6;
    return [
      { name: "parity of a year, through the image and the program, median", unit: "s", value: median(seconds), target: "at most 5 s", met: median(seconds) <= 5 },
      { name: "highest memory of the bot, that of its replays included", unit: "MB", value: megabytes, target: "at most 140 MB of its 160", met: megabytes <= 140 },
    ];
  } finally {
    await stack.remove();
  }
}
