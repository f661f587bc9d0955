import { setTimeout as delay } from "node:timers/promises";
import type { ThrowAwayStack } from "../test/support/throwAwayStack";
import { LARGE_ROWS } from "./largeDatabase";
import { protectedStack } from "./protectedStack";
import type { BenchResult } from "./result";

/** Seconds for which the age of what is safe is looked at: the archive is switched once a minute. */
const looks = 180;

/** What backups are worth: what could be lost, and how soon a running stack with about 5 million rows is back. */
export async function benchRecovery(say: (text: string) => void): Promise<BenchResult[]> {
  const stack = await protectedStack(say);
  try {
    const atRisk = await dataAtRisk(stack);
    say(`what was committed was safe after ${atRisk.toFixed(1)} s at most`);
    const restore = await stack.trading(["restore", "--to", "latest", "--confirm", stack.name, "--json"], { timeoutSeconds: 900 });
    if (restore.code !== 0) throw new Error(restore.text);
    say(`restored to the latest moment in ${restore.seconds.toFixed(1)} s`);
    const test = await stack.trading(["restore-test", "--json"], { timeoutSeconds: 900 });
    if (test.code !== 0) throw new Error(test.text);
    say(`restore test in ${test.seconds.toFixed(1)} s`);

    const rows = `${(LARGE_ROWS / 1e6).toFixed(1)} million rows`;
    return [
      { name: "data at risk: oldest committed row that could not be restored", unit: "s", value: atRisk, target: "at most 60 s", met: atRisk <= 60 },
      { name: `restore of a running stack with ${rows}, checks and start included`, unit: "s", value: restore.seconds, target: "at most 180 s", met: restore.seconds <= 180 },
      { name: `restore test with ${rows}, end to end`, unit: "s", value: test.seconds, target: "at most 360 s", met: test.seconds <= 360 },
    ];
  } finally {
    await stack.remove();
  }
}

/** Longest time for which something that was committed was not in the archive, in seconds, over some minutes of trading. */
async function dataAtRisk(stack: ThrowAwayStack): Promise<number> {
  /** How far the log had been written at each look. */
  const written: { readonly at: number; readonly position: number }[] = [];
  let most = 0;
  for (let look = 0; look < looks; look++) {
    const [row] = await stack.query(
      `SELECT extract(epoch FROM clock_timestamp()) || ',' || (pg_current_wal_insert_lsn() - '0/0') || ',' || (SELECT (segment_number + 1) * 16777216 FROM pg_split_walfile_name(last_archived_wal)) FROM pg_stat_archiver`,
    );
    const [at, position, archived] = row!.split(",").map(Number) as [number, number, number];
    written.push({ at, position });
    // The first look at which more was written than is in the archive now.
    const unsafe = written.find((earlier) => earlier.position > archived);
    if (unsafe !== undefined) most = Math.max(most, at - unsafe.at);
    await delay(1000);
  }
  return most;
}
