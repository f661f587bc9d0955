import { Gauge, type Registry } from "prom-client";
import type { Kysely } from "kysely";
import type { TradingSchema } from "../shared/schema";
import { newestKpis, type KpiRow } from "./kpiStore";
import { newestParity, type ParityRow } from "./parityStore";

type Value<Row> = readonly [name: string, help: string, of: (row: Row) => number | null];

const kpis: readonly Value<KpiRow>[] = [
  ["sharpe_ratio", "Annualised Sharpe ratio of hourly equity", ({ sharpe }) => sharpe],
  ["sharpe_standard_error", "Standard error of the Sharpe ratio", ({ sharpeError }) => sharpeError],
  ["total_return_ratio", "Equity at the end over equity at the beginning of the window, less 1", ({ totalReturn }) => totalReturn],
  ["max_drawdown_ratio", "Largest drawdown within the window", ({ drawdownMax }) => drawdownMax],
  ["drawdown_from_peak_ratio", "How far equity lies below its highest value ever", ({ drawdownFromPeak }) => drawdownFromPeak],
  ["exposure_ratio", "Part of the bars that closed with an open position", ({ exposure }) => exposure],
  ["trades", "Closed round trips", ({ trades }) => trades],
  ["trades_expected", "Closed round trips that the replay has in the window", ({ tradesExpected }) => tradesExpected],
  ["hit_ratio", "Part of the round trips that made money", ({ hitRate }) => hitRate],
  ["profit_factor", "Money won over money lost", ({ profitFactor }) => profitFactor],
  ["fees", "Fees in the quote currency", ({ fees }) => fees],
  ["slippage_median_basis_points", "Median of what slippage cost a fill", ({ slippageMedian }) => slippageMedian],
  ["figures_bar_timestamp_seconds", "Open time of the bar that the figures end with", ({ bar }) => bar.getTime() / 1000],
];

const parities: readonly Value<ParityRow>[] = [
  ["parity_decision_match_ratio", "Part of the decisions that a replay makes as well", ({ decisionsCompared, decisionsMatched }) => (decisionsCompared > 0 ? decisionsMatched / decisionsCompared : null)],
  ["parity_trade_match_ratio", "Part of the round trips that a replay makes as well", ({ tradesCompared, tradesMatched }) => (tradesCompared > 0 ? tradesMatched / tradesCompared : null)],
  ["parity_tracking_error_ratio", "Tracking error a year against a replay", ({ trackingError }) => trackingError],
  ["parity_mean_difference_ratio", "Mean difference a year against a replay", ({ meanDifference }) => meanDifference],
  ["parity_frozen", "1 when the comparison forbids promotions and changes of live", ({ frozen }) => Number(frozen)],
  ["parity_timestamp_seconds", "When the bot was last compared with a replay", ({ at }) => at.getTime() / 1000],
];

/** What `/metrics` tells of every bot, as it is stored; what is not known has no value. */
export function addMetrics(registry: Registry, db: Kysely<TradingSchema>, bots: readonly string[]): void {
  gauges(registry, kpis, ["bot", "window"], async () => (await Promise.all(bots.map((bot) => newestKpis(db, bot)))).flat(), ({ bot, span }) => ({ bot, window: span }));
  gauges(registry, parities, ["bot"], async () => (await Promise.all(bots.map((bot) => newestParity(db, bot)))).filter((row) => row !== undefined), ({ bot }) => ({ bot }));
}

/** Rows are read once a scrape, by the first of the gauges. */
function gauges<Row>(registry: Registry, values: readonly Value<Row>[], labelNames: string[], read: () => Promise<Row[]>, labels: (row: Row) => Record<string, string>): void {
  let rows: Promise<Row[]> = Promise.resolve([]);
  values.forEach(([name, help, of], index) => {
    new Gauge({
      name: `trading_performance_${name}`,
      ...{ help, labelNames, registers: [registry] },
      async collect() {
        // A database that is away takes these values from the metrics, and no others.
        if (index === 0) rows = read().catch(() => []);
        const current = await rows;
        this.reset();
        for (const row of current) {
          const value = of(row);
          if (value !== null) this.set(labels(row), value);
        }
      },
    });
  });
}
