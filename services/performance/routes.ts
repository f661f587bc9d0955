import type { FastifyInstance } from "fastify";
import type { Kysely } from "kysely";
import { z } from "zod";
import type { TradingSchema } from "../shared/schema";
import { readFeeds } from "./feedReader";
import { newestKpis } from "./kpiStore";
import type { ParityKeeper } from "./ParityKeeper";
import { newestParity } from "./parityStore";
import type { PerformanceSettings } from "./settings";
import { isLoopback } from "../shared/loopback";

export interface RouteParts {
  readonly app: FastifyInstance;
  readonly db: Kysely<TradingSchema>;
  readonly settings: PerformanceSettings;
  readonly keeper: Pick<ParityKeeper, "ask" | "next">;
}

const parityBody = z.strictObject({ bot: z.string().optional(), days: z.int().min(1).max(1100).optional() });

/** `GET /v1/performance`: newest figures and comparisons of every bot; `POST /v1/parity` compares now. Both for whoever is inside the container. */
export function addRoutes({ app, db, settings, keeper }: RouteParts): void {
  app.get("/v1/performance", async (request, reply) => {
    // One bot's figures are not for another.
    if (!isLoopback(request.ip)) return reply.code(403).send({ error: "only from inside the container" });
    const bots = await Promise.all(settings.bots.map(async ({ name }) => ({ bot: name, kpis: await newestKpis(db, name), parity: (await newestParity(db, name)) ?? null })));
    return { bots, feeds: await readFeeds(db), nextParity: new Date(keeper.next) };
  });

  app.post("/v1/parity", async (request, reply) => {
    if (!isLoopback(request.ip)) return reply.code(403).send({ error: "only from inside the container" });
    const parsed = parityBody.safeParse(request.body ?? {});
    if (!parsed.success) return reply.code(400).send({ error: parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ") });
    const { bot, days } = parsed.data;
    const chosen = settings.bots.filter(({ name }) => bot === undefined || name === bot);
    if (chosen.length === 0) return reply.code(404).send({ error: `no bot "${bot}"; known: ${settings.bots.map(({ name }) => name).join(", ")}` });
    return { parities: await keeper.ask(chosen, days) };
  });
}
