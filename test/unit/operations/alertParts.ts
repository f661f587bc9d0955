import Fastify from "fastify";
import type { Execution } from "../../../operations/engine";
import type { AlertChannelState, Tried } from "../../../services/shared/alerts/AlertChannel";
import { addAlertRoutes } from "../../../services/shared/alerts/routes";
import { container, FakeEngine, NOW } from "./support";

const hour = 3_600_000;

export const well: AlertChannelState = {
  ...{ configured: true, active: [], undelivered: 0, oldestUndeliveredAt: null, lastDeliveredAt: NOW - hour, lastProblem: null, fileProblem: null, dropped: 0 },
  ...{ heartbeatConfigured: true, lastHeartbeatAt: NOW - 60_000, lastHeartbeatProblem: null, critical: null },
};

export const arrived: Tried[] = (["warning raised", "critical raised", "resolved", "heartbeat"] as const).map((what) => ({ what, configured: true, arrived: true, answer: "HTTP 200", milliseconds: 12 }));

/** The parts with the routes that they really have, on channels that are made up. */
export class Parts extends FakeEngine {
  states: Record<string, AlertChannelState> = { guard: well, backup: well };
  tried: Record<string, Tried[]> = { guard: arrived, backup: arrived };

  constructor() {
    super(["guard", "backup"].map((service) => container(service)));
  }

  override async execute(id: string, command: readonly string[]): Promise<Execution> {
    await super.execute(id, command);
    const part = id.replace(/^id-/, "");
    if (this.execution.exitCode !== 0) return this.execution;
    const app = Fastify();
    addAlertRoutes(app, { state: () => this.states[part]!, tryOut: async () => this.tried[part]! });
    const response = await app.inject({ method: command[command.indexOf("--request") + 1] as "GET" | "POST", url: new URL(command.at(-1)!).pathname });
    await app.close();
    return { exitCode: 0, output: `${response.body}\n${response.statusCode}` };
  }
}
