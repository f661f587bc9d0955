import { z } from "zod";
import { clientOrderId } from "../../domain/clientOrderId";
import type { Context } from "../context";
import type { ContainerFact, Engine } from "../engine";
import { failure } from "../errors";
import { InsideService, problemIn, type InsideAnswer } from "../insideService";

/** Where the broker has the tokens by which it knows the bots. */
const TOKENS = "/secrets";
const PATIENCE_SECONDS = 10;
/** A broker that is busy, or has had too many messages of the bot, is asked so often. */
const TRIES = 5;
const PAUSE_MILLISECONDS = 1000;
/** Before any market: an order decided on it is refused whatever the state of the account, and leaves no row. */
const BAR = 0;

const account = z.object({ position: z.object({ quantity: z.number() }).nullable() });
const refusal = z.object({ status: z.literal("rejected"), reason: z.string() });

/**
 * Speaks to the broker in the bots' names, from inside its container: the token is read there, and stands in no argument.
 * So it is the broker's own door that is tried, by the one whom it knows as the bot.
 */
export class BotVoices {
  constructor(
    private readonly context: Pick<Context, "wait">,
    private readonly engine: Engine,
    private readonly broker: Pick<ContainerFact, "id">,
    private readonly stack: string,
  ) {}

  /**
   * Hands in an order that can come to nothing.
   *
   * @returns why it was refused
   * @throws {CommandError} when the broker takes it, or says nothing
   */
  async refusalOf(bot: string, action: "enter" | "exit"): Promise<string> {
    const order = action === "enter" ? { quantity: 1, stopPrice: 1 } : {};
    const answer = await this.ask(bot, "POST", "/intents", { clientOrderId: clientOrderId(this.stack, bot, BAR, action), bar: BAR, action, ...order });
    const refused = answer.code === 422 ? refusal.safeParse(answer.body).data : undefined;
    if (refused === undefined) throw failure(`the broker did not refuse an order of bot ${bot} that no broker may take: ${problemIn(answer)}`);
    return refused.reason;
  }

  /** Quantity of the bot's open position, 0 without one. @throws {CommandError} when the broker does not say */
  async position(bot: string): Promise<number> {
    const answer = await this.ask(bot, "GET", "/account");
    if (answer.code === 404) return 0;
    const known = answer.code === 200 ? account.safeParse(answer.body).data : undefined;
    if (known === undefined) throw failure(`the broker does not say whether bot ${bot} has a position: ${problemIn(answer)}`);
    return known.position?.quantity ?? 0;
  }

  private async ask(bot: string, method: "GET" | "POST", path: string, body?: object): Promise<InsideAnswer> {
    const token = ["--variable", `token@${TOKENS}/bot-${bot}-token`, "--expand-header", "authorization: Bearer {{token:trim}}"];
    const broker = new InsideService(this.engine, this.broker, "the broker", PATIENCE_SECONDS, token);
    for (let tries = 1; ; tries++) {
      const answer = await broker.request(method, path, body);
      if (![429, 503].includes(answer.code) || tries === TRIES) return answer;
      await this.context.wait(PAUSE_MILLISECONDS);
    }
  }
}
