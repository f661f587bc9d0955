import * as path from "node:path";
import { readBrokerSight } from "../../control/brokerSight";
import { controlFolder } from "../../control/folder";
import { HaltReader } from "../../control/standing";
import type { Halted } from "../../operations/halts";
import { freeze } from "./freeze";
import { eventually, type Outcome, type ThrowAwayStack } from "./throwAwayStack";

/** Trades about every tenth bar and moves its stop on every third: something is always about to leave. */
export const busySettings = { emaFast: 2, emaSlow: 4, atrPeriod: 3, stopAtrMultiple: 3, riskFraction: 0.002 };

/** What tests of halts ask of a stack. */
export class HaltedStack {
  constructor(readonly stack: ThrowAwayStack) {}

  /** Places a halt by the command. @returns what it says, how it ended and how long it took */
  async halt(level: "pause" | "reduce" | "kill", ...more: string[]): Promise<{ readonly halted: Halted; readonly outcome: Outcome; readonly since: Date }> {
    const outcome = await this.stack.trading(["halt", "--level", level, "--reason", "a test", "--json", ...more]);
    // What leaves from here on has left through the halt.
    const since = new Date();
    if (!outcome.stdout.startsWith("{")) throw new Error(outcome.text);
    return { halted: JSON.parse(outcome.stdout) as Halted, outcome, since };
  }

  async stop(service: string): Promise<void> {
    const { code, text } = await this.stack.docker(["stop", this.stack.container(service)]);
    if (code !== 0) throw new Error(text);
  }

  async freeze(service: string): Promise<void> {
    await freeze(this.stack.container(service), this.stack.env);
  }

  get control(): string {
    return controlFolder(this.stack.root, this.stack.name);
  }

  inForce(): string[] {
    return new HaltReader(this.control, this.stack.name).read().halts.map(({ id }) => id);
  }

  /** Waits until the broker, as it runs now, has said that it holds to a halt. */
  async held(incident: string): Promise<void> {
    const now = new Date().toISOString();
    await eventually("the broker says what it holds to", 60, async () => {
      const sight = readBrokerSight(this.control);
      return sight !== undefined && sight.at > now && sight.incidents.includes(incident);
    });
  }

  /** Orders that a bot let out since then; protective stops are the broker's own. */
  async ordersSince(since: Date): Promise<string[]> {
    return await this.stack.query(`SELECT client_order_id FROM trading.orders WHERE action <> 'stop' AND status <> 'rejected' AND created_at > '${since.toISOString()}'`);
  }

  /** Waits until the broker has worked some more bars, as it does with the feed there and whatever is halted. */
  async goesOn(bars = 5, seconds = 90): Promise<void> {
    const worked = async () => Number((await this.stack.query("SELECT extract(epoch FROM min(processed_bar)) / 3600 FROM trading.accounts"))[0]);
    const before = await eventually("the broker's bars are known", seconds, worked);
    await eventually("the broker works on", seconds, async () => (await worked()) >= before + bars);
  }

  /** Lifts everything, what the guard halted meanwhile included, and waits until the bot runs. */
  async rearmAll(seconds = 120): Promise<void> {
    await eventually("every halt is lifted and the bot runs", seconds, async () => {
      for (const incident of this.inForce()) {
        const { code, text } = await this.stack.trading(["rearm", "--incident", incident, "--yes"]);
        if (code !== 0) throw new Error(text);
      }
      return this.inForce().length === 0 && (await this.state("bot-refstrat01")).startsWith("running ");
    });
  }

  /** Docker's state of a service, with its health while it runs. */
  async state(service: string): Promise<string> {
    const { stdout } = await this.stack.docker(["inspect", "--format", "{{.State.Status}}{{if .State.Running}} {{.State.Health.Status}}{{end}}", this.stack.container(service)]);
    return stdout.trim();
  }

  /** What the incident's file says. */
  incidentFile(incident: string): string {
    return this.stack.read(path.join("reports", "incidents", `${incident}.md`));
  }
}
