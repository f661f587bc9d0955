import type { Selectable } from "kysely";
import { botLimitsAt } from "../../domain/canary";
import type { RejectionsTable } from "../shared/schema";
import type { LimitView, ReconciliationView, RejectionView } from "./api";
import type { BotRows } from "./rows";
import type { BotSettings } from "./settings";

/** The bot's limits with what is used of them; market time is the account's. @param fraction part of the limits of size that there is now */
export function limitsOf({ limits: configured }: BotSettings, rows: BotRows | undefined, fraction: number): LimitView[] {
  if (configured === undefined) return [];
  const limits = botLimitsAt(configured, fraction);
  const entry = rows?.broker.lastEntry;
  const quantity = rows?.account?.quantity ?? null;
  const close = rows?.lastCandle?.close ?? null;
  const processedBar = rows?.account?.processedBar ?? null;
  const sinceEntry = entry === undefined || processedBar === null ? null : (processedBar.getTime() - entry.bar.getTime()) / 1000;
  return [
    { name: "Last entry", used: entry?.quantity ?? null, allowed: limits.orderQuantity, bound: "most", unit: "base" },
    { name: "Last entry's value", used: product(entry?.quantity, entry?.referencePrice), allowed: limits.orderNotional, bound: "most", unit: "quote" },
    { name: "Position", used: quantity, allowed: limits.positionQuantity, bound: "most", unit: "base" },
    { name: "Position's value", used: product(quantity, close), allowed: limits.positionNotional, bound: "most", unit: "quote" },
    { name: "Orders in an hour", used: rows?.broker.orders.hour ?? null, allowed: limits.ordersPerHour, bound: "most", unit: "orders" },
    { name: "Orders in a day", used: rows?.broker.orders.day ?? null, allowed: limits.ordersPerDay, bound: "most", unit: "orders" },
    { name: "Time since the last entry", used: sinceEntry, allowed: limits.secondsBetweenEntries, bound: "least", unit: "seconds" },
  ];
}

function product(one: number | null | undefined, other: number | null | undefined): number | null {
  return one === null || one === undefined || other === null || other === undefined ? null : one * other;
}

/** Newest first. */
export function rejectionViews(rows: readonly Selectable<RejectionsTable>[]): RejectionView[] {
  return rows
    .map(({ kind, count, firstAt, lastAt, lastReason }) => ({ kind, count, firstAt: firstAt.getTime(), lastAt: lastAt.getTime(), lastReason }))
    .sort((one, other) => other.lastAt - one.lastAt);
}

export function reconciliationOf(rows: BotRows | undefined): ReconciliationView | null {
  const row = rows?.broker.reconciliation;
  if (row === undefined) return null;
  const { bot: _bot, at, ...counts } = row;
  return { at: at.getTime(), ...counts };
}
