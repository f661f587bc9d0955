import { Command } from "commander";
import { z } from "zod";
import { SERVICES, stackNames } from "../../config/names";
import type { GlobalOptions, Outcome, Wrap } from "../command";
import type { Context } from "../context";
import type { ContainerFact, Engine } from "../engine";
import { EXIT, failure, usage } from "../errors";
import { declaredStack, owner } from "../stack";

interface Options {
  readonly reason: string;
  readonly symbol?: string;
}

const SERVICE: (typeof SERVICES)[number] = "livefeed";
/** Reachable from inside the container alone. */
const ADDRESS = "http://127.0.0.1:8080/v1/acknowledge";
const LONGEST_REASON = 200;
/** Seconds the feed has to answer. */
const PATIENCE = 15;

const answer = z.object({ acknowledged: z.array(z.string()) });
const refusal = z.object({ error: z.string() });

/** `acknowledge-feed`: lets a feed go on that was DOWN while a position was open. */
export function acknowledgeFeedCommand(context: Context, wrap: Wrap): Command {
  return new Command("acknowledge-feed")
    .description("say that you looked at a feed that was DOWN with a position open, so that it may be HEALTHY again")
    .requiredOption("--reason <text>", "what you found, kept with the feed's findings")
    .option("--symbol <symbol>", "only this market's feed; all of the stack's when left out")
    .action(wrap<Options>((options) => acknowledgeFeed(context, options)));
}

async function acknowledgeFeed(context: Context, { stack, reason, symbol }: Options & GlobalOptions): Promise<Outcome> {
  const { configuration } = declaredStack(context.root, stack);
  const by = reason.trim();
  if (by === "" || by.length > LONGEST_REASON) throw usage(`--reason has ${by.length} characters; allowed: 1 to ${LONGEST_REASON}`);
  const symbols = [...new Set(configuration.bots.map((bot) => bot.symbol))];
  if (symbol !== undefined && !symbols.includes(symbol)) throw usage(`stack ${stack} has no feed "${symbol}"; allowed: ${symbols.join(", ")}`);

  const engine = context.engine();
  const container = await feedContainer(context, engine, stack);
  const body = JSON.stringify({ by, ...(symbol === undefined ? {} : { symbol }) });
  const told = await engine.execute(container.id, [
    ...["curl", "--silent", "--show-error", "--max-time", String(PATIENCE), "--header", "content-type: application/json"],
    ...["--data-raw", body, "--write-out", "\n%{http_code}", ADDRESS],
  ]);
  const acknowledged = told.exitCode === 0 ? acknowledgedBy(told.output) : undefined;
  if (acknowledged === undefined) throw failure(`the feed did not take it: ${problemIn(told.output)}; nothing was acknowledged`, { stack });
  const text =
    acknowledged.length === 0
      ? `There is nothing to acknowledge in stack ${stack}.`
      : `Acknowledged in stack ${stack}: ${acknowledged.join(", ")}. Entries are allowed again when the feed is HEALTHY: npx trading status --stack ${stack}`;
  return { exitCode: EXIT.ok, text: `${text}\n`, document: { stack, acknowledged, reason: by } };
}

/** The feed's container, running and this clone's own. */
async function feedContainer(context: Context, engine: Engine, stack: string): Promise<ContainerFact> {
  const name = stackNames(stack).container(SERVICE);
  const container = await engine.container(name);
  if (container === undefined) throw failure(`container ${name} does not exist: npm run pulumi -- up --refresh --stack ${stack}`, { stack });
  if (container.owner !== owner(context.root)) throw failure(`container ${name} belongs to another clone of this project and was left as it is`, { stack });
  if (container.state !== "running") throw failure(`container ${name} is ${container.state}: npm run pulumi -- up --refresh --stack ${stack}`, { stack });
  return container;
}

/** Splits what curl wrote: the body, and the status code in a line of its own. */
function split(output: string): { readonly status: number; readonly body: string } {
  const at = output.lastIndexOf("\n");
  return { status: Number(output.slice(at + 1)), body: output.slice(0, Math.max(0, at)) };
}

/** The symbols that were acknowledged, none when there was nothing to acknowledge; undefined when it was refused. */
function acknowledgedBy(output: string): string[] | undefined {
  const { status, body } = split(output);
  if (status === 409) return [];
  return status === 200 ? answer.safeParse(parsed(body)).data?.acknowledged : undefined;
}

function problemIn(output: string): string {
  const { body } = split(output);
  return refusal.safeParse(parsed(body)).data?.error ?? (output.trim().replace(/\s*\n\s*/g, " ") || "no answer");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
