-- Up Migration

-- Numbers one may act on: each bot's key figures bar by bar, and what came of comparing it with a replay.

-- Key figures of a bot in a window of time that ends with the close of a bar; domain/kpis/window.ts defines each of them.
-- Fractions are plain numbers, amounts in the quote currency. NULL is what cannot be computed, never 0.
CREATE TABLE trading.kpis (
  bot text NOT NULL REFERENCES trading.accounts (bot),
  -- `window` is a word of SQL's own.
  span text NOT NULL,
  bar timestamptz NOT NULL,
  computed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  from_bar timestamptz,
  bars integer NOT NULL,
  equity double precision,
  total_return double precision,
  sharpe double precision,
  sharpe_error double precision,
  sharpe_probability double precision,
  sharpe_minimum_returns double precision,
  sharpe_returns double precision,
  drawdown_max double precision,
  drawdown_current double precision,
  drawdown_from_peak double precision,
  exposure double precision,
  trades double precision,
  wins double precision,
  losses double precision,
  hit_rate double precision,
  profit_factor double precision,
  average_profit double precision,
  -- Trades in 30 days.
  trade_rate double precision,
  trades_expected double precision,
  trades_at_most double precision,
  trades_at_least double precision,
  trades_verdict text,
  fees double precision,
  slippage_median double precision,
  slippage_p95 double precision,
  -- Of the newest parity that was known then.
  tracking_error double precision,
  mean_difference double precision,
  equity_gap double precision,
  decision_match double precision,
  PRIMARY KEY (bot, span, bar),
  CONSTRAINT kpis_span CHECK (span IN ('7d', '30d', '90d', '365d', 'all')),
  CONSTRAINT kpis_trades_verdict CHECK (trades_verdict IN ('as expected', 'too few', 'too many'))
);

-- A bot's record against a replay of the same candles. The newest row of a bot is what freeze and promotion go by.
CREATE TABLE trading.parities (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bot text NOT NULL REFERENCES trading.accounts (bot),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- First and last bar that was compared; NULL where there was none.
  from_bar timestamptz,
  to_bar timestamptz,
  -- Id of the image the bot runs, where it is known.
  image text,
  configuration_hash text NOT NULL,
  -- What replayed: the bot's own image, or the program of this project; of two that differ, the worse one.
  reference text NOT NULL,
  -- Why the bot's image did not replay; NULL when it did.
  note text,
  decisions_compared integer NOT NULL,
  decisions_matched integer NOT NULL,
  trades_compared integer NOT NULL,
  trades_matched integer NOT NULL,
  -- Intents that the broker did not take, and bars that passed while the bot was away.
  refused integer NOT NULL,
  late integer NOT NULL,
  tracking_error double precision,
  mean_difference double precision,
  equity_gap double precision,
  slippage_median double precision,
  slippage_p95 double precision,
  reference_slippage_median double precision,
  reference_slippage_p95 double precision,
  -- Where the two part first, with what each of them saw there; NULL where they do not.
  first_difference jsonb,
  cause text NOT NULL,
  verdict text NOT NULL,
  frozen boolean NOT NULL,
  reason text NOT NULL,
  -- Window -> trades in 30 days that the replay has in it.
  expected_trades jsonb NOT NULL,
  seconds double precision NOT NULL,
  -- Our own id of its run in MLflow, and whether everything of it is there.
  run_id uuid NOT NULL DEFAULT gen_random_uuid(),
  sent boolean NOT NULL DEFAULT false,
  CONSTRAINT parities_reference CHECK (reference IN ('image', 'program')),
  CONSTRAINT parities_verdict CHECK (verdict IN ('equal', 'costs', 'differs', 'nothing to compare')),
  CONSTRAINT parities_matched CHECK (decisions_matched <= decisions_compared AND trades_matched <= trades_compared)
);
CREATE INDEX parities_unsent ON trading.parities (id) WHERE NOT sent;
CREATE INDEX parities_newest ON trading.parities (bot, id DESC);

GRANT USAGE ON SCHEMA trading TO performance;
GRANT SELECT ON trading.candles, trading.feed_sessions, trading.feed_status, trading.feed_states, trading.accounts, trading.decisions,
  trading.orders, trading.fills, trading.trades, trading.equity, trading.runs TO performance;
-- A bar's figures are written again when they are computed again.
GRANT SELECT, INSERT, UPDATE ON trading.kpis TO performance;
GRANT SELECT, INSERT, UPDATE (sent) ON trading.parities TO performance;
GRANT SELECT ON trading.kpis, trading.parities TO gui;

CREATE POLICY accounts_for_performance ON trading.accounts FOR SELECT TO performance USING (true);
CREATE POLICY decisions_for_performance ON trading.decisions FOR SELECT TO performance USING (true);
CREATE POLICY orders_for_performance ON trading.orders FOR SELECT TO performance USING (true);
CREATE POLICY fills_for_performance ON trading.fills FOR SELECT TO performance USING (true);
CREATE POLICY trades_for_performance ON trading.trades FOR SELECT TO performance USING (true);
CREATE POLICY equity_for_performance ON trading.equity FOR SELECT TO performance USING (true);
CREATE POLICY runs_for_performance ON trading.runs FOR SELECT TO performance USING (true);

ALTER TABLE trading.kpis ENABLE ROW LEVEL SECURITY;
CREATE POLICY kpis_of_performance ON trading.kpis TO performance USING (true) WITH CHECK (true);
CREATE POLICY kpis_for_gui ON trading.kpis FOR SELECT TO gui USING (true);
ALTER TABLE trading.parities ENABLE ROW LEVEL SECURITY;
CREATE POLICY parities_of_performance ON trading.parities TO performance USING (true) WITH CHECK (true);
CREATE POLICY parities_for_gui ON trading.parities FOR SELECT TO gui USING (true);
