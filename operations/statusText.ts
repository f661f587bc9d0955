import Table from "cli-table3";
import { decimals, duration, NONE, shortImage, time } from "./format";
import { promotionLines } from "./promotion/status";
import type { PageBackup, PageBot, PageFeed, PageGuard } from "./page";
import type { FreezeStatus, HaltStatus, ServiceStatus, StatusReport } from "./statusModel";

/** A table without colours: it is read by people, in logs and in files alike. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

function serviceRow(service: ServiceStatus): string[] {
  return [
    service.service,
    service.want,
    service.state,
    service.health ?? NONE,
    service.image === undefined ? NONE : shortImage(service.image),
    service.uptimeSeconds === undefined ? NONE : duration(service.uptimeSeconds),
    service.restarts === undefined ? NONE : String(service.restarts),
    service.ok ? "yes" : "NO",
  ];
}

function haltLines({ level, bot, since, who, reason, rearm }: HaltStatus): string[] {
  const when = since === null ? "" : ` since ${time(Date.parse(since))}`;
  return [`Halt      ${level}, ${bot === null ? "every bot" : `bot ${bot}`},${when} by ${who}: ${reason.replace(/\s*\n\s*/g, "; ")}`, `          to lift it: ${rearm}`];
}

function freezeLine({ incident, since, who, reason, until, inForce, thaw }: FreezeStatus): string {
  const because = reason.replace(/\s*\n\s*/g, "; ");
  const end = until === null ? null : time(Date.parse(until));
  if (!inForce) return `Thawed    deploys and promotions, frozen by ${who} until ${end} (${incident}): ${because}`;
  return `Frozen    deploys and promotions${since === null ? "" : ` since ${time(Date.parse(since))} by ${who}`}${end === null ? "" : ` until ${end}`} (${incident}): ${because}; to lift it: ${thaw}`;
}

function guardLines(guard: PageGuard | null, now: number): string[] {
  if (guard === null) return [];
  const { lease } = guard;
  if (lease === null) return ["Guard     has not granted anything yet"];
  if (lease.state !== "GRANTED") return [`Guard     withholds its lease${lease.reason === "" ? "" : `: ${lease.reason}`}`];
  const left = lease.until === null ? 0 : (lease.until - now) / 1000;
  return [`Guard     grants entries, ${left > 0 ? `lease for ${duration(left)}` : "but its lease has run out"}`];
}

function feedLines({ symbol, interval, state, reason, lastCandle, leaseUntil, since, findings }: PageFeed, now: number): string[] {
  const lease = leaseUntil === null ? "no lease" : leaseUntil > now ? `lease for ${duration((leaseUntil - now) / 1000)}` : "lease run out";
  const age = since === null ? "" : ` for ${duration((now - since) / 1000)}`;
  const found = findings.map(({ kind, severity, count }) => `${count} x ${kind}${severity === "note" ? "" : ` (${severity})`}`);
  return [
    `Feed      ${symbol} ${interval}: ${state}${age}${reason === "" ? "" : ` (${reason})`}, last candle ${time(lastCandle)}, ${lease}`,
    `          found in the last hour: ${found.length === 0 ? "nothing" : found.join(", ")}`,
  ];
}

/** What a bot has open, for example `position 0.01 bought at 42000.00, protective stop 41000.00`. */
export function positionText({ position }: Pick<PageBot, "position">): string {
  if (position === null) return "no position";
  const stop = position.stopPrice === null ? "no protective stop" : `protective stop ${decimals(position.stopPrice, 2)}`;
  return `position ${position.quantity} bought at ${decimals(position.entryPrice, 2)}, ${stop}`;
}

function botLines(bot: PageBot): string[] {
  const decision = bot.lastDecision;
  const refused = bot.rejections.reduce((sum, { count }) => sum + count, 0);
  return [
    `Bot       ${bot.name}: equity ${decimals(bot.equity, 2)}, cash ${decimals(bot.cash, 2)}, ${positionText(bot)}`,
    `          last decision ${decision === null ? NONE : `${time(decision.bar)} ${decision.action}: ${decision.reason}`}`,
    `          ${reconciliationText(bot)}, ${refused} refused by the broker`,
  ];
}

function reconciliationText({ reconciliation }: PageBot): string {
  if (reconciliation === null) return "intents and orders not counted yet";
  const { intended, sent, mismatch } = reconciliation;
  return `${intended} intended, ${sent} sent: ${mismatch ?? "all of it fits together"}`;
}

function backupLines(backup: PageBackup | null, now: number): string[] {
  if (backup === null) return ["Backup    nothing of this stack is backed up"];
  if (backup.readAt === null) return ["Backup    not known: its service does not answer"];
  const { newestPoint, restorable, proof, secondCopy } = backup;
  const ago = (at: number) => `${duration((now - at) / 1000)} ago`;
  const second = secondCopy === null || secondCopy.kind === "none" ? "no second copy" : secondCopy.lastGood === null ? "second copy not made yet" : `second copy ${ago(secondCopy.lastGood)}`;
  return [
    `Backup    ${newestPoint === null ? "no good recovery point yet" : `newest point ${newestPoint.id}, ${ago(newestPoint.at)}`}${restorable === null ? "" : `; any second from ${time(restorable.from)} to ${time(restorable.to)}`}`,
    `          ${proof === null ? "never proved by a restore test" : `proved by a restore test ${ago(proof.at)} (${proof.point}, ${proof.from} copy)`}, ${second}`,
  ];
}

function pageLines(report: StatusReport, now: number): string[] {
  const page = `Page      ${report.page.address}`;
  if (!report.page.answers) return [`${page} does not answer: feed, account and last decision are not known`];
  return [
    ...report.feeds.flatMap((feed) => feedLines(feed, now)),
    ...report.bots.flatMap(botLines),
    ...guardLines(report.guard, now),
    ...backupLines(report.backup, now),
    ...(report.trust === null ? [] : [`Trust     ${report.trust.level}: ${[report.trust.title, ...report.trust.reasons].join("; ")}`]),
    `${page}, read ${report.readAt === null ? "never" : `${duration((now - report.readAt) / 1000)} ago`}`,
  ];
}

/** What `status` prints. */
export function statusText(report: StatusReport, now: number): string {
  const lines = [
    `Stack     ${report.stack} (${report.mode}): ${report.healthy ? "healthy" : "NOT HEALTHY"}`,
    `          ${report.fills}`,
    ...report.halts.flatMap(haltLines),
    ...report.freezes.map(freezeLine),
    ...promotionLines(report.promotion, now),
    plainTable(["service", "wish", "state", "health", "image", "up", "restarts", "ok"], report.services.map(serviceRow)),
    ...pageLines(report, now),
    ...report.problems.map((problem) => `Problem   ${problem}`),
    ...report.warnings.map((warning) => `Warning   ${warning}`),
  ];
  return `${lines.join("\n")}\n`;
}
