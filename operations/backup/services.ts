import { stackNames } from "../../config/names";
import { promotionStanding } from "../../config/promotionEvidence";
import { followWish } from "../botState";
import type { Context } from "../context";
import type { ContainerFact, Engine } from "../engine";
import { failure } from "../errors";
import { owner, type DeclaredStack } from "../stack";
import { botServices } from "./restoreHost";
import { startOrder } from "./restoreParts";

/** Seconds a service has to finish when its container says nothing else. */
const DEFAULT_GRACE_SECONDS = 30;
const HEALTH_SECONDS = 180;
const POLL_MILLISECONDS = 500;

/** Containers of a stack as the restore stops and starts them; all of them this clone's. */
export class Services {
  constructor(
    private readonly context: Context,
    private readonly engine: Engine,
    private readonly declared: DeclaredStack,
  ) {}

  /** Containers of these services that exist, in the order asked for. */
  async existing(services: readonly string[]): Promise<ContainerFact[]> {
    const names = stackNames(this.declared.stack);
    const mine = owner(this.context.root);
    const found: ContainerFact[] = [];
    for (const service of services) {
      const container = await this.engine.container(names.container(service));
      if (container === undefined) continue;
      if (container.owner !== mine) throw failure(`container ${container.name} belongs to another clone of this project and was left as it is`);
      found.push(container);
    }
    return found;
  }

  /** Stops what runs of these: bots first, who may still say what they did, and the database last. */
  async stop(services: readonly string[]): Promise<void> {
    const bots = new Set(botServices(this.declared));
    const waves = [services.filter((service) => bots.has(service)), services.filter((service) => !bots.has(service) && service !== "timescaledb"), services.filter((service) => service === "timescaledb")];
    for (const wave of waves) {
      const running = (await this.existing(wave)).filter(({ state }) => ["running", "restarting", "paused"].includes(state));
      await Promise.all(running.map(({ id, stopTimeout }) => this.engine.stop(id, stopTimeout ?? DEFAULT_GRACE_SECONDS)));
    }
  }

  /** Starts these, bots as they are wished and not halted, and waits until all that run are healthy. */
  async start(services: readonly string[]): Promise<void> {
    const bots = new Set(botServices(this.declared));
    const started: string[] = [];
    for (const service of startOrder(services)) {
      if (bots.has(service)) {
        const bot = service.replace(/^bot-/, "");
        if (!promotionStanding(this.context.root, this.declared.stack, this.declared.configuration).mayRun) continue;
        const { wish, hold, container } = await followWish(this.context, this.engine, this.declared.stack, bot);
        if (wish === "running" && hold === null && container !== undefined) started.push(service);
        continue;
      }
      for (const container of await this.existing([service])) {
        if (container.state !== "running") await this.engine.start(container.id);
        started.push(service);
      }
      // Everything else needs the database.
      if (service === "timescaledb") await this.waitUntilHealthy([service]);
    }
    await this.waitUntilHealthy(started);
  }

  /** @throws {CommandError} naming those that are not, with the last lines of the log of the first */
  async waitUntilHealthy(services: readonly string[]): Promise<void> {
    const deadline = this.context.now() + HEALTH_SECONDS * 1000;
    for (;;) {
      const containers = await Promise.all((await this.existing(services)).map((container) => this.engine.checked(container)));
      const waiting = containers.filter(({ state, health }) => state !== "running" || health === "starting" || health === "unhealthy");
      if (waiting.length === 0) return;
      const ended = waiting.find(({ state }) => state === "exited" || state === "dead");
      if (ended !== undefined || this.context.now() > deadline) {
        const worst = ended ?? waiting[0]!;
        const log = (await this.engine.log(worst.id, 5)).trimEnd();
        const how = ended === undefined ? `is ${worst.health ?? worst.state} after ${HEALTH_SECONDS} s` : `ended with exit code ${ended.exitCode}`;
        throw failure(`${worst.service} ${how}${log === "" ? "" : `; last lines of its log:\n${log}`}`);
      }
      await this.context.wait(POLL_MILLISECONDS);
    }
  }

  /** Names of the bots that run. */
  async runningBots(): Promise<string[]> {
    return (await this.existing(botServices(this.declared))).filter(({ state }) => state === "running").map(({ service }) => service.replace(/^bot-/, ""));
  }
}
