import type { AlertView, DecisionView, FindingView, GuardActionView, LimitView, RejectionView, RuleView, TradeView } from "../api";
import { acknowledgeText } from "./alerts";
import { commandLine, create, replaceChildren } from "./dom";
import { findingText } from "./feed";
import { actionText, foundTexts, numbersText } from "./guard";
import { durationText, minuteText, numberText, secondText, signedText } from "./format";

type Cell = readonly [content: string | HTMLElement, className?: string];

function row(cells: readonly Cell[]): HTMLElement {
  const line = document.createElement("tr");
  line.append(...cells.map(([content, className]) => cell(content, className)));
  return line;
}

function cell(content: string | HTMLElement, className?: string): HTMLElement {
  if (typeof content === "string") return create("td", content, className);
  const made = create("td", "", className);
  made.append(content);
  return made;
}

function fill(table: HTMLElement, rows: HTMLElement[], columns: number, nothing: string): void {
  const body = table.querySelector("tbody")!;
  if (rows.length > 0) return replaceChildren(body, rows);
  const line = document.createElement("tr");
  const empty = create("td", nothing, "empty");
  empty.setAttribute("colspan", String(columns));
  line.append(empty);
  replaceChildren(body, [line]);
}

export function showDecisions(table: HTMLElement, decisions: readonly DecisionView[]): void {
  const rows = decisions.map((decision) =>
    row([
      [minuteText(decision.bar)],
      [decision.late ? `${decision.action} (late)` : decision.action],
      [decision.reason, "text"],
      [numberText(decision.indicators["emaFast"]), "number"],
      [numberText(decision.indicators["emaSlow"]), "number"],
      [numberText(decision.indicators["atr"]), "number"],
      [secondText(decision.decidedAt)],
    ]),
  );
  fill(table, rows, 7, "No decision yet");
}

export function showTrades(table: HTMLElement, trades: readonly TradeView[]): void {
  const rows = trades.map((trade) =>
    row([
      [minuteText(trade.entryBar)],
      [minuteText(trade.exitBar)],
      [numberText(trade.quantity, 5), "number"],
      [numberText(trade.entryPrice), "number"],
      [numberText(trade.exitPrice), "number"],
      [numberText(trade.fees), "number"],
      [signedText(trade.profit), `number ${trade.profit > 0 ? "gain" : "loss"}`],
      [trade.exitReason],
    ]),
  );
  fill(table, rows, 8, "No closed trade yet");
}

const severityTones: Record<FindingView["severity"], string> = { note: "", DEGRADED: "warning", DOWN: "bad" };

export function showFindings(table: HTMLElement, findings: readonly FindingView[]): void {
  const rows = findings.map(({ at, openTime, kind, severity, ...why }) =>
    row([[secondText(at)], [minuteText(openTime)], [kind], [severity, severityTones[severity]], [findingText(why), "text"]]),
  );
  fill(table, rows, 5, "Nothing found");
}

/** @param strangers requests without a valid token, which are no bot's */
export function showRejections(table: HTMLElement, bot: string, rejections: readonly RejectionView[], strangers: readonly RejectionView[]): void {
  const named = [...rejections.map((rejection) => ({ by: bot, ...rejection })), ...strangers.map((rejection) => ({ by: "unknown", ...rejection }))];
  const rows = named.map(({ by, kind, count, lastAt, lastReason }) => row([[secondText(lastAt)], [by], [kind], [numberText(count, 0), "number"], [lastReason, "text"]]));
  fill(table, rows, 5, "Nothing refused");
}

export function showRules(table: HTMLElement, rules: readonly RuleView[]): void {
  const rows = rules.map((rule) => row([[rule.rule], [rule.acts, "text"], [ruleCell(rule), "text"]]));
  fill(table, rows, 3, "Not known");
}

function ruleCell(rule: RuleView): HTMLElement {
  const made = create("div", "");
  const broken = rule.found.length > 0;
  made.append(...foundTexts(rule).map((text) => create("p", text, broken ? "bad" : "good")), ...(broken ? [create("p", rule.runbook, "muted")] : []));
  return made;
}

export function showGuardActions(table: HTMLElement, actions: readonly GuardActionView[]): void {
  const rows = actions.map((action) =>
    row([
      [secondText(action.at)],
      [action.rule],
      [action.bot ?? "all"],
      [actionText(action)],
      [[action.reason, numbersText(action.numbers)].filter(Boolean).join(": "), "text"],
      [action.runbook],
    ]),
  );
  fill(table, rows, 6, "Nothing yet");
}

export function showAlerts(table: HTMLElement, alerts: readonly AlertView[], stack: string): void {
  const rows = alerts.map((alert) => row([[alert.severity, alert.severity === "critical" ? "bad" : "warning"], [secondText(alert.since)], [alertCell(alert, stack), "text"]]));
  fill(table, rows, 3, "No alert is raised");
}

function alertCell(alert: AlertView, stack: string): HTMLElement {
  const made = create("div", "");
  const how = acknowledgeText(alert, stack);
  made.append(create("p", alert.text), create("p", `${alert.sender}; ${alert.runbook}`, "muted"), alert.acknowledged ? create("p", how, "muted") : commandLine(how));
  return made;
}

const limitDecimals: Record<Exclude<LimitView["unit"], "seconds">, number> = { base: 5, quote: 2, orders: 0 };

function limitText(value: number | null, unit: LimitView["unit"]): string {
  if (unit !== "seconds") return numberText(value, limitDecimals[unit]);
  return value === null ? numberText(null) : durationText(value * 1000);
}

export function showLimits(table: HTMLElement, limits: readonly LimitView[]): void {
  const rows = limits.map(({ name, used, allowed, bound, unit }) => {
    const word = bound === "most" ? "at most" : "at least";
    return row([[name], [limitText(used, unit), "number"], [`${word} ${limitText(allowed, unit)}`, "number"], [bound === "most" && used !== null ? share(name, used, allowed) : ""]]);
  });
  fill(table, rows, 4, "Not known");
}

function share(name: string, used: number, allowed: number): HTMLElement {
  const meter = document.createElement("meter");
  meter.max = allowed;
  meter.high = allowed * 0.8;
  meter.optimum = 0;
  meter.value = used;
  meter.textContent = `${Math.round((used / allowed) * 100)} %`;
  meter.setAttribute("aria-label", `${name}: ${meter.textContent} used`);
  return meter;
}
