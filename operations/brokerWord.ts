import { stackNames } from "../config/names";
import { readBrokerSight, type BrokerSight } from "../control/brokerSight";
import type { Context } from "./context";
import type { Engine } from "./engine";

/** What is known of the broker after a halt: it said that it holds to it, it does not run, it is paused, or it says nothing. */
export const BROKER_STATES = ["confirmed", "down", "frozen", "silent"] as const;

export interface BrokerWord {
  readonly state: (typeof BROKER_STATES)[number];
  /** From the act until this was known. */
  readonly seconds: number;
}

/** Longest time the broker has to say what it holds to. */
const PATIENCE_MILLISECONDS = 5000;
const POLL_MILLISECONDS = 50;

/**
 * Waits until the broker's own record of what it has read is as it should be. A broker that does not run or is paused lets
 * nothing out, and reads the halts before it does anything else when it comes back.
 *
 * @param control the control folder
 * @param seen whether what the broker has read is what was done
 * @param since when it was done, epoch milliseconds
 */
export async function brokerWord(context: Context, engine: Engine, stack: string, control: string, seen: (sight: BrokerSight) => boolean, since: number): Promise<BrokerWord> {
  const word = (state: BrokerWord["state"]): BrokerWord => ({ state, seconds: (context.now() - since) / 1000 });
  let away: "down" | "frozen" | undefined;
  const look = async () => void (away = await absence(engine, stack));
  void look();
  for (let looks = 1; ; looks++) {
    const sight = readBrokerSight(control);
    if (sight !== undefined && seen(sight)) return word("confirmed");
    if (away !== undefined) return word(away);
    if (context.now() - since >= PATIENCE_MILLISECONDS) return word("silent");
    await context.wait(POLL_MILLISECONDS);
    // It may end meanwhile.
    if (looks % 20 === 0) void look();
  }
}

/** How the broker cannot do anything; undefined where it can, or nobody says. */
async function absence(engine: Engine, stack: string): Promise<"down" | "frozen" | undefined> {
  try {
    const broker = await engine.container(stackNames(stack).container("broker"));
    if (broker === undefined) return "down";
    if (broker.state === "paused") return "frozen";
    return ["exited", "created", "dead", "removing"].includes(broker.state) ? "down" : undefined;
  } catch {
    return undefined;
  }
}
