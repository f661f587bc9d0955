import { eventually, ThrowAwayStack } from "../test/support/throwAwayStack";
import { pointsTaken, protectedStack, serviceStatus } from "./protectedStack";
import { percentile } from "./firstReaction";
import type { BenchResult } from "./result";

/** Bars of one stretch that is measured: two a second. */
const barsOfStretch = 150;
/** The slowest hundredth of fewer decisions is a handful, and differs by a fifth from one run to the next. */
const stretches = 8;

/** What backups cost a bot while they run: milliseconds from candle to decision, with and without points being taken, in turn. */
export async function benchSlowdown(say: (text: string) => void): Promise<BenchResult[]> {
  const stack = await protectedStack(say);
  try {
    const [without, during]: [number[], number[]] = [[], []];
    for (let stretch = 0; stretch < stretches; stretch++) {
      without.push(...(await latencies(stack)));
      const before = await pointsTaken(stack);
      const enough = await takePoints(stack);
      during.push(...(await latencies(stack)));
      await enough();
      const taken = (await pointsTaken(stack)) - before;
      say(`${taken} points taken in a stretch of ${barsOfStretch} bars; p99 so far ${percentile(without, 0.99).toFixed(1)} ms without, ${percentile(during, 0.99).toFixed(1)} ms during; median ${percentile(without, 0.5).toFixed(1)} and ${percentile(during, 0.5).toFixed(1)} ms`);
    }
    const [p99Without, p99During] = [percentile(without, 0.99), percentile(during, 0.99)];
    const [medianWithout, medianDuring] = [percentile(without, 0.5), percentile(during, 0.5)];
    return [
      { name: `decision while points are taken one after the other, ${during.length} decisions, p99`, unit: "ms", value: p99During, comparedWith: { name: "without, p99", value: p99Without }, target: "at most 1.1 times", met: p99During <= 1.1 * p99Without },
      { name: "the same, median", unit: "ms", value: medianDuring, comparedWith: { name: "without, median", value: medianWithout }, target: "-", met: true },
    ];
  } finally {
    await stack.remove();
  }
}

/**
 * Has points taken one after the other until what is returned is called. It is asked for inside the service's container,
 * as its schedule does it: a command of the owner's would compute beside it.
 */
async function takePoints(stack: ThrowAwayStack): Promise<() => Promise<void>> {
  const inside = (...words: string[]) => stack.docker(["exec", ...words]);
  const asking = "until [ -e /tmp/enough ]; do curl --silent --output /dev/null --request POST http://127.0.0.1:8080/v1/jobs/point; sleep 0.5; done; rm /tmp/enough";
  await inside("--detach", stack.container("backup"), "sh", "-c", asking);
  return async () => {
    await inside(stack.container("backup"), "touch", "/tmp/enough");
    await eventually("no point is being taken", 120, async () => (await serviceStatus(stack)).jobs.point.running === null);
  };
}

async function latencies(stack: ThrowAwayStack): Promise<number[]> {
  const newest = async () => Number((await stack.query("SELECT coalesce(extract(epoch FROM max(bar)), 0)::bigint FROM trading.decisions"))[0]);
  const from = await newest();
  await eventually("enough bars are decided", 300, async () => (await newest()) >= from + barsOfStretch * 3600);
  const rows = await stack.query(
    `SELECT extract(epoch FROM d.decided_at - c.received_at) * 1000 FROM trading.decisions d JOIN trading.accounts a USING (bot)
       JOIN trading.candles c ON c.symbol = a.symbol AND c.interval = a.interval AND c.open_time = d.bar WHERE extract(epoch FROM d.bar) > ${from}`,
  );
  return rows.map(Number);
}
