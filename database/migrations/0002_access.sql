-- Up Migration

-- Who may do what. Nobody but the owner may delete; candles, decisions, fills, trades and equity are never changed.
-- The roles are made by the migrator; trading_bot is the group of all bots, whose roles are called bot_<name>.

GRANT USAGE ON SCHEMA trading TO livefeed, broker, gui, trading_bot;

GRANT SELECT, INSERT ON trading.feed_sessions, trading.candles, trading.feed_findings TO livefeed;
GRANT SELECT, INSERT, UPDATE ON trading.feed_status TO livefeed;
-- A replay is over when every account has worked through it.
GRANT SELECT (bot, symbol, interval, processed_bar) ON trading.accounts TO livefeed;

GRANT SELECT ON trading.feed_sessions, trading.candles, trading.feed_status, trading.feed_findings, trading.decisions TO broker;
GRANT SELECT, INSERT, UPDATE ON trading.accounts, trading.orders TO broker;
GRANT SELECT, INSERT ON trading.fills, trading.trades, trading.equity TO broker;

GRANT SELECT ON trading.feed_sessions, trading.candles, trading.feed_status, trading.feed_findings, trading.accounts,
  trading.decisions, trading.orders, trading.fills, trading.trades, trading.equity TO gui;

GRANT SELECT ON trading.candles, trading.feed_status, trading.accounts, trading.orders, trading.fills, trading.equity TO trading_bot;
GRANT SELECT, INSERT ON trading.decisions TO trading_bot;

ALTER TABLE trading.accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY accounts_of_broker ON trading.accounts TO broker USING (true) WITH CHECK (true);
CREATE POLICY accounts_for_readers ON trading.accounts FOR SELECT TO gui, livefeed USING (true);
CREATE POLICY accounts_of_bot ON trading.accounts FOR SELECT TO trading_bot USING (current_user = 'bot_' || bot);

ALTER TABLE trading.decisions ENABLE ROW LEVEL SECURITY;
CREATE POLICY decisions_for_readers ON trading.decisions FOR SELECT TO broker, gui USING (true);
CREATE POLICY decisions_of_bot ON trading.decisions TO trading_bot
  USING (current_user = 'bot_' || bot) WITH CHECK (current_user = 'bot_' || bot);

ALTER TABLE trading.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY orders_of_broker ON trading.orders TO broker USING (true) WITH CHECK (true);
CREATE POLICY orders_for_gui ON trading.orders FOR SELECT TO gui USING (true);
CREATE POLICY orders_of_bot ON trading.orders FOR SELECT TO trading_bot USING (current_user = 'bot_' || bot);

ALTER TABLE trading.fills ENABLE ROW LEVEL SECURITY;
CREATE POLICY fills_of_broker ON trading.fills TO broker USING (true) WITH CHECK (true);
CREATE POLICY fills_for_gui ON trading.fills FOR SELECT TO gui USING (true);
CREATE POLICY fills_of_bot ON trading.fills FOR SELECT TO trading_bot USING (current_user = 'bot_' || bot);

ALTER TABLE trading.equity ENABLE ROW LEVEL SECURITY;
CREATE POLICY equity_of_broker ON trading.equity TO broker USING (true) WITH CHECK (true);
CREATE POLICY equity_for_gui ON trading.equity FOR SELECT TO gui USING (true);
CREATE POLICY equity_of_bot ON trading.equity FOR SELECT TO trading_bot USING (current_user = 'bot_' || bot);
