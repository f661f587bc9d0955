import type { AlertsView, BackupView, BotView, FeedView, GuardView, HaltsView, RejectionView, SourceView, TrustLevel, TrustView } from "./api";
import { durationText, secondText } from "./page/format";

export interface TrustInput {
  now: number;
  stale: boolean;
  readAt: number | null;
  sources: readonly SourceView[];
  feeds: readonly FeedView[];
  bots: readonly BotView[];
  strangers: readonly RejectionView[];
  backup: BackupView | null;
  halts: HaltsView;
  guard: GuardView | null;
  alerts: AlertsView;
  /** Of the stack's configuration. */
  notices?: readonly string[];
}

/** A running bot that owes a decision for longer than this makes no progress. */
export const progressMilliseconds = 60_000;

/** A request that was refused less long ago speaks against trust. */
export const rejectionMilliseconds = 600_000;
/** The broker reads the halts several times a second: one that it does not hold to after this long it has not read. */
export const heldMilliseconds = 5000;
/** A feed that was DEGRADED or DOWN for a larger share of the last 24 hours was not steady. */
export const impairedShare = 0.005;

interface Finding {
  level: Exclude<TrustLevel, "yes">;
  text: string;
}

const titles: Record<TrustLevel, string> = {
  yes: "Yes: feed, broker and bots work",
  care: "With care",
  no: "No",
};

/** Collects everything that stands against trusting the stack now; without any the answer is yes. */
export function trust(input: TrustInput): TrustView {
  const found = [...haltFindings(input.halts, input.sources), ...input.sources.flatMap((source) => sourceFindings(source, input.readAt))];
  // What the database said before it was lost is no finding about now.
  if (!input.stale) {
    found.push(...input.feeds.flatMap(feedFindings));
    found.push(...input.bots.flatMap((bot) => [...botFindings(bot, input.now), ...brokerFindings(bot, input.now), ...parityFindings(bot)]));
    found.push(...leaseFindings(input.guard));
    found.push(...rejectionFindings("A request without a valid token", input.strangers, input.now));
  }
  found.push(...backupFindings(input.backup), ...alertFindings(input.alerts));
  found.push(...(input.notices ?? []).map((text): Finding => ({ level: "care", text })));
  const level: TrustLevel = found.some((finding) => finding.level === "no") ? "no" : found.length > 0 ? "care" : "yes";
  const reasons = [...found.filter((finding) => finding.level === "no"), ...found.filter((finding) => finding.level === "care")];
  return { level, title: titles[level], reasons: reasons.map((finding) => finding.text) };
}

function haltFindings({ problem, inForce, now }: HaltsView, sources: readonly SourceView[]): Finding[] {
  if (problem !== null) return [{ level: "no", text: `Whether trading is halted cannot be read (${problem}): the broker lets out exits only, and no bot is started` }];
  const broker = sources.find(({ name }) => name === "broker");
  return inForce.flatMap(({ id, bot, level, since, reason, held }): Finding[] => {
    const when = since === null ? "" : ` since ${secondText(since)}`;
    const halted: Finding = { level: level === "pause" ? "care" : "no", text: `${bot === null ? "Every bot" : `Bot ${bot}`} is halted at level ${level}${when} (${id}): ${reason}` };
    // A broker that is away lets nothing out, and comes back halted.
    const late = !held && broker?.state !== "down" && now - (since ?? 0) > heldMilliseconds;
    return late ? [halted, { level: "no", text: `The broker has not said that it holds to ${id}: an order may leave all the same` }] : [halted];
  });
}

/** Without the guard's lease the broker lets no entry in. */
function leaseFindings(guard: GuardView | null): Finding[] {
  if (guard === null) return [];
  const { lease } = guard;
  if (lease === null) return [{ level: "care", text: "The guard has not given a lease yet: entries are blocked" }];
  if (lease.state === "WITHHELD") return [{ level: "care", text: `The guard withholds its lease: entries are blocked: ${lease.reason}` }];
  return lease.left === 0 ? [{ level: "care", text: "The guard's lease has run out: entries are blocked" }] : [];
}

/** The backup's own are findings already, and so is a halt. */
function alertFindings({ active }: AlertsView): Finding[] {
  const [newest, ...others] = active.filter(({ sender, severity, acknowledged, key }) => sender === "guard" && severity === "critical" && !acknowledged && !key.startsWith("guard.halt."));
  if (newest === undefined) return [];
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  return [{ level: "care", text: `The guard raised an alert that nobody has acknowledged: ${newest.text}${more}` }];
}

/** What is critical about the backups; warnings, such as that there is no second copy, are on their own card. */
function backupFindings(backup: BackupView | null): Finding[] {
  if (backup === null) return [];
  if (backup.problem !== null) return [{ level: "care", text: `The backup service does not answer (${backup.problem}): nothing is backed up now` }];
  return backup.alarms.filter(({ severity }) => severity === "critical").map(({ text }) => ({ level: "care", text: `Backup: ${text}` }));
}

const consequences: Record<SourceView["name"], string> = {
  database: "the values below are the last ones read",
  broker: "orders and protective stops are not worked",
  livefeed: "no new candles arrive, and entries are blocked when its lease ends",
  guard: "no rule is watched, and entries are blocked when its lease ends",
};

function sourceFindings(source: SourceView, readAt: number | null): Finding[] {
  if (source.state === "up") return [];
  if (source.state === "notReady") return [{ level: "care", text: `The ${source.name} is not ready: ${source.reason}` }];
  const consequence = source.name === "database" && readAt === null ? "nothing could be read yet" : consequences[source.name];
  return [{ level: "no", text: `The ${source.name} does not answer (${source.reason}): ${consequence}` }];
}

function feedFindings(feed: FeedView): Finding[] {
  const market = `${feed.symbol} ${feed.interval}`;
  if (feed.state === "DOWN") return [{ level: "no", text: `The feed ${market} is DOWN: ${feed.reason}` }];
  if (feed.state === "UNKNOWN") return [{ level: "care", text: `The feed ${market} is unknown: ${feed.reason}` }];
  if (feed.state === "DEGRADED") return [{ level: "care", text: `The feed ${market} is DEGRADED: ${feed.reason}` }];
  const findings: Finding[] = [];
  if (feed.leaseLeft === 0) findings.push({ level: "care", text: `The feed ${market} has no valid lease: entries are blocked` });
  for (const { hours, impaired } of feed.health.slice(0, 1)) {
    if (impaired <= impairedShare * hours * 3_600_000) continue;
    findings.push({ level: "care", text: `The feed ${market} was DEGRADED or DOWN for ${durationText(impaired)} of the last ${hours} h: more than ${impairedShare * 100} %` });
  }
  return findings;
}

function brokerFindings(bot: BotView, now: number): Finding[] {
  const mismatch = bot.reconciliation?.mismatch ?? null;
  const refused = rejectionFindings(`An intent of bot ${bot.name}`, bot.rejections, now);
  return mismatch === null ? refused : [{ level: "no", text: `Bot ${bot.name}: decisions, orders and fills do not fit together: ${mismatch}` }, ...refused];
}

function parityFindings({ name, frozen }: BotView): Finding[] {
  return frozen === null ? [] : [{ level: "care", text: `Bot ${name} did not do what a replay of its candles does: ${frozen}` }];
}

/** One finding however many kinds there are: the newest one, and how many else. */
function rejectionFindings(what: string, rejections: readonly RejectionView[], now: number): Finding[] {
  const [newest, ...others] = rejections.filter(({ lastAt }) => now - lastAt < rejectionMilliseconds);
  if (newest === undefined) return [];
  const more = others.length === 0 ? "" : `, and ${others.length} other ${others.length === 1 ? "kind" : "kinds"}`;
  return [{ level: "care", text: `${what} was refused ${durationText(now - newest.lastAt)} ago: ${newest.kind}${more}` }];
}

function botFindings(bot: BotView, now: number): Finding[] {
  if (!bot.running) {
    const stop = bot.position?.stopPrice;
    if (bot.position === null) return [{ level: "care", text: `Bot ${bot.name} is not running` }];
    return [{ level: "care", text: `Bot ${bot.name} is not running; its open position is left to the broker's stop${stop === null || stop === undefined ? "" : ` at ${stop}`}` }];
  }
  if (!bot.registered) return [{ level: "care", text: `Bot ${bot.name} runs but has no account yet` }];
  const decision = bot.lastDecision;
  if (decision === null) return [{ level: "care", text: `Bot ${bot.name} has not decided yet` }];
  const findings: Finding[] = [];
  if (bot.behind > 0 && now - decision.decidedAt > progressMilliseconds) {
    findings.push({ level: "no", text: `Bot ${bot.name} runs but makes no progress: ${bot.behind} ${bot.behind === 1 ? "candle waits" : "candles wait"} for a decision` });
  }
  if (decision.late) findings.push({ level: "care", text: `Bot ${bot.name} decided too late: the broker had passed the bar` });
  return findings;
}
