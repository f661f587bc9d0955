import Table from "cli-table3";
import { decimals, duration, NONE, shortImage, time } from "./format";
import type { PageBot, PageFeed } from "./page";
import type { ServiceStatus, StatusReport } from "./statusModel";

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

function feedLine({ symbol, interval, state, reason, lastCandle, leaseUntil }: PageFeed, now: number): string {
  const lease = leaseUntil === null ? "no lease" : leaseUntil > now ? `lease for ${duration((leaseUntil - now) / 1000)}` : "lease run out";
  return `Feed      ${symbol} ${interval}: ${state}${reason === "" ? "" : ` (${reason})`}, last candle ${time(lastCandle)}, ${lease}`;
}

/** What a bot has open, for example `position 0.01 bought at 42000.00, protective stop 41000.00`. */
export function positionText({ position }: PageBot): string {
  if (position === null) return "no position";
  const stop = position.stopPrice === null ? "no protective stop" : `protective stop ${decimals(position.stopPrice, 2)}`;
  return `position ${position.quantity} bought at ${decimals(position.entryPrice, 2)}, ${stop}`;
}

function botLines(bot: PageBot): string[] {
  const decision = bot.lastDecision;
  return [
    `Bot       ${bot.name}: equity ${decimals(bot.equity, 2)}, cash ${decimals(bot.cash, 2)}, ${positionText(bot)}`,
    `          last decision ${decision === null ? NONE : `${time(decision.bar)} ${decision.action}: ${decision.reason}`}`,
  ];
}

function pageLines(report: StatusReport, now: number): string[] {
  const page = `Page      ${report.page.address}`;
  if (!report.page.answers) return [`${page} does not answer: feed, account and last decision are not known`];
  return [
    ...report.feeds.map((feed) => feedLine(feed, now)),
    ...report.bots.flatMap(botLines),
    ...(report.trust === null ? [] : [`Trust     ${report.trust.level}: ${[report.trust.title, ...report.trust.reasons].join("; ")}`]),
    `${page}, read ${report.readAt === null ? "never" : `${duration((now - report.readAt) / 1000)} ago`}`,
  ];
}

/** What `status` prints. */
export function statusText(report: StatusReport, now: number): string {
  const lines = [
    `Stack     ${report.stack} (${report.mode}): ${report.healthy ? "healthy" : "NOT HEALTHY"}`,
    plainTable(["service", "wish", "state", "health", "image", "up", "restarts", "ok"], report.services.map(serviceRow)),
    ...pageLines(report, now),
    ...report.problems.map((problem) => `Problem   ${problem}`),
  ];
  return `${lines.join("\n")}\n`;
}
