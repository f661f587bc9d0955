import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import type { Candle } from "../../domain/candles";
import { describeProblems } from "../shared/settingsProblems";
import type { Feed } from "./feed";
import type { FeedReader } from "./reader";
import { isLoopback } from "../shared/loopback";

export interface RouteParts {
  readonly app: FastifyInstance;
  readonly reader: Pick<FeedReader, "candles">;
  readonly feed: Pick<Feed, "acknowledge">;
  readonly symbols: readonly string[];
  readonly interval: string;
  /** Epoch ms. */
  readonly wall: () => number;
}

/** Most candles in one answer. */
export const mostCandles = 1000;

const acknowledgement = z.strictObject({ by: z.string().trim().min(1).max(200), symbol: z.string().optional() });

/** A candle as docs/livefeed-contract.md has it. */
export function candleRow({ openTime, open, high, low, close, volume }: Candle): number[] {
  return [openTime, open, high, low, close, volume];
}

/** `GET /v1/candles`, which keeps docs/livefeed-contract.md, and `POST /v1/acknowledge` for whoever is inside the container. */
export function addRoutes({ app, reader, feed, symbols, interval, wall }: RouteParts): void {
  const query = z.strictObject({
    symbol: z.enum(symbols as [string, ...string[]]),
    interval: z.literal(interval),
    from: z.coerce.number().int().min(0).max(8.64e15),
    limit: z.coerce.number().int().min(1).max(mostCandles).default(mostCandles),
  });

  app.get("/v1/candles", async (request, reply) => {
    const parsed = query.safeParse(request.query, { reportInput: true });
    if (!parsed.success) return refuse(reply, describeProblems(query, request.query, parsed.error, ""));
    const { symbol, from, limit } = parsed.data;
    const candles = await reader.candles(symbol, from, limit);
    return { now: wall(), candles: candles.map(candleRow) };
  });

  app.post("/v1/acknowledge", async (request, reply) => {
    if (!isLoopback(request.ip)) return reply.code(403).send({ error: "only from inside the feed's container" });
    const parsed = acknowledgement.safeParse(request.body, { reportInput: true });
    if (!parsed.success) return refuse(reply, describeProblems(acknowledgement, request.body, parsed.error, "body"));
    const { by, symbol } = parsed.data;
    if (symbol !== undefined && !symbols.includes(symbol)) return refuse(reply, [`body.symbol: "${symbol}" - allowed: ${symbols.join(", ")}`]);
    return { acknowledged: await feed.acknowledge(by, symbol) };
  });
}

function refuse(reply: FastifyReply, problems: string[]): FastifyReply {
  return reply.code(400).send({ error: problems.join("; ") });
}
