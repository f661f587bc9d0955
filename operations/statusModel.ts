import type { PromotionStanding } from "../config/promotionEvidence";
import { botService, stackNames } from "../config/names";
import type { DriftCheck } from "../control/driftRecord";
import type { HaltLevel } from "../control/levels";
import { thawCommandOf, type Freezes } from "../control/freezes";
import type { Freeze } from "../control/records";
import { rearmCommandOf, standingOf, type HaltsInForce } from "../control/standing";
import { wishFor, type DesiredState } from "../config/desiredState";
import { simulatedFills } from "../domain/simulatedFills";
import type { ContainerFact } from "./engine";
import { promotionStatus, type PromotionStatus } from "./promotion/status";
import type { PageBackup, PageBot, PageFeed, PageGuard, PageStatus } from "./page";
import type { DeclaredStack } from "./stack";

/** What the owner, or the program's rules, want of a container. */
export type Want = "running" | "stopped" | "halted" | "not promoted";

/** A halt that is in force. */
export interface HaltStatus {
  readonly incident: string;
  /** kill where the record cannot be read. */
  readonly level: HaltLevel;
  /** null is every bot. */
  readonly bot: string | null;
  /** ISO time; null where the record cannot be read. */
  readonly since: string | null;
  readonly who: string;
  readonly reason: string;
  /** The command that lifts it. */
  readonly rearm: string;
}

/** A freeze of deploys and promotions. */
export interface FreezeStatus {
  readonly incident: string;
  /** Null where the record cannot be read. */
  readonly since: string | null;
  readonly who: string;
  readonly reason: string;
  /** When it ends, or ended, by itself; null when it does not. */
  readonly until: string | null;
  /** False where its time is over. */
  readonly inForce: boolean;
  /** The command that lifts it. */
  readonly thaw: string;
}

export interface ServiceStatus {
  readonly service: string;
  readonly container: string;
  readonly want: Want;
  /** Docker's state, `absent` without a container, `unknown` when Docker does not answer. */
  readonly state: string;
  readonly health: string | undefined;
  readonly image: string | undefined;
  readonly uptimeSeconds: number | undefined;
  readonly restarts: number | undefined;
  /** Whether reality is what is wanted. */
  readonly ok: boolean;
  readonly note: string;
}

export interface StatusReport {
  readonly stack: string;
  readonly mode: string;
  /** One sentence about what stands behind the fills. */
  readonly fills: string;
  readonly healthy: boolean;
  /** One line each: what is not as it should be, and what to do. */
  readonly problems: readonly string[];
  /** Halts in force, oldest first. */
  readonly halts: readonly HaltStatus[];
  /** Freezes of deploys and promotions: those in force, then those whose time was over in the last days. */
  readonly freezes: readonly FreezeStatus[];
  /** Of a live stack; null of paper. */
  readonly promotion: PromotionStatus | null;
  readonly services: readonly ServiceStatus[];
  readonly page: { readonly address: string; readonly answers: boolean };
  /** What the page says about trust; null without it. */
  readonly trust: PageStatus["trust"] | null;
  readonly feeds: PageStatus["feeds"];
  readonly bots: PageStatus["bots"];
  /** What the guard does; null without it, or where the page does not say. */
  readonly guard: PageGuard | null;
  /** Null where nothing is backed up, or the page does not say. */
  readonly backup: PageBackup | null;
  /** One line each: what needs the owner without being a fault of now. */
  readonly warnings: readonly string[];
  /** When feeds and bots were read from the database, epoch milliseconds; null when never. */
  readonly readAt: number | null;
}

export interface StatusFacts {
  readonly declared: DeclaredStack;
  readonly wishes: DesiredState;
  readonly halts: HaltsInForce;
  readonly freezes: Freezes;
  readonly promotion: PromotionStanding;
  /** What the newest drift check noted; undefined where there was none. */
  readonly driftCheck: DriftCheck | undefined;
  readonly owner: string;
  /** undefined when Docker does not answer. */
  readonly containers: readonly ContainerFact[] | undefined;
  readonly engineProblem?: string;
  readonly page: PageStatus | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Everything `status` says, from facts alone. */
export function statusReport(facts: StatusFacts): StatusReport {
  const { declared, containers, now } = facts;
  const { stack, configuration } = declared;
  const services = declared.services.map((service) => serviceStatus(service, facts));
  const halts = haltsOf(stack, facts.halts);
  const problems = halts.map(haltProblem);
  if (facts.halts.problem !== null) problems.push(`whether trading is halted cannot be read (${facts.halts.problem}): exits only, and no bot is started`);
  if (facts.engineProblem !== undefined) problems.push(facts.engineProblem);
  // Another stack may have taken the port.
  const page = facts.page?.stack === stack ? facts.page : undefined;
  if (facts.page !== undefined && page === undefined) problems.push(`gui: ${pageAddress(declared)} is the page of stack ${facts.page.stack}`);

  if (containers !== undefined) {
    const present = services.filter((service) => service.state !== "absent");
    if (present.length === 0) {
      problems.push(`no container of stack ${stack} exists: npm run pulumi -- up --stack ${stack}`);
    } else {
      problems.push(...services.filter((service) => !service.ok).map((service) => `${service.service}: ${service.note}`));
    }
    const known = new Set(services.map((service) => service.container));
    const extra = containers.filter((container) => !known.has(container.name) && container.state === "running");
    problems.push(...extra.map((container) => `${container.name} runs and is not declared: npm run pulumi -- up --stack ${stack}`));
    if (facts.page === undefined && services.some((service) => service.service === "gui" && service.ok)) {
      problems.push(`gui: runs and its page at ${pageAddress(declared)} does not answer`);
    }
  }
  problems.push(...(page?.feeds ?? []).flatMap((feed) => feedProblem(feed, stack, now)));
  problems.push(...(page?.bots ?? []).flatMap(reconciliationProblem));
  problems.push(...guardProblems(page?.guard ?? null));
  problems.push(...backupProblems(page?.backup ?? null));
  if (page?.stale === true) problems.push(`gui: ${page.readAt === null ? "has not read the database yet" : "its values are old, the database does not answer it"}`);
  return {
    stack,
    mode: configuration.mode,
    fills: page?.fills ?? simulatedFills,
    healthy: problems.length === 0,
    problems,
    halts,
    freezes: freezesOf(stack, facts.freezes, now),
    promotion: promotionStatus(configuration.mode, facts.promotion),
    services,
    page: { address: pageAddress(declared), answers: page !== undefined },
    trust: page?.trust ?? null,
    feeds: page?.feeds ?? [],
    bots: page?.bots ?? [],
    guard: page?.guard ?? null,
    backup: page?.backup ?? null,
    warnings: [...driftWarnings(stack, facts.driftCheck), ...facts.promotion.warnings, ...(page?.backup?.alarms ?? []).filter(({ severity }) => severity === "warning").map(({ text }) => `backup: ${text}`)],
    readAt: page?.readAt ?? null,
  };
}

function haltsOf(stack: string, { halts, unreadable }: HaltsInForce): HaltStatus[] {
  const unread = unreadable.map((name): HaltStatus => {
    const incident = name.replace(/\.json$/, "");
    return { incident, level: "kill", bot: null, since: null, who: "not known", reason: "its record cannot be read, which counts as the worst", rearm: rearmCommandOf(stack, incident) };
  });
  const known = halts.map(({ id, level, bot, at, who, reason }): HaltStatus => ({ incident: id, level, bot, since: at, who, reason, rearm: rearmCommandOf(stack, id) }));
  return [...known.sort((one, other) => ((one.since ?? "") < (other.since ?? "") ? -1 : 1)), ...unread];
}

/** For how long status says that the time of a freeze was over. */
const RAN_OUT_MILLISECONDS = 3 * 86_400_000;

function freezesOf(stack: string, { entries, unreadable, ranOut }: Freezes, now: number): FreezeStatus[] {
  const view = ({ id, at, who, reason, until }: Freeze, inForce: boolean): FreezeStatus => ({ incident: id, since: at, who, reason, until, inForce, thaw: thawCommandOf(stack, id) });
  const unread = unreadable.map((name) => name.replace(/\.json$/, "")).map((incident): FreezeStatus => ({ incident, since: null, who: "not known", reason: "its record cannot be read", until: null, inForce: true, thaw: thawCommandOf(stack, incident) }));
  const over = ranOut.filter(({ until }) => until !== null && now - Date.parse(until) <= RAN_OUT_MILLISECONDS);
  return [...entries.map((freeze) => view(freeze, true)), ...unread, ...over.map((freeze) => view(freeze, false))];
}

/** A halt is an incident, and never how a stack should be: a bot that is to rest is stopped by wish. */
function haltProblem({ incident, level, bot }: HaltStatus): string {
  return `halted at level ${level} (${incident}), ${bot === null ? "every bot" : `bot ${bot}`}`;
}

function guardProblems(guard: PageGuard | null): string[] {
  if (guard === null) return [];
  const { problem, lease } = guard;
  const withheld = lease === null || lease.state === "GRANTED" ? [] : [`guard: withholds its lease${lease.reason === "" ? "" : ` (${lease.reason})`}: no entries`];
  return [...(problem === null ? [] : [`guard: does not answer (${problem}): no entries when its lease has run out`]), ...withheld];
}

function feedProblem({ symbol, state, reason, leaseUntil, measures }: PageFeed, stack: string, now: number): string[] {
  const unacknowledged = measures["unacknowledged"];
  if (state !== "HEALTHY") {
    const remedy = typeof unacknowledged === "string" ? `; when you have looked into it: npx trading acknowledge-feed --stack ${stack} --symbol ${symbol} --reason TEXT` : "";
    return [`feed ${symbol}: ${state}${reason === "" ? "" : ` (${reason})`}: no entries until it is HEALTHY again${remedy}`];
  }
  return leaseUntil === null || leaseUntil <= now ? [`feed ${symbol}: its lease has run out: no entries until it is renewed`] : [];
}

function backupProblems(backup: PageBackup | null): string[] {
  if (backup === null) return [];
  if (backup.problem !== null) return [`backup: the service does not answer (${backup.problem}): nothing is backed up now`];
  return backup.alarms.filter(({ severity }) => severity === "critical").map(({ text }) => `backup: ${text}`);
}

function driftWarnings(stack: string, check: DriftCheck | undefined): string[] {
  if (check === undefined || check.differences === 0) return [];
  return [`drift: ${check.differences} found at ${check.at}, first of them ${check.found[0] ?? "not known"}: npx trading drift --stack ${stack}`];
}

function reconciliationProblem({ name, reconciliation }: PageBot): string[] {
  const mismatch = reconciliation?.mismatch ?? null;
  return mismatch === null ? [] : [`broker: decisions, orders and fills of bot ${name} do not fit together: ${mismatch}`];
}

function pageAddress(declared: DeclaredStack): string {
  return `http://127.0.0.1:${declared.pagePort}`;
}

function want(service: string, { declared, wishes, halts, promotion }: StatusFacts): Want {
  const bot = declared.configuration.bots.find((entry) => botService(entry.name) === service);
  if (bot === undefined) return "running";
  if (wishFor(wishes, bot.name) === "stopped") return "stopped";
  if (standingOf(halts, bot.name).level === "kill") return "halted";
  return promotion.mayRun ? "running" : "not promoted";
}

function serviceStatus(service: string, facts: StatusFacts): ServiceStatus {
  const { stack } = facts.declared;
  const name = stackNames(stack).container(service);
  const wanted = want(service, facts);
  const nothing = { health: undefined, image: undefined, uptimeSeconds: undefined, restarts: undefined };
  if (facts.containers === undefined) {
    return { service, container: name, want: wanted, state: "unknown", ...nothing, ok: false, note: "Docker does not answer" };
  }
  const fact = facts.containers.find((container) => container.name === name);
  if (fact === undefined) {
    const note = `has no container: npm run pulumi -- up --refresh --stack ${stack}`;
    return { service, container: name, want: wanted, state: "absent", ...nothing, ok: false, note };
  }
  const running = fact.state === "running";
  return {
    service,
    container: name,
    want: wanted,
    state: fact.state,
    health: fact.health,
    image: fact.imageId,
    uptimeSeconds: running && fact.startedAt !== undefined ? Math.max(0, (facts.now - fact.startedAt) / 1000) : undefined,
    restarts: fact.restarts,
    ...judge(fact, wanted, facts),
  };
}

const QUIET: Readonly<Record<Exclude<Want, "running">, string>> = { stopped: "stopped by wish", halted: "stopped by a halt", "not promoted": "not started: no promotion" };

function isUp({ state }: ContainerFact): boolean {
  return state === "running" || state === "restarting";
}

function judge(fact: ContainerFact, wanted: Want, { owner, declared: { stack } }: StatusFacts): { ok: boolean; note: string } {
  if (fact.owner !== owner) return { ok: false, note: "belongs to another clone" };
  const bot = fact.service.replace(/^bot-/, "");
  if (wanted !== "running") {
    if (wanted === "halted" && isUp(fact)) return { ok: false, note: `runs although it is halted, and none of its orders leaves: docker stop ${fact.name}` };
    const wish = wanted === "stopped" ? "is wished stopped" : "has no promotion";
    if (isUp(fact)) return { ok: false, note: `runs and ${wish}: npx trading stop bot ${bot} --stack ${stack}` };
    return { ok: true, note: QUIET[wanted] };
  }
  if (fact.state !== "running") {
    const remedy = fact.service.startsWith("bot-") ? `npx trading start bot ${bot} --stack ${stack}` : `npm run pulumi -- up --refresh --stack ${stack}`;
    const ended = fact.state === "exited" ? ` with exit code ${fact.exitCode}` : "";
    return { ok: false, note: `${fact.state}${ended}: ${remedy}` };
  }
  if (fact.health === "unhealthy") return { ok: false, note: `unhealthy: docker logs --tail 50 ${fact.name}` };
  if (fact.health === "starting") return { ok: false, note: "is starting: not healthy yet" };
  return { ok: true, note: "" };
}
