-- Up Migration

-- What the guard goes by and says: whether entries may be let in, and each thing that it did by itself.

-- Whether the candles of a market can be expected to come: a state alone does not tell a feed that has yet to begin, or was
-- stopped, or has played its recording to the end, from one that fails.
ALTER TABLE trading.feed_status
  ADD COLUMN phase text NOT NULL DEFAULT 'running'
  CONSTRAINT feed_status_phase CHECK (phase IN ('starting', 'running', 'stopped', 'ended'));

-- The guard's lease, beside the feed's: no entry is let in without either.
CREATE TABLE trading.guard_status (
  -- There is one row.
  "only" boolean PRIMARY KEY DEFAULT true CONSTRAINT guard_status_only CHECK ("only"),
  state text NOT NULL,
  -- Why, for people.
  reason text NOT NULL,
  lease_until timestamptz,
  -- Counts renewals: who looks twice sees by its own clock whether the guard is alive.
  renewals bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT guard_status_state CHECK (state IN ('GRANTED', 'WITHHELD'))
);

-- Everything the guard did by itself, only ever added to.
CREATE TABLE trading.guard_actions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  rule text NOT NULL,
  -- NULL is every bot.
  bot text,
  action text NOT NULL,
  level text,
  -- Id of the halt or freeze that came of it; NULL where none did.
  incident text,
  reason text NOT NULL,
  -- What the rule went by.
  numbers jsonb NOT NULL DEFAULT '{}',
  runbook text NOT NULL,
  CONSTRAINT guard_actions_action CHECK (action IN ('halt', 'freeze', 'restart', 'stop', 'withhold', 'grant')),
  CONSTRAINT guard_actions_level CHECK (level IN ('pause', 'reduce', 'kill')),
  CONSTRAINT guard_actions_halt_has_level CHECK (action <> 'halt' OR level IS NOT NULL)
);
CREATE INDEX guard_actions_newest ON trading.guard_actions (at DESC);

GRANT USAGE ON SCHEMA trading TO guard;
GRANT SELECT ON trading.accounts, trading.equity, trading.orders, trading.decisions, trading.candles, trading.feed_status,
  trading.feed_sessions, trading.parities, trading.kpis, trading.reconciliations TO guard;
GRANT SELECT, INSERT, UPDATE ON trading.guard_status TO guard;
GRANT SELECT, INSERT ON trading.guard_actions TO guard;
GRANT SELECT ON trading.guard_status TO broker, gui;
GRANT SELECT ON trading.guard_actions TO gui;

CREATE POLICY accounts_for_guard ON trading.accounts FOR SELECT TO guard USING (true);
CREATE POLICY equity_for_guard ON trading.equity FOR SELECT TO guard USING (true);
CREATE POLICY orders_for_guard ON trading.orders FOR SELECT TO guard USING (true);
CREATE POLICY decisions_for_guard ON trading.decisions FOR SELECT TO guard USING (true);
CREATE POLICY parities_for_guard ON trading.parities FOR SELECT TO guard USING (true);
CREATE POLICY kpis_for_guard ON trading.kpis FOR SELECT TO guard USING (true);
