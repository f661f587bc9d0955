import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import pino from "pino";
import { ensureControlFolder } from "../../../../control/folder";
import { haltsOf } from "../../../../control/LatchFolder";
import { incidentId, type Halt } from "../../../../control/records";
import type { BotRow, FactRows, FeedRow } from "../../../../services/guard/factsQuery";
import type { GuardSettings } from "../../../../services/guard/settings";
import { thresholds } from "../../domain/guard/facts";

export const stack = "paper";
export const hour = 3_600_000;
export const begin = Date.UTC(2026, 0, 5, 12);
export const silent = pino({ level: "silent" });

export const settings: GuardSettings = {
  bots: ["one", "two"].map((name) => ({ name, symbol: name === "one" ? "BTCUSDT" : "ETHUSDT", startingCash: 10_000, ordersPerHour: 10, container: `trading-paper-bot-${name}`, graceSeconds: 30 })),
  interval: "1h",
  limits: { exposureNotional: 1000, ordersPerHour: 100 },
  thresholds: { ...thresholds },
  alerts: { webhook: false, format: "json", heartbeat: false, repeatMinutes: 60 },
};

/** A control folder of its own, which is removed after the test. */
export function controlFolder(): { folder: string; remove: () => void } {
  const root = mkdtempSync(path.join(tmpdir(), "trading-guard-"));
  const folder = path.join(root, "control");
  ensureControlFolder(folder, stack, "owner");
  return { folder, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export function haltByPerson(change: Partial<Halt> = {}): Halt {
  return { format: 1, id: incidentId("INC", begin), stack, bot: "one", reason: "because", by: "person", who: "test", at: new Date(begin).toISOString(), rule: null, cause: null, numbers: {}, runbook: null, open: [], level: "kill", ...change };
}

export function lift(folder: string, halt: Halt, at = begin): void {
  haltsOf(folder).lift(halt.id, { liftedAt: new Date(at).toISOString(), liftedBy: "person", liftedWho: "test", liftedReason: "" });
}

export const feedRow = (change: Partial<FeedRow> = {}): FeedRow => ({ symbol: "BTCUSDT", state: "HEALTHY", reason: "fine", phase: "running", since: begin, updatedAt: begin, renewals: 1, skewMilliseconds: null, ...change });

export const botRow = (change: Partial<BotRow> = {}): BotRow => ({
  ...{ bot: "one", bar: begin, exposure: 0, quantity: 0, stopPrice: null, entryBar: null, decidedBar: begin, ordersLastHour: 0 },
  ...{ parityId: null, parityVerdict: null, parityFrozen: null, parityReason: null, trackingError: null, mismatch: null, ...change },
});

export const factRows = (change: Partial<FactRows> = {}): FactRows => ({ now: begin, feeds: [feedRow(), feedRow({ symbol: "ETHUSDT" })], bots: [botRow(), botRow({ bot: "two" })], equity: [], ...change });
