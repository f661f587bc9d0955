import type { DecisionView, TradeView } from "../api";
import { create, replaceChildren } from "./dom";
import { minuteText, numberText, secondText, signedText } from "./format";

type Cell = readonly [text: string, className?: string];

function row(cells: readonly Cell[]): HTMLElement {
  const line = document.createElement("tr");
  line.append(...cells.map(([text, className]) => create("td", text, className)));
  return line;
}

function fill(table: HTMLElement, rows: HTMLElement[], columns: number, nothing: string): void {
  const body = table.querySelector("tbody")!;
  if (rows.length > 0) return replaceChildren(body, rows);
  const line = document.createElement("tr");
  const cell = create("td", nothing, "empty");
  cell.setAttribute("colspan", String(columns));
  line.append(cell);
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
