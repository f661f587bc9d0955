import type { Standing } from "../../control/standing";
import { fractionAt, limitsAt, type Canary } from "../../domain/canary";
import { checkEntry, type RiskRejectionKind, type StackRiskLimits } from "../../domain/riskLimits";
import { intervalMilliseconds } from "../../domain/intervals";
import type { AccountRecord } from "../shared/accountRecord";
import type { IntentFacts } from "./entryFacts";
import { haltedReason } from "./halted";
import type { IntentRequest } from "./intents";
import type { BotSettings } from "./settings";

/** Kinds of refusal, as they are counted. */
export type RejectionKind =
  | "halted"
  | "not registered"
  | "too late"
  | "clock"
  | "no lease"
  | "no guard lease"
  | "feed state"
  | "no decision"
  | "reconciliation"
  | "refused before"
  | "rule"
  | RiskRejectionKind;

export interface Refusal {
  readonly kind: RejectionKind;
  readonly reason: string;
}

/** What an intent is judged by beside the facts of the moment. */
export interface Terms {
  readonly limits: BotSettings["limits"];
  readonly stackLimits: StackRiskLimits;
  /** The first days after a promotion; null where there are none. */
  readonly canary: Canary | null;
  /** With a running market: milliseconds around a bar's close in which entries decided on it may come. */
  readonly windowMilliseconds: number;
  /** What does not fit together between intended, sent and filled, or null. */
  readonly mismatch: string | null;
  /** Why the feed's lease allows no entry now, or null. */
  readonly leaseRefusal: string | null;
  /** Why the guard's allows none, or null; also where there is no guard. */
  readonly guardRefusal: string | null;
  /** How the bot stands at this very moment. */
  readonly standing: Standing;
}

/**
 * What the broker itself refuses; the rest is the venue's to judge. A halt comes before all else. What reduces risk is let
 * through whatever the state of the feed, the leases and the limits, as far as no halt forbids it; but it has to be of the
 * account's present bar, and written down as a decision.
 */
export function refusalOf(record: AccountRecord, request: IntentRequest, facts: IntentFacts, terms: Terms): Refusal | null {
  const halted = haltedReason(terms.standing, record.account, request.intent);
  if (halted !== null) return { kind: "halted", reason: halted };
  const { processedBar } = record.account;
  if (processedBar !== null && request.bar < processedBar) {
    return { kind: "too late", reason: `too late: decided on bar ${iso(request.bar)}, but the account is at ${iso(processedBar)}` };
  }
  const { intent } = request;
  if (intent.action !== "enter") return undecided(request, facts);
  // A part of it is let in, and a part of the limits holds: what is within those of the stack's file is within these.
  const fraction = fractionAt(terms.canary, facts.now);
  const entry = { ...intent, quantity: intent.quantity * fraction, bar: request.bar };
  return (
    refusedByLeaseOrFeed(record, request, facts, terms) ??
    undecided(request, facts) ??
    (terms.mismatch === null ? null : { kind: "reconciliation", reason: `no entry while the books do not fit together: ${terms.mismatch}` }) ??
    beyondLimit(checkEntry(entry, facts.risk, limitsAt({ bot: terms.limits, stack: terms.stackLimits }, fraction)), fraction, terms.canary)
  );
}

/** Limits that are not those of the stack's file are explained. */
function beyondLimit(rejection: Refusal | null, fraction: number, canary: Canary | null): Refusal | null {
  if (rejection === null || canary === null || fraction === 1 || !SIZES.has(rejection.kind)) return rejection;
  return { ...rejection, reason: `${rejection.reason}: ${fraction} of what was decided and of what is configured, until ${iso(canary.until)}, in the first days after a promotion` };
}

const SIZES: ReadonlySet<RejectionKind> = new Set<RejectionKind>(["order quantity", "order notional", "position quantity", "position notional", "stack exposure"]);

function refusedByLeaseOrFeed(record: AccountRecord, request: IntentRequest, facts: IntentFacts, terms: Terms): Refusal | null {
  if (terms.leaseRefusal !== null) return { kind: "no lease", reason: terms.leaseRefusal };
  if (terms.guardRefusal !== null) return { kind: "no guard lease", reason: terms.guardRefusal };
  if (facts.feedState !== "HEALTHY") {
    const state = facts.feedState === null ? "has no candle" : `was ${facts.feedState}`;
    return { kind: "feed state", reason: `no entry on bar ${iso(request.bar)}: the feed ${state} then` };
  }
  return facts.replay ? null : outsideWindow(facts.now - (request.bar + intervalMilliseconds(record.interval)), terms.windowMilliseconds);
}

/** @param late milliseconds of the database's clock after the bar's close; a bar that has yet to close shows a clock that was set back */
function outsideWindow(late: number, window: number): Refusal | null {
  const seconds = Math.round(Math.abs(late) / 1000);
  if (late > window) return { kind: "too late", reason: `too late: handed in ${seconds} s after the bar's close, entries have ${window / 1000} s` };
  return late >= -window ? null : { kind: "clock", reason: `no entry by a clock that is wrong: the database's says that the bar closes only in ${seconds} s` };
}

/** A bot writes its decision before it hands the intent in: what is sent can be held against what was intended. */
function undecided({ bar }: IntentRequest, { decision }: IntentFacts): Refusal | null {
  if (decision === "this") return null;
  const found = decision === "none" ? "there is no decision" : "the decision holds another intent or id";
  return { kind: "no decision", reason: `${found} on bar ${iso(bar)}: it is written first, with this very intent` };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
