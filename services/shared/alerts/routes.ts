import type { FastifyInstance } from "fastify";
import { isLoopback } from "../loopback";
import type { AlertChannel, AlertChannelState } from "./AlertChannel";

const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());

/** What `GET /v1/alerts` answers: how the channel stands, with times in ISO, in UTC. */
function answerOf({ active, oldestUndeliveredAt, lastDeliveredAt, lastHeartbeatAt, critical, ...rest }: AlertChannelState): object {
  return {
    format: 1,
    active: active.map(({ since, toldAt, ...alert }) => ({ ...alert, since: iso(since), toldAt: iso(toldAt) })),
    ...{ oldestUndeliveredAt: iso(oldestUndeliveredAt), lastDeliveredAt: iso(lastDeliveredAt), lastHeartbeatAt: iso(lastHeartbeatAt), ...rest },
    critical: critical && { ...critical, knownSince: iso(critical.knownSince), lastAt: iso(critical.lastAt) },
  };
}

/** `GET /v1/alerts`, and `POST /v1/alerts/test` for whoever is inside the container: `npx trading alerts` asks for both. */
export function addAlertRoutes(app: FastifyInstance, channel: Pick<AlertChannel, "state" | "tryOut">): void {
  app.get("/v1/alerts", () => answerOf(channel.state()));

  app.post("/v1/alerts/test", async (request, reply) => {
    if (!isLoopback(request.ip)) return reply.code(403).send({ error: "only from inside the container" });
    return { tried: await channel.tryOut() };
  });
}
