import { z } from "zod";
import { SPANS } from "../../domain/kpis/spans";
import type { Context } from "../context";
import { failure } from "../errors";
import { InsideService, problemIn, serviceContainer } from "../insideService";

const SERVICE = "performance";
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
  private constructor(private readonly inside: InsideService) {}

  /** @throws {CommandError} when there is no such container of this clone, or it does not run */
  static async of(context: Context, stack: string): Promise<PerformanceService> {
    const engine = context.engine();
    const container = await serviceContainer(context, engine, stack, SERVICE);
    if (container.state !== "running") throw failure(`container ${container.name} is ${container.state}: npx trading status says more`, { stack });
    return new PerformanceService(new InsideService(engine, container, "the performance service", PATIENCE));
  }

  /** Newest figures and comparisons of every bot. */
  async newest(): Promise<PerformanceAnswer> {
    return await this.ask(answer, "GET", "/performance");
  }

  /** Compares a bot with a replay now; undefined when it has nothing to compare yet. */
  async compare(bot: string, days: number | undefined): Promise<ParityAnswer | undefined> {
    const { parities } = await this.ask(compared, "POST", "/parity", { bot, ...(days === undefined ? {} : { days }) });
    return parities[0];
  }

  private async ask<T>(schema: z.ZodType<T>, ...request: Parameters<InsideService["request"]>): Promise<T> {
    const answered = await this.inside.request(...request);
    if (answered.code !== 200) throw failure(`the performance service did not take it: ${problemIn(answered)}`);
    return this.inside.understood(schema, answered.body);
  }
}
