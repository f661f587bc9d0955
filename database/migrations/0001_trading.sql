-- Up Migration

-- Run as trading_owner, with schema trading made by the migrator and first on the search path.

CREATE TABLE trading.feed_sessions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  settings jsonb NOT NULL,
  replay boolean NOT NULL,
  warmup_from timestamptz NOT NULL,
  trade_from timestamptz NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT feed_sessions_warmup_before_trading CHECK (warmup_from <= trade_from)
);

CREATE TABLE trading.candles (
  symbol text NOT NULL,
  interval text NOT NULL,
  open_time timestamptz NOT NULL,
  open numeric NOT NULL,
  high numeric NOT NULL,
  low numeric NOT NULL,
  close numeric NOT NULL,
  volume numeric NOT NULL,
  source text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (symbol, interval, open_time),
  CONSTRAINT candles_prices CHECK (low > 0 AND low <= open AND low <= close AND high >= open AND high >= close),
  CONSTRAINT candles_volume CHECK (volume >= 0),
  CONSTRAINT candles_finite CHECK (high < 'Infinity' AND volume < 'Infinity')
);
SELECT public.create_hypertable('trading.candles', public.by_range('open_time', interval '90 days'), create_default_indexes => false);

CREATE TABLE trading.feed_status (
  symbol text NOT NULL,
  interval text NOT NULL,
  state text NOT NULL,
  reason text NOT NULL,
  last_open_time timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  lease_until timestamptz,
  PRIMARY KEY (symbol, interval),
  CONSTRAINT feed_status_state CHECK (state IN ('HEALTHY', 'DEGRADED', 'DOWN'))
);

CREATE TABLE trading.feed_findings (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  symbol text NOT NULL,
  interval text NOT NULL,
  open_time timestamptz,
  kind text NOT NULL,
  details jsonb NOT NULL,
  -- A feed that starts again reads the same rows again and reports the same findings.
  CONSTRAINT feed_findings_once UNIQUE NULLS NOT DISTINCT (symbol, interval, open_time, kind, details)
);

CREATE TABLE trading.accounts (
  bot text PRIMARY KEY,
  symbol text NOT NULL,
  interval text NOT NULL,
  strategy text NOT NULL,
  strategy_settings jsonb NOT NULL,
  configuration_hash text NOT NULL,
  starting_cash numeric NOT NULL,
  cash numeric NOT NULL,
  quantity numeric NOT NULL DEFAULT 0,
  entry_price numeric,
  entry_bar timestamptz,
  entry_fee numeric,
  stop_price numeric,
  warmup_from timestamptz NOT NULL,
  start_bar timestamptz NOT NULL,
  processed_bar timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT accounts_bot_name CHECK (bot ~ '^[a-z][a-z0-9]{0,30}$'),
  CONSTRAINT accounts_starting_cash CHECK (starting_cash > 0),
  -- Sums of doubles may end a hair below zero.
  CONSTRAINT accounts_cash CHECK (cash >= -0.00000001),
  CONSTRAINT accounts_long_only CHECK (quantity >= 0),
  CONSTRAINT accounts_position CHECK (
    CASE WHEN quantity = 0
      THEN entry_price IS NULL AND entry_bar IS NULL AND entry_fee IS NULL AND stop_price IS NULL
      ELSE entry_price > 0 AND entry_bar IS NOT NULL AND entry_fee >= 0 AND stop_price > 0
    END),
  CONSTRAINT accounts_warmup_before_start CHECK (warmup_from <= start_bar)
);

-- Decisions, and all else a bot may see only its own rows of, are no hypertables: TimescaleDB lets whoever may read a
-- hypertable read its chunks directly, and row level security does not reach those.
CREATE TABLE trading.decisions (
  bot text NOT NULL REFERENCES trading.accounts (bot),
  bar timestamptz NOT NULL,
  action text NOT NULL,
  reason text NOT NULL,
  indicators jsonb NOT NULL,
  intent jsonb,
  client_order_id text,
  late boolean NOT NULL DEFAULT false,
  decided_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (bot, bar),
  CONSTRAINT decisions_action CHECK (action IN ('enter', 'exit', 'moveStop', 'hold')),
  CONSTRAINT decisions_intent CHECK ((action = 'hold') = (intent IS NULL)),
  CONSTRAINT decisions_order_of_intent CHECK ((intent IS NULL) = (client_order_id IS NULL)),
  CONSTRAINT decisions_late_holds CHECK (NOT late OR action = 'hold')
);

CREATE TABLE trading.orders (
  client_order_id text PRIMARY KEY,
  bot text NOT NULL REFERENCES trading.accounts (bot),
  bar timestamptz NOT NULL,
  action text NOT NULL,
  side text NOT NULL,
  type text NOT NULL,
  quantity numeric,
  stop_price numeric,
  status text NOT NULL,
  reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT orders_action CHECK (action IN ('enter', 'exit', 'moveStop', 'stop')),
  CONSTRAINT orders_side CHECK (side = CASE action WHEN 'enter' THEN 'buy' ELSE 'sell' END),
  CONSTRAINT orders_type CHECK (type IN ('market', 'stop')),
  CONSTRAINT orders_status CHECK (status IN ('accepted', 'working', 'filled', 'cancelled', 'rejected')),
  CONSTRAINT orders_quantity CHECK (quantity > 0),
  CONSTRAINT orders_stop_price CHECK (stop_price > 0),
  CONSTRAINT orders_stop_has_price CHECK (type <> 'stop' OR stop_price IS NOT NULL OR status = 'rejected'),
  CONSTRAINT orders_rejected_with_reason CHECK (status <> 'rejected' OR reason IS NOT NULL)
);
CREATE INDEX orders_by_bar ON trading.orders (bot, bar);
CREATE UNIQUE INDEX orders_one_working_stop ON trading.orders (bot) WHERE type = 'stop' AND status = 'working';

CREATE TABLE trading.fills (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  client_order_id text NOT NULL REFERENCES trading.orders (client_order_id),
  bot text NOT NULL REFERENCES trading.accounts (bot),
  bar timestamptz NOT NULL,
  side text NOT NULL,
  price numeric NOT NULL,
  quantity numeric NOT NULL,
  fee numeric NOT NULL,
  slippage numeric NOT NULL,
  reason text NOT NULL,
  simulated boolean NOT NULL,
  filled_at timestamptz NOT NULL,
  CONSTRAINT fills_side CHECK (side IN ('buy', 'sell')),
  CONSTRAINT fills_amounts CHECK (price > 0 AND quantity > 0 AND fee >= 0)
);
CREATE INDEX fills_by_bar ON trading.fills (bot, bar);
-- The simulation fills an order whole and once; an exchange may fill it in parts.
CREATE UNIQUE INDEX fills_once_when_simulated ON trading.fills (client_order_id) WHERE simulated;

CREATE TABLE trading.trades (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bot text NOT NULL REFERENCES trading.accounts (bot),
  entry_bar timestamptz NOT NULL,
  exit_bar timestamptz NOT NULL,
  quantity numeric NOT NULL,
  entry_price numeric NOT NULL,
  exit_price numeric NOT NULL,
  fees numeric NOT NULL,
  profit numeric NOT NULL,
  exit_reason text NOT NULL,
  CONSTRAINT trades_once UNIQUE (bot, entry_bar),
  CONSTRAINT trades_order_of_time CHECK (entry_bar <= exit_bar),
  CONSTRAINT trades_amounts CHECK (quantity > 0 AND entry_price > 0 AND exit_price > 0 AND fees >= 0)
);

CREATE TABLE trading.equity (
  bot text NOT NULL REFERENCES trading.accounts (bot),
  bar timestamptz NOT NULL,
  equity numeric NOT NULL,
  cash numeric NOT NULL,
  quantity numeric NOT NULL,
  close numeric NOT NULL,
  PRIMARY KEY (bot, bar),
  CONSTRAINT equity_position CHECK (quantity >= 0 AND close > 0)
);
