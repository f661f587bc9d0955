import { z } from "zod";
import { stackNames } from "../../config/names";
import { SPANS } from "../../domain/kpis/spans";
import type { Context } from "../context";
import type { ContainerFact, Engine } from "../engine";
import { failure } from "../errors";
import { owner } from "../stack";

const SERVICE = "performance";
/** Reachable from inside the container alone. */
const ADDRESS = "http://127.0.0.1:8080/v1";
/** Seconds the service has to answer; a replay of many years takes some. */
const PATIENCE = 28;

const number = z.number().nullable();
const instant = z.iso.datetime().transform((text) => Date.parse(text));

/** A bot's figures in a window that ends with `bar`; times in epoch ms, null for what cannot be computed. */
const kpis = z.object({
  span: z.enum(SPANS),
  ...{ bar: instant, fromBar: instant.nullable(), computedAt: instant, bars: z.number() },
  ...{ equity: number, totalReturn: number, sharpe: number, sharpeError: number, sharpeProbability: number, sharpeMinimumReturns: number, sharpeReturns: number },
  ...{ drawdownMax: number, drawdownCurrent: number, drawdownFromPeak: number, exposure: number, trades: number, wins: number, losses: number },
  ...{ hitRate: number, profitFactor: number, averageProfit: number, tradeRate: number, tradesExpected: number, tradesVerdict: z.string().nullable() },
  ...{ fees: number, slippageMedian: number, slippageP95: number, trackingError: number, meanDifference: number, equityGap: number, decisionMatch: number },
});
export type KpisAnswer = z.infer<typeof kpis>;

/** A comparison with a replay. */
const parity = z.object({
  ...{ bot: z.string(), at: instant, fromBar: instant.nullable(), toBar: instant.nullable(), image: z.string().nullable(), configurationHash: z.string() },
  ...{ reference: z.enum(["image", "program"]), note: z.string().nullable() },
  ...{ decisionsCompared: z.number(), decisionsMatched: z.number(), tradesCompared: z.number(), tradesMatched: z.number(), refused: z.number(), late: z.number() },
  ...{ trackingError: number, meanDifference: number, equityGap: number, slippageMedian: number, slippageP95: number, referenceSlippageMedian: number, referenceSlippageP95: number },
  firstDifference: z.record(z.string(), z.unknown()).nullable(),
  ...{ cause: z.string(), verdict: z.enum(["equal", "costs", "differs", "nothing to compare"]), frozen: z.boolean(), reason: z.string(), seconds: z.number() },
});
export type ParityAnswer = z.infer<typeof parity>;

const answer = z.object({
  bots: z.array(z.object({ bot: z.string(), kpis: z.array(kpis), parity: parity.nullable() })),
  feeds: z.array(z.object({ symbol: z.string(), down: z.number() })),
});
export type PerformanceAnswer = z.infer<typeof answer>;

const compared = z.object({ parities: z.array(parity) });

/** Asks the performance service of a stack, from inside its container. */
export class PerformanceService {
  private constructor(
    private readonly engine: Engine,
    private readonly container: ContainerFact,
  ) {}

  /** @throws {CommandError} when there is no such container of this clone, or it does not run */
  static async of(context: Context, stack: string): Promise<PerformanceService> {
    const engine = context.engine();
    const name = stackNames(stack).container(SERVICE);
    const container = await engine.container(name);
    if (container === undefined) throw failure(`container ${name} does not exist: npm run pulumi -- up --refresh --stack ${stack}`, { stack });
    if (container.owner !== owner(context.root)) throw failure(`container ${name} belongs to another clone of this project and was left as it is`, { stack });
    if (container.state !== "running") throw failure(`container ${name} is ${container.state}: npx trading status says more`, { stack });
    return new PerformanceService(engine, container);
  }

  /** Newest figures and comparisons of every bot. */
  async newest(): Promise<PerformanceAnswer> {
    return await this.ask(answer, ["--request", "GET", `${ADDRESS}/performance`]);
  }

  /** Compares a bot with a replay now; undefined when it has nothing to compare yet. */
  async compare(bot: string, days: number | undefined): Promise<ParityAnswer | undefined> {
    const body = JSON.stringify({ bot, ...(days === undefined ? {} : { days }) });
    const { parities } = await this.ask(compared, ["--request", "POST", "--header", "content-type: application/json", "--data-raw", body, `${ADDRESS}/parity`]);
    return parities[0];
  }

  private async ask<T>(schema: z.ZodType<T>, words: readonly string[]): Promise<T> {
    const { exitCode, output } = await this.engine.execute(this.container.id, ["curl", "--silent", "--show-error", "--max-time", String(PATIENCE), "--write-out", "\n%{http_code}", ...words]);
    if (exitCode !== 0) throw failure(`the performance service does not answer: ${output.trim().replace(/\s*\n\s*/g, " ") || `exit code ${exitCode}`}`);
    const at = output.trimEnd().lastIndexOf("\n");
    const [code, body] = [Number(output.trimEnd().slice(at + 1)), parsed(output.slice(0, Math.max(0, at)))];
    if (code !== 200) throw failure(`the performance service did not take it: ${(body as { error?: string } | undefined)?.error ?? `answer ${code} is not understood`}`);
    const result = schema.safeParse(body);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw failure(`the performance service is of another version than this command (its answer: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}): npm run pulumi -- up`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
