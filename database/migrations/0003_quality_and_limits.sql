-- Up Migration

-- What the feed found about its source, what the broker let through and refused, and the runs that MLflow has to hear of.

-- The state the feed was in right after a candle: an entry decided on a bar is let through only when the bar's own state
-- was HEALTHY, which is the same in a replay at any speed.
ALTER TABLE trading.candles
  ADD COLUMN feed_state text NOT NULL DEFAULT 'HEALTHY'
  CONSTRAINT candles_feed_state CHECK (feed_state IN ('HEALTHY', 'DEGRADED', 'DOWN'));

ALTER TABLE trading.feed_status
  -- Since when the feed is in this state.
  ADD COLUMN since timestamptz NOT NULL DEFAULT now(),
  -- Counts lease renewals: who looks twice sees by its own clock whether the feed is alive.
  ADD COLUMN renewals bigint NOT NULL DEFAULT 0,
  -- Counts candles that were written before already written ones: indicators computed without them are outdated.
  ADD COLUMN repairs bigint NOT NULL DEFAULT 0,
  -- What the state was judged by: ages, skew, open gap.
  ADD COLUMN measures jsonb NOT NULL DEFAULT '{}';

ALTER TABLE trading.feed_findings
  ADD COLUMN severity text NOT NULL DEFAULT 'note'
  CONSTRAINT feed_findings_severity CHECK (severity IN ('note', 'DEGRADED', 'DOWN')),
  -- Why it is a finding, for people.
  ADD COLUMN reason text NOT NULL DEFAULT '';
CREATE INDEX feed_findings_newest ON trading.feed_findings (at DESC);

-- Every change of state, for the share of time that a feed was healthy.
CREATE TABLE trading.feed_states (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  symbol text NOT NULL,
  interval text NOT NULL,
  state text NOT NULL,
  reason text NOT NULL,
  -- Newest candle at that time.
  last_open_time timestamptz,
  CONSTRAINT feed_states_state CHECK (state IN ('HEALTHY', 'DEGRADED', 'DOWN'))
);
CREATE INDEX feed_states_newest ON trading.feed_states (symbol, interval, id DESC);

-- The last trusted close when the order was taken in: price collar, and slippage later.
ALTER TABLE trading.orders
  ADD COLUMN reference_price numeric CONSTRAINT orders_reference_price CHECK (reference_price > 0);

-- As it was, a NULL made the check neither true nor false, which passes: a position could have had no stop.
ALTER TABLE trading.accounts DROP CONSTRAINT accounts_position, ADD CONSTRAINT accounts_position CHECK (
  CASE WHEN quantity = 0
    THEN entry_price IS NULL AND entry_bar IS NULL AND entry_fee IS NULL AND stop_price IS NULL
    ELSE coalesce(entry_price > 0 AND entry_bar IS NOT NULL AND entry_fee >= 0 AND stop_price > 0, false)
  END);

-- Bots write decisions as they like, and everybody reads them: no endless times, no megabytes of text.
ALTER TABLE trading.decisions ADD CONSTRAINT decisions_bounded CHECK (
  bar >= '2000-01-01Z' AND bar < '2200-01-01Z' AND octet_length(reason) <= 2000
  AND jsonb_typeof(indicators) = 'object' AND octet_length(indicators::text) <= 20000
  AND (intent IS NULL OR (jsonb_typeof(intent) = 'object' AND octet_length(intent::text) <= 1000))
  AND (client_order_id IS NULL OR octet_length(client_order_id) BETWEEN 1 AND 200));

-- Open orders are read with every account; there are two a bot at most, among all it ever had.
CREATE INDEX orders_open ON trading.orders (bot) WHERE status IN ('accepted', 'working');

-- Refused requests, counted by kind; one row a kind, however many there are.
CREATE TABLE trading.rejections (
  bot text NOT NULL,
  kind text NOT NULL,
  count bigint NOT NULL,
  first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_reason text NOT NULL,
  PRIMARY KEY (bot, kind),
  CONSTRAINT rejections_count CHECK (count > 0)
);

-- Intended (decisions), sent (orders) and filled counted against each other, the newest count of each bot.
CREATE TABLE trading.reconciliations (
  bot text PRIMARY KEY REFERENCES trading.accounts (bot),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  intended bigint NOT NULL,
  sent bigint NOT NULL,
  rejected bigint NOT NULL,
  filled bigint NOT NULL,
  cancelled bigint NOT NULL,
  open bigint NOT NULL,
  -- NULL when all of it fits together; else what does not, for people.
  mismatch text
);

-- Every start of a bot. MLflow hears of it when it can; what it has not heard yet is sent by any later start.
CREATE TABLE trading.runs (
  id uuid PRIMARY KEY,
  bot text NOT NULL REFERENCES trading.accounts (bot),
  image text,
  params jsonb NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  status text NOT NULL DEFAULT 'RUNNING',
  -- Last bar that was processed when the run began; its equity and trades are what comes after.
  from_bar timestamptz,
  to_bar timestamptz,
  mlflow_run_id text,
  -- Everything of the ended run is in MLflow.
  sent boolean NOT NULL DEFAULT false,
  CONSTRAINT runs_status CHECK (status IN ('RUNNING', 'FINISHED', 'KILLED', 'FAILED')),
  CONSTRAINT runs_end CHECK ((status = 'RUNNING') = (ended_at IS NULL)),
  CONSTRAINT runs_sent_in_mlflow CHECK (NOT sent OR (mlflow_run_id IS NOT NULL AND ended_at IS NOT NULL))
);
CREATE INDEX runs_by_bot ON trading.runs (bot, started_at DESC);

-- A bot can take its own lock and no other: the lock's functions themselves are closed to it (the migrator sees to that).
CREATE FUNCTION trading.take_bot_lock() RETURNS boolean
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
  AS $$ SELECT pg_try_advisory_lock(hashtext('trading.bot'), hashtext(substr(session_user, 5))) $$;
REVOKE ALL ON FUNCTION trading.take_bot_lock() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trading.take_bot_lock() TO trading_bot;

-- Two feeds never write to one database.
CREATE FUNCTION trading.take_feed_lock() RETURNS boolean
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
  AS $$ SELECT pg_try_advisory_lock(hashtext('trading.feed'), 0) $$;
REVOKE ALL ON FUNCTION trading.take_feed_lock() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trading.take_feed_lock() TO livefeed;

-- Two brokers never work in one database.
CREATE FUNCTION trading.take_broker_lock() RETURNS boolean
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
  AS $$ SELECT pg_try_advisory_lock(hashtext('trading.broker'), 0) $$;
REVOKE ALL ON FUNCTION trading.take_broker_lock() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trading.take_broker_lock() TO broker;

-- Entries are judged one after the other, until the end of each one's transaction: limits over all bots hold only so.
CREATE FUNCTION trading.take_entry_turn() RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
  AS $$ SELECT pg_advisory_xact_lock(hashtext('trading.entry'), 0) $$;
REVOKE ALL ON FUNCTION trading.take_entry_turn() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trading.take_entry_turn() TO broker;

GRANT SELECT, INSERT ON trading.feed_states TO livefeed;
-- Whether a revised candle was traded on, and whether a position is or may become open while the feed is DOWN.
GRANT SELECT (bot, bar) ON trading.fills TO livefeed;
GRANT SELECT (bot, bar, action, status) ON trading.orders TO livefeed;
GRANT SELECT (entry_bar) ON trading.accounts TO livefeed;
CREATE POLICY fills_for_livefeed ON trading.fills FOR SELECT TO livefeed USING (true);
CREATE POLICY orders_for_livefeed ON trading.orders FOR SELECT TO livefeed USING (true);

GRANT SELECT ON trading.feed_states TO broker, gui;
GRANT SELECT, INSERT, UPDATE ON trading.rejections, trading.reconciliations TO broker;
GRANT SELECT ON trading.rejections, trading.reconciliations, trading.runs TO gui;

ALTER TABLE trading.trades ENABLE ROW LEVEL SECURITY;
CREATE POLICY trades_of_broker ON trading.trades TO broker USING (true) WITH CHECK (true);
CREATE POLICY trades_for_gui ON trading.trades FOR SELECT TO gui USING (true);
CREATE POLICY trades_of_bot ON trading.trades FOR SELECT TO trading_bot USING (current_user = 'bot_' || bot);
GRANT SELECT ON trading.trades TO trading_bot;

GRANT SELECT, INSERT ON trading.runs TO trading_bot;
-- By column: who may update a whole table may lock it against everybody else.
GRANT UPDATE (seen_at, ended_at, status, to_bar, mlflow_run_id, sent) ON trading.runs TO trading_bot;
ALTER TABLE trading.runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY runs_for_gui ON trading.runs FOR SELECT TO gui USING (true);
CREATE POLICY runs_of_bot ON trading.runs TO trading_bot
  USING (current_user = 'bot_' || bot) WITH CHECK (current_user = 'bot_' || bot);
