import type { FeedStateView, FeedView, HealthView } from "./api";
import { windows, type StateTimes } from "./feedReader";
import type { StatusRows } from "./rows";
import { marketsOf, type BotSettings } from "./settings";

/** One feed for each market that a bot trades, known to the database or not. */
export function feedsOf(bots: readonly BotSettings[], rows: StatusRows | undefined, now: number): FeedView[] {
  return marketsOf(bots).map(({ symbol, interval }) => {
    const ofMarket = (candidate: { symbol: string; interval: string }): boolean => candidate.symbol === symbol && candidate.interval === interval;
    const row = rows?.feeds.find(ofMarket);
    const quality = rows?.quality.find(ofMarket);
    const leaseUntil = row?.leaseUntil?.getTime() ?? null;
    return {
      symbol,
      interval,
      state: (row?.state ?? "UNKNOWN") as FeedStateView,
      reason: row?.reason ?? "the feed has not reported yet",
      lastCandle: row?.lastOpenTime?.getTime() ?? null,
      updatedAt: row?.updatedAt.getTime() ?? null,
      leaseUntil,
      leaseLeft: Math.max(0, (leaseUntil ?? 0) - now),
      since: row?.since.getTime() ?? null,
      measures: row?.measures ?? {},
      health: windows.map((hours) => healthOf(hours, quality?.times.find((times) => times.hours === hours))),
      findings: quality?.findings ?? [],
      newestFinding: quality?.newestFinding ?? null,
    };
  });
}

function healthOf(hours: number, times: StateTimes | undefined): HealthView {
  if (times === undefined) return { hours, healthy: null, known: 0, impaired: 0 };
  const { healthy, degraded, down, stopped } = times;
  const known = healthy + degraded + down;
  return { hours, healthy: known === 0 ? null : healthy / known, known, impaired: degraded + down - stopped };
}
