import type { BotView, FeedView, FindingView, StatusView } from "../api";
import { ageText, durationText, minuteText, numberText, percentText, secondText } from "./format";
import type { Tone } from "./tiles";

/** One line of what explains a state. */
export interface Fact {
  label: string;
  value: string;
  tone: Tone;
}

const feedTones: Record<FeedView["state"], Tone> = { HEALTHY: "good", DEGRADED: "warning", DOWN: "bad", UNKNOWN: "warning" };

/** Units that the end of a measure's name tells. */
const units: readonly (readonly [ending: RegExp, unit: string])[] = [
  [/ milliseconds$/, " ms"],
  [/ seconds$/, " s"],
];

/** The measures and numbers of a feed as texts: `silenceSeconds: 12.34` is `silence 12.3 s`; what is not known is left out. */
export function measureTexts(measures: Readonly<Record<string, number | string | null>>): string[] {
  return Object.entries(measures).flatMap(([key, value]) => (value === null ? [] : [measureText(key, value)]));
}

/** Why something is a finding, and the numbers it was judged by: `4 reconnects within an hour (limit 3): per hour 4, limit 3`. */
export function findingText({ reason, details }: { readonly reason: string; readonly details: FindingView["details"] }): string {
  return [reason, measureTexts(details).join(", ")].filter(Boolean).join(": ");
}

function measureText(key: string, value: number | string): string {
  const words = key.replace(/([a-z0-9])([A-Z])/g, (_all, before: string, after: string) => `${before} ${after.toLowerCase()}`);
  const [ending, unit] = units.find(([pattern]) => pattern.test(words)) ?? [/$^/, ""];
  return `${words.replace(ending, "")} ${typeof value === "number" ? plainNumber(value) : value}${unit}`;
}

/** Milliseconds from here on are a time: 1973. */
const earliestTime = 1e11;

/** Times as times, whole numbers as they are, others with as many digits as a person compares. */
function plainNumber(value: number): string {
  if (Number.isInteger(value)) return value >= earliestTime ? minuteText(value) : numberText(value, 0);
  return Math.abs(value) >= 100 ? numberText(value, 2) : String(Number(value.toPrecision(3)));
}

/** Measures that are told elsewhere on the page. */
const toldElsewhere = new Set(["lastCandle", "active", "unacknowledged", "cleanCandles", "recoveryCandles", "warmupCandles"]);

/** What a state is judged by: all ages, skews and lengths, and of the counts those that are not 0. */
function judgedBy(measures: FeedView["measures"]): Record<string, number | string | null> {
  return Object.fromEntries(Object.entries(measures).filter(([key, value]) => !toldElsewhere.has(key) && (value !== 0 || /conds$/.test(key))));
}

/** What there is to say about the quality of a feed, at a time of the server's clock. */
export function qualityFacts(feed: FeedView, { session, stack }: Pick<StatusView, "session" | "stack">, now: number): Fact[] {
  const left = Math.max(0, (feed.leaseUntil ?? 0) - now);
  const measures = measureTexts(judgedBy(feed.measures));
  const unacknowledged = feed.measures["unacknowledged"] ?? null;
  const found = feed.findings.map(({ kind, severity, count }) => `${count} × ${kind}${severity === "note" ? "" : ` (${severity})`}`);
  const since = feed.since === null ? "" : ` since ${secondText(feed.since)}, for ${durationText(now - feed.since)}`;
  return [
    { label: "State", value: `${feed.state}${since}`, tone: feedTones[feed.state] },
    { label: "Reason", value: feed.reason, tone: "" },
    ...(unacknowledged === null ? [] : [{ label: "To be acknowledged", value: `${unacknowledged}: npx trading acknowledge-feed --stack ${stack} --symbol ${feed.symbol} --reason TEXT`, tone: "warning" } as const]),
    { label: "Source", value: session === null ? "not known" : `${session.source}${session.replay ? ", a replay" : ", a running market"}; fills are simulated`, tone: "" },
    { label: "Lease", value: left > 0 ? `${durationText(left)} left: entries may pass` : "none: the broker refuses entries", tone: left > 0 ? "" : "warning" },
    ...feed.health.map(({ hours, healthy, known }): Fact => {
      const part = known < hours * 3_600_000 * 0.99 ? ` (known for ${durationText(known)})` : "";
      return { label: `HEALTHY in the last ${hours} h`, value: healthy === null ? "not known" : `${percentText(healthy)}${part}`, tone: "" };
    }),
    { label: "Judged by", value: measures.length === 0 ? "nothing measured yet" : measures.join(", "), tone: "" },
    { label: "Found in the last hour", value: found.length === 0 ? "nothing" : found.join(", "), tone: "" },
  ];
}

/** That entries are smaller now than they are decided on, and until when. */
export function canaryFacts({ canary }: StatusView): Fact[] {
  return canary === null ? [] : [{ label: "First days after the promotion", value: `${percentText(canary.fraction)} of each entry and of the limits, until ${minuteText(canary.until)}`, tone: "warning" }];
}

/** Decisions, orders and fills of a bot counted against each other. */
export function reconciliationFacts({ reconciliation, rejections }: BotView, now: number): Fact[] {
  const refused = rejections.reduce((sum, { count }) => sum + count, 0);
  const rejected: Fact = { label: "Refused requests", value: numberText(refused, 0), tone: "" };
  if (reconciliation === null) return [{ label: "Reconciliation", value: "not counted yet", tone: "" }, rejected];
  const { at, intended, sent, filled, cancelled, open, mismatch } = reconciliation;
  const counts = [
    [intended, "intended"],
    [sent, "sent"],
    [reconciliation.rejected, "rejected"],
    [filled, "filled"],
    [cancelled, "cancelled"],
    [open, "open"],
  ] as const;
  return [
    { label: "Intents and orders", value: counts.map(([count, word]) => `${numberText(count, 0)} ${word}`).join(", "), tone: "" },
    { label: "Reconciliation", value: `${mismatch ?? "all of it fits together"}; counted ${ageText(at, now)}`, tone: mismatch === null ? "good" : "bad" },
    rejected,
  ];
}
