import { setTimeout as delay } from "node:timers/promises";
import { controlFolder } from "../control/folder";
import { haltsOf } from "../control/LatchFolder";
import { eventually, lines, ThrowAwayStack } from "../test/support/throwAwayStack";
import { benchServices } from "./idle";
import { median, type BenchResult } from "./result";

/** A market at its own speed: what is measured is the guard, and nothing that a replay does beside it. */
const configuration = { feed: { source: "synthetic", seed: 7, speed: 1 }, guard: {} };
const BOUNDS = { seconds: 2, megabytes: 100, cpu: 1 };
const services = ["guard", "guard-proxy"];

/** From a fact in the database to the bot's process being gone, and what the guard takes while nothing happens. */
export async function benchGuard(say: (text: string) => void, trials = 10, seconds = { settling: 30, measured: 60 }): Promise<BenchResult[]> {
  const stack = await ThrowAwayStack.make({ configuration });
  try {
    const up = await stack.up();
    if (up.code !== 0) throw new Error(up.text);
    say(`the stack settles for ${seconds.settling} s`);
    await delay(seconds.settling * 1000);
    const idle = await benchServices(stack, services, seconds.measured);
    const megabytes = await memoryOf(stack);
    const bench = new Stops(stack);
    const drawdown = await bench.measure(trials, (trial) => bench.afterDrawdown(trial));
    const down = await bench.measure(trials, () => bench.afterFeedDown());
    return [
      { name: `guard and proxy at rest, ${seconds.measured} s`, unit: "%", value: idle, comparedWith: { name: "its bound", value: BOUNDS.cpu }, target: `at most ${BOUNDS.cpu} % of a core`, met: idle <= BOUNDS.cpu },
      { name: "memory of guard and proxy at rest", unit: "MB", value: megabytes, comparedWith: { name: "its bound", value: BOUNDS.megabytes }, target: `at most ${BOUNDS.megabytes} MB`, met: megabytes <= BOUNDS.megabytes },
      ...stopped("a drawdown in the database", drawdown),
      ...stopped("a feed that is DOWN", down),
    ];
  } finally {
    await stack.remove();
  }
}

function stopped(fact: string, times: readonly number[]): BenchResult[] {
  const worst = Math.max(...times);
  const bound = { name: "its bound", value: BOUNDS.seconds };
  return [
    { name: `${fact} to the bot stopped, median of ${times.length}`, unit: "s", value: median(times), comparedWith: bound, target: "-", met: true },
    { name: `${fact} to the bot stopped, worst of ${times.length}`, unit: "s", value: worst, comparedWith: bound, target: `at most ${BOUNDS.seconds} s`, met: worst <= BOUNDS.seconds },
  ];
}

async function memoryOf(stack: ThrowAwayStack): Promise<number> {
  const { stdout } = await stack.docker(["stats", "--no-stream", "--format", "{{.MemUsage}}", ...services.map((service) => stack.container(service))]);
  return lines(stdout).reduce((sum, line) => sum + Number(/^([\d.]+)MiB/.exec(line)![1]), 0);
}

/** Facts that the guard stops the bot for, one after the other, each lifted again. */
class Stops {
  private readonly halts;
  private readonly bot: string;

  constructor(private readonly stack: ThrowAwayStack) {
    this.halts = haltsOf(controlFolder(stack.root, stack.name));
    this.bot = stack.container("bot-refstrat01");
  }

  /** @param fact puts it there @returns seconds from the fact being in the database, by its clock, to the end of the bot's process, by Docker's */
  async measure(trials: number, fact: (trial: number) => Promise<number>): Promise<number[]> {
    const times: number[] = [];
    for (let trial = 0; trial < trials; trial++) {
      const at = await fact(trial);
      await eventually("the bot is stopped", 60, async () => (await this.inspect("{{.State.Running}}")) === "false");
      times.push((Date.parse(await this.inspect("{{.State.FinishedAt}}")) - at) / 1000);
      await this.recover(trial);
    }
    return times;
  }

  async afterDrawdown(trial: number): Promise<number> {
    await this.equity(3 * trial, 10_000);
    // A look of the guard lies in between: history is judged by where it ends.
    await delay(1500);
    return this.equity(3 * trial + 1, 5000);
  }

  async afterFeedDown(): Promise<number> {
    // The feed itself would have the last word otherwise.
    await this.stack.docker(["stop", this.stack.container("livefeed")]);
    return this.moment("UPDATE trading.feed_status SET state = 'DOWN', phase = 'running', since = clock_timestamp() RETURNING");
  }

  private async recover(trial: number): Promise<void> {
    await this.equity(3 * trial + 2, 10_000);
    await this.stack.query("UPDATE trading.feed_status SET state = 'HEALTHY', phase = 'ended'");
    await delay(1500);
    for (const { id } of this.halts.inForce().entries) this.halts.lift(id, { liftedAt: new Date().toISOString(), liftedBy: "person", liftedWho: "bench", liftedReason: "measured" });
    await this.stack.docker(["start", this.bot]);
    await eventually("the bot is ready", 60, async () => (await this.stack.docker(["exec", this.bot, "curl", "--fail", "--silent", "http://127.0.0.1:8080/readyz"])).code === 0);
  }

  private equity(minutes: number, value: number): Promise<number> {
    return this.moment(`INSERT INTO trading.equity (bot, bar, equity, cash, quantity, close) SELECT 'refstrat01', max(open_time) + ${minutes + 1} * interval '1 minute', ${value}, ${value}, 0, 1 FROM trading.candles ON CONFLICT (bot, bar) DO UPDATE SET equity = excluded.equity RETURNING`);
  }

  /** Runs a statement. @returns when it was carried out, epoch ms */
  private async moment(statement: string): Promise<number> {
    const [row] = await this.stack.query(`${statement} extract(epoch FROM clock_timestamp()) * 1000`);
    return Number(row);
  }

  private async inspect(format: string): Promise<string> {
    return (await this.stack.docker(["inspect", "--format", format, this.bot])).stdout.trim();
  }
}
