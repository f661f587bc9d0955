import { hoursPerYear } from "../kpis/returns";

/** What a promotion asks for; research/trading.md, 4.1 items 1 to 4. */
export const LIMITS = {
  outOfSample: { sharpe: 0.8, maxDrawdown: 0.15, trades: 30, probability: 0.9 },
  paper: { days: 30, trades: 5, maxDrawdown: 0.1, standardErrors: -1 },
  parity: { decisionMatch: 1, tradeMatch: 1, trackingError: 0.02 },
  feed: { healthyShare: 0.995, healthyHours: 168, downHours: 72, down: 0, openGaps: 0, skewMilliseconds: 500 },
} as const;

/** Null is what is not known. Fractions are plain numbers, times epoch ms. */
export interface EvidenceFacts {
  readonly outOfSample: {
    readonly sharpe: number | null;
    readonly standardError: number | null;
    readonly probability: number | null;
    readonly maxDrawdown: number | null;
    readonly trades: number | null;
    /** Configuration that was measured; null where each fold chose its own. */
    readonly configurationHash: string | null;
    readonly source: string;
  } | null;
  readonly paper: {
    readonly days: number;
    readonly sharpe: number | null;
    readonly standardError: number | null;
    /** Returns that would prove, at 95 %, a ratio above 0. */
    readonly minimumReturns: number | null;
    readonly maxDrawdown: number | null;
    readonly trades: number | null;
    readonly source: string;
  } | null;
  readonly parity: {
    readonly decisionMatch: number | null;
    readonly tradeMatch: number | null;
    readonly trackingError: number | null;
    readonly frozen: boolean;
    readonly reason: string;
    readonly days: number;
    readonly source: string;
  } | null;
  readonly feed: {
    readonly healthyShare: number | null;
    /** Hours that the share is known for. */
    readonly knownHours: number;
    readonly down: number | null;
    readonly openGaps: number | null;
    readonly skewMilliseconds: number | null;
    readonly source: string;
  } | null;
  /** Entries that were refused for a limit; null where that is not known. */
  readonly limitRefusals: number | null;
  readonly configurationHash: string;
}

/** One condition of a promotion. */
export interface EvidenceItem {
  readonly id: string;
  readonly text: string;
  readonly value: number | null;
  readonly bound: "at least" | "at most";
  readonly limit: number;
  /** How far the value is on the right side of the limit, below 0 on the wrong one, in the value's unit. */
  readonly distance: number | null;
  readonly unit: "fraction" | "ratio" | "days" | "count" | "milliseconds";
  /** Stretch that was looked at. */
  readonly window: string;
  readonly standardError: number | null;
  readonly source: string;
  /** What is not known does not hold. */
  readonly holds: boolean;
}

export interface Evidence {
  readonly holds: boolean;
  readonly items: readonly EvidenceItem[];
  /** What the data cannot prove yet, each in a sentence. */
  readonly unproven: readonly string[];
}

type Condition = Omit<EvidenceItem, "distance" | "holds" | "standardError" | "window" | "source"> & Partial<Pick<EvidenceItem, "standardError">>;

/** Holds what is known against what a promotion asks for. */
export function evidenceOf(facts: EvidenceFacts): Evidence {
  const items = [...outOfSampleItems(facts), ...paperItems(facts), ...parityItems(facts), ...feedItems(facts)];
  return { holds: items.every(({ holds }) => holds), items, unproven: unprovenOf(facts) };
}

function outOfSampleItems({ outOfSample, configurationHash }: EvidenceFacts): EvidenceItem[] {
  const { sharpe, maxDrawdown, trades, probability } = LIMITS.outOfSample;
  const place = { window: "out of sample", source: outOfSample?.source ?? "none: npx trading evaluate" };
  const other = outOfSample !== null && outOfSample.configurationHash !== configurationHash;
  return conditions(place, [
    { id: "outOfSample.sharpe", text: "Sharpe ratio out of sample", value: outOfSample?.sharpe ?? null, bound: "at least", limit: sharpe, unit: "ratio", standardError: outOfSample?.standardError ?? null },
    { id: "outOfSample.probability", text: "Probability that it is above 0", value: outOfSample?.probability ?? null, bound: "at least", limit: probability, unit: "fraction" },
    { id: "outOfSample.maxDrawdown", text: "Largest drawdown out of sample", value: outOfSample?.maxDrawdown ?? null, bound: "at most", limit: maxDrawdown, unit: "fraction" },
    { id: "outOfSample.trades", text: "Closed trades out of sample", value: outOfSample?.trades ?? null, bound: "at least", limit: trades, unit: "count" },
    ...(outOfSample === null ? [] : [{ id: "outOfSample.configuration", text: "Evaluations of another configuration", value: Number(other), bound: "at most", limit: 0, unit: "count" } as const]),
  ]);
}

function paperItems({ paper, limitRefusals }: EvidenceFacts): EvidenceItem[] {
  const { days, trades, maxDrawdown, standardErrors } = LIMITS.paper;
  const place = { window: paper === null ? "none" : `${paper.days.toFixed(1)} days`, source: paper?.source ?? "no figures yet" };
  // A ratio in units of its own error: of 30 days more cannot be asked.
  const inErrors = paper?.sharpe != null && paper.standardError !== null && paper.standardError > 0 ? paper.sharpe / paper.standardError : null;
  return conditions(place, [
    { id: "paper.days", text: "Days of paper trading", value: paper?.days ?? null, bound: "at least", limit: days, unit: "days" },
    { id: "paper.trades", text: "Closed trades on paper", value: paper?.trades ?? null, bound: "at least", limit: trades, unit: "count" },
    { id: "paper.maxDrawdown", text: "Largest drawdown on paper", value: paper?.maxDrawdown ?? null, bound: "at most", limit: maxDrawdown, unit: "fraction" },
    { id: "paper.sharpe", text: "Sharpe ratio on paper, in standard errors", value: inErrors, bound: "at least", limit: standardErrors, unit: "ratio", standardError: inErrors === null ? null : 1 },
    { id: "paper.limits", text: "Entries refused for a limit", value: limitRefusals, bound: "at most", limit: 0, unit: "count" },
  ]);
}

function parityItems({ parity }: EvidenceFacts): EvidenceItem[] {
  const { decisionMatch, tradeMatch, trackingError } = LIMITS.parity;
  const place = { window: parity === null ? "none" : `${parity.days.toFixed(1)} days`, source: parity?.source ?? "none: npx trading parity" };
  return conditions(place, [
    { id: "parity.decisions", text: "Decisions that a replay makes as well", value: parity?.decisionMatch ?? null, bound: "at least", limit: decisionMatch, unit: "fraction" },
    { id: "parity.trades", text: "Trades that a replay makes as well", value: parity?.tradeMatch ?? null, bound: "at least", limit: tradeMatch, unit: "fraction" },
    { id: "parity.trackingError", text: "Tracking error a year against a replay", value: parity?.trackingError ?? null, bound: "at most", limit: trackingError, unit: "fraction" },
  ]);
}

function feedItems({ feed }: EvidenceFacts): EvidenceItem[] {
  const { healthyShare, healthyHours, downHours, down, openGaps, skewMilliseconds } = LIMITS.feed;
  const source = feed?.source ?? "the page does not answer";
  return [
    ...conditions({ window: `${healthyHours} hours, ${Math.floor(feed?.knownHours ?? 0)} known`, source }, [
      { id: "feed.healthy", text: "Share of the time the feed was HEALTHY", value: feed?.healthyShare ?? null, bound: "at least", limit: healthyShare, unit: "fraction" },
    ]),
    ...conditions({ window: `${downHours} hours`, source }, [{ id: "feed.down", text: "Times the feed was DOWN", value: feed?.down ?? null, bound: "at most", limit: down, unit: "count" }]),
    ...conditions({ window: "now", source }, [
      { id: "feed.gaps", text: "Candles that are missing", value: feed?.openGaps ?? null, bound: "at most", limit: openGaps, unit: "count" },
      // Only the newest measurement is kept; a source without a clock has none, and nothing to be wrong.
      ...(feed?.skewMilliseconds == null ? [] : [{ id: "feed.skew", text: "Difference of the clocks", value: Math.abs(feed.skewMilliseconds), bound: "at most", limit: skewMilliseconds, unit: "milliseconds" } as const]),
    ]),
  ];
}

function conditions(place: Pick<EvidenceItem, "window" | "source">, all: readonly Condition[]): EvidenceItem[] {
  return all.map((condition) => {
    const { value, bound, limit } = condition;
    // 0 and not its negative twin where the two are equal.
    const distance = value === null ? null : (bound === "at least" ? value - limit : limit - value) + 0;
    return { standardError: null, ...condition, ...place, distance, holds: distance !== null && distance >= 0 };
  });
}

const z95 = 1.6448536269514722;

/** Days of hourly returns that prove, at 95 %, that a Sharpe ratio is above 0, if returns are normally distributed. */
export function daysToProve(sharpe: number): number {
  const ratio = sharpe / Math.sqrt(hoursPerYear);
  return Math.ceil((1 + (1 + (ratio * ratio) / 2) * (z95 / ratio) ** 2) / 24);
}

/** A ratio that many a strategy claims. */
const claimed = 1.5;

function unprovenOf({ paper, outOfSample, parity }: EvidenceFacts): string[] {
  const days = paper?.days ?? 0;
  const needed = daysToProve(claimed);
  const said = days < needed ? [`${Math.floor(days)} days of paper trading cannot prove a Sharpe ratio of ${claimed}: to prove that it is above 0 takes ${needed} days at 95 %.`] : [];
  if (paper?.sharpe == null || paper.standardError === null) said.push("The Sharpe ratio on paper is not known yet: there are too few bars, or equity did not move.");
  else {
    const [low, high] = [paper.sharpe - 2 * paper.standardError, paper.sharpe + 2 * paper.standardError].map((value) => value.toFixed(1));
    const returns = paper.minimumReturns;
    const takes = returns === null ? "no longer record like this one proves that it is above 0" : `a record like this one takes ${Math.ceil(returns / 24)} days to prove that it is above 0`;
    if (returns === null || returns / 24 > days) said.push(`The Sharpe ratio on paper is ${paper.sharpe.toFixed(2)} and may as well be ${low} or ${high}: ${takes}.`);
  }
  if (outOfSample === null) said.push("Nothing is known of how the strategy does on candles it was not chosen on: there is no evaluation.");
  if (parity !== null && parity.days < LIMITS.paper.days) said.push(`Only ${parity.days.toFixed(1)} days were compared with a replay.`);
  return [...said, "All fills are simulated: what an exchange would have filled, and at which price, no figure here can prove."];
}
