"""A minimal bot that keeps the bot contract (docs/bot-contract.md), from top to bottom in the order of the contract.

Its rule: buy when the close is above the highest high of the 20 bars before, leave below the lowest low of the 10 bars
before (Donchian channels); the protective stop rises with that low.
"""

import json
import os
import re
import select
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import ROUND_DOWN, Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2

ENTRY_BARS, EXIT_BARS = 20, 10
POLL_SECONDS, RETRY_SECONDS = 5, 1


# --- Settings: everything that is wrong in one message, exit code 2 --------------------------------------------------

def load_settings():
    problems, settings = [], {}
    for name in ("TRADING_STACK", "TRADING_MODE", "DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_USER"):
        if not os.environ.get(name):
            problems.append(f"{name}: missing")
    try:
        settings = json.loads(os.environ.get("SETTINGS", ""))
    except json.JSONDecodeError as error:
        problems.append(f"SETTINGS: no valid JSON ({error})")
    needed = {"bot": str, "symbol": str, "interval": str, "strategy": str, "strategySettings": dict, "brokerUrl": str}
    for key, kind in needed.items():
        if not isinstance(settings.get(key), kind):
            problems.append(f"SETTINGS.{key}: {settings.get(key)!r} - allowed: {kind.__name__}")
    for key in settings.keys() - needed.keys() - {"mlflowUrl"}:
        problems.append(f"SETTINGS.{key}: unknown key")
    if not re.fullmatch(r"[1-9]\d{0,3}[mhd]", str(settings.get("interval"))):
        problems.append(f"SETTINGS.interval: {settings.get('interval')!r} - allowed: a count and one of m, h, d")
    secrets = {}
    for name in ("database-password", "broker-token"):
        try:
            with open(f"/secrets/{name}", encoding="utf-8") as file:
                secrets[name] = file.read().rstrip("\r\n")
        except OSError as error:
            problems.append(f"/secrets/{name}: {error.strerror}")
    if problems:
        print("the settings are wrong:\n  " + "\n  ".join(problems), file=sys.stderr)
        sys.exit(2)
    return settings, secrets


settings, secrets = load_settings()
bot, stack = settings["bot"], os.environ["TRADING_STACK"]
unit = {"m": "minutes", "h": "hours", "d": "days"}[settings["interval"][-1]]
interval = timedelta(**{unit: int(settings["interval"][:-1])})


def log(message, **values):
    line = {"level": "info", "time": datetime.now(timezone.utc).isoformat(), "service": f"bot-{bot}", "msg": message}
    print(json.dumps({**line, **values}, default=str))


# --- SIGTERM: what is under way is finished, then exit code 0 --------------------------------------------------------

stop_reader, stop_writer = os.pipe()
stopping = False


def stop(*_):
    global stopping
    stopping = True
    os.write(stop_writer, b"!")


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)


def pause(seconds, *sources):
    """Sleeps until a source has something to read, the bot has to stop, or the time is up."""
    if not stopping:
        select.select([stop_reader, *sources], [], [], seconds)


# --- HTTP: /livez, /readyz, /metrics ---------------------------------------------------------------------------------

status = {"waiting_for": "starting", "turn": 0.0, "decided": None}
decisions, intents = Counter(), Counter()


def readiness():
    if status["waiting_for"]:
        return False, status["waiting_for"]
    # A turn ends when the account's last bar is decided on, and there is one at least every poll.
    age = time.monotonic() - status["turn"]
    return age < 3 * POLL_SECONDS, f"decided up to {status['decided']}, {age:.0f} s ago"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        code, kind = 200, "application/json"
        if self.path == "/livez":
            body = '{"alive": true}'
        elif self.path == "/readyz":
            ready, reason = readiness()
            code, body = (200 if ready else 503), json.dumps({"ready": ready, "reason": reason})
        elif self.path == "/metrics":
            kind, decided = "text/plain; version=0.0.4", status["decided"]
            lines = [f'trading_bot_decisions_total{{action="{action}",late="{late}"}} {count}' for (action, late), count in decisions.items()]
            lines += [f'trading_bot_intents_total{{action="{action}",result="{result}"}} {count}' for (action, result), count in intents.items()]
            lines += [f"trading_bot_decided_bar_timestamp_seconds {decided.timestamp():.0f}"] if decided else []
            body = "\n".join(lines) + "\n"
        else:
            code, body = 404, '{"error": "not found"}'
        self.send_response(code)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


# --- The broker ------------------------------------------------------------------------------------------------------

def post(path, body):
    """Returns status and answer; status 0 when nobody answered."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {secrets['broker-token']}"}
    request = urllib.request.Request(settings["brokerUrl"] + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, {"reason": error.read(500).decode(errors="replace")}
    except OSError as error:
        return 0, {"reason": str(error)}


# --- The life of a bot -----------------------------------------------------------------------------------------------

class Life:
    """Lock, registration, decisions; all on one connection, so that without the lock nothing can be written."""

    def __init__(self):
        self.connection = psycopg2.connect(
            host=os.environ["DATABASE_HOST"], port=os.environ["DATABASE_PORT"], dbname=os.environ["DATABASE_NAME"],
            user=os.environ["DATABASE_USER"], password=secrets["database-password"], connect_timeout=5,
            options="-c search_path=trading -c timezone=UTC -c statement_timeout=5000")
        self.connection.autocommit = True
        self.answered = set()

    def rows(self, text, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall()

    def run(self):
        status["waiting_for"] = "another instance of this bot holds its lock"
        while not stopping and not self.rows("SELECT trading.take_bot_lock()")[0][0]:
            pause(RETRY_SECONDS)
        while not stopping:
            code, answer = post("/v1/register", {"warmupBars": ENTRY_BARS + 1})
            if code == 200:
                break
            status["waiting_for"] = f"not registered at the broker: {code} {answer['reason']}"
            pause(RETRY_SECONDS)
        else:
            return
        self.registration = answer
        log("registered at the broker", **answer)
        self.rows("LISTEN account; SELECT 1")
        status.update(waiting_for=None, turn=time.monotonic())
        while not stopping:
            unanswered = self.turn()
            status["turn"] = time.monotonic()
            self.wait(RETRY_SECONDS if unanswered else POLL_SECONDS)

    def wait(self, seconds):
        """Until the broker has something to say of this bot's account."""
        deadline = time.monotonic() + seconds
        while not stopping and (left := deadline - time.monotonic()) > 0:
            self.connection.poll()
            heard = [notification.payload for notification in self.connection.notifies]
            self.connection.notifies.clear()
            if bot in heard:
                return
            pause(left, self.connection)

    def turn(self):
        """Decides up to the account's last bar. Returns whether an intent waits for an answer."""
        # One statement, so that all of it is of one moment: bars that passed while the bot was away get their late hold
        # (the account has left them, nothing can be done on them any more), and the account is read as it stands.
        found = self.rows(
            """WITH account AS (SELECT * FROM accounts WHERE bot = %s AND processed_bar IS NOT NULL),
               passed AS (
                 INSERT INTO decisions (bot, bar, action, reason, indicators, late)
                 SELECT a.bot, c.open_time, 'hold', 'the bar passed while the bot was away', '{}', true
                 FROM account AS a JOIN candles AS c ON c.symbol = a.symbol AND c.interval = a.interval
                 WHERE c.open_time >= a.start_bar AND c.open_time < a.processed_bar
                   AND c.open_time > coalesce((SELECT max(bar) FROM decisions WHERE bot = a.bot), '-infinity')
                 RETURNING bar)
               SELECT a.processed_bar, a.cash, a.quantity, a.stop_price, clock_timestamp(), (SELECT count(*) FROM passed),
                 EXISTS (SELECT FROM orders AS o WHERE o.bot = a.bot AND o.status = 'accepted'),
                 EXISTS (SELECT FROM decisions AS d WHERE d.bot = a.bot AND d.bar = a.processed_bar)
               FROM account AS a""", bot)
        if found:
            bar, cash, quantity, stop_price, now, passed, pending, decided = found[0]
            decisions["hold", "true"] += passed
            if not decided:
                window = self.registration["decisionWindowMilliseconds"]
                # An entry has its time around the close; what leads a position is never too late.
                may_enter = window is None or abs(now - bar - interval) <= timedelta(milliseconds=window)
                self.decide(bar, cash, quantity, stop_price, pending, may_enter)
            status["decided"] = bar
        return self.hand_in()

    def decide(self, bar, cash, quantity, stop_price, pending, may_enter):
        # The rule looks back a fixed number of bars, so it is the same after any restart and any repair of the candles.
        candles = self.rows(
            """SELECT high, low, close FROM candles WHERE symbol = %s AND interval = %s AND open_time <= %s
               ORDER BY open_time DESC LIMIT %s""", settings["symbol"], settings["interval"], bar, ENTRY_BARS + 1)
        close, before = candles[0][2], candles[1:]
        if len(before) < ENTRY_BARS:
            return self.write(bar, "hold", "warming up", {}, None)
        highest = max(high for high, _, _ in before)
        lowest = min(low for _, low, _ in before[:EXIT_BARS])
        stop_at = self.grid(lowest, "priceTick")
        indicators = {"highest": float(highest), "lowest": float(lowest)}
        action, reason, intent = "hold", "in position" if quantity else "no breakout", None
        if pending:
            reason = "an order waits for the next bar"
        elif quantity == 0 and close > highest and not may_enter:
            reason = "the time for an entry on the bar was past"
            return self.write(bar, action, reason, indicators, None, late=True)
        elif quantity == 0 and close > highest:
            size = self.grid(cash / 2 / close, "quantityStep")
            if size > 0:
                action, reason = "enter", f"close {close} above the highest high {highest}"
                intent = {"action": action, "quantity": float(size), "stopPrice": float(stop_at)}
        elif quantity > 0 and close < lowest:
            action, reason = "exit", f"close {close} below the lowest low {lowest}"
            intent = {"action": action}
        elif quantity > 0 and stop_at > stop_price:
            action, reason = "moveStop", f"the lowest low rose to {lowest}"
            intent = {"action": action, "stopPrice": float(stop_at)}
        self.write(bar, action, reason, indicators, intent)

    def grid(self, value, step):
        """Rounds down to a multiple of a step of the broker's."""
        size = Decimal(str(self.registration["execution"][step]))
        return (value / size).to_integral_value(ROUND_DOWN) * size

    def write(self, bar, action, reason, indicators, intent, late=False):
        """The decision first, and the broker told in the same statement; the intent is handed in from what is written."""
        order_id = intent and f"{stack}-{bot}-{int(bar.timestamp())}-{action}"
        written = self.rows(
            """WITH written AS (
                 INSERT INTO decisions (bot, bar, action, reason, indicators, intent, client_order_id, late)
                 VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING bar)
               SELECT count(*), pg_notify('decision', %s) FROM written""",
            bot, bar, action, reason, json.dumps(indicators), intent and json.dumps(intent), order_id, late, bot)[0][0]
        if written == 0:
            raise RuntimeError(f"bar {bar} was decided on elsewhere")
        decisions[action, str(late).lower()] += 1

    def hand_in(self):
        """Hands in every intent without an order, those from before a restart too. Returns whether one has no answer."""
        unanswered = False
        for order_id, bar, intent in self.rows(
            """SELECT d.client_order_id, d.bar, d.intent FROM decisions AS d LEFT JOIN orders AS o USING (client_order_id)
               WHERE d.bot = %s AND d.intent IS NOT NULL AND o.client_order_id IS NULL ORDER BY d.bar""", bot):
            if order_id in self.answered:
                continue
            code, answer = post("/v1/intents", {"clientOrderId": order_id, "bar": int(bar.timestamp() * 1000), **intent})
            final = code in (200, 201, 409, 422)
            intents[intent["action"], {200: "taken", 201: "taken"}.get(code, "rejected" if final else "unanswered")] += 1
            log("intent handed in", clientOrderId=order_id, code=code, answer=answer)
            if final:
                self.answered.add(order_id)
            unanswered = unanswered or not final
        return unanswered


threading.Thread(target=ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever, daemon=True).start()
while not stopping:
    try:
        life = Life()
        try:
            life.run()
        finally:
            life.connection.close()
    except psycopg2.Error as error:
        status["waiting_for"] = f"the database is not reachable: {error}".strip()
        log(status["waiting_for"])
        pause(RETRY_SECONDS)
log("stopped")
sys.exit(0)
