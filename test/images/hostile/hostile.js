// A bot that does what no bot may do. It listens on port 8080: /run/<attack> begins an attack and answers at once,
// /result/<attack> answers what came of it, or 404 while it goes on. Bundled into one file when its image is built.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const pg = require("pg");

const settings = JSON.parse(process.env.SETTINGS);
const { bot, victim, foreignLockKey } = settings;
const stack = process.env.TRADING_STACK;
const token = fs.readFileSync("/secrets/broker-token", "utf8").trim();
const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
const hour = 3_600_000;

/** SIGTERM changes nothing: only SIGKILL ends this. */
process.on("SIGTERM", () => console.log("SIGTERM ignored"));
process.on("SIGINT", () => undefined);

const connectionSettings = {
  host: process.env.DATABASE_HOST,
  port: Number(process.env.DATABASE_PORT),
  database: process.env.DATABASE_NAME,
  user: process.env.DATABASE_USER,
  password: fs.readFileSync("/secrets/database-password", "utf8").trim(),
  options: "-c search_path=trading,public",
};

async function connect() {
  const client = new pg.Client(connectionSettings);
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Every answer of the broker, by status, and by the reason of what was refused. */
const answers = {};

/** Sends a body as it is. @returns status and body */
function post(path, text, authorization = `Bearer ${token}`) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text), authorization };
    const request = http.request("http://broker:8080" + path, { method: "POST", agent, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        answers[response.statusCode] = (answers[response.statusCode] ?? 0) + 1;
        const body = Buffer.concat(parts).toString();
        resolve({ status: response.statusCode, body: body === "" ? null : JSON.parse(body) });
      });
    });
    request.on("error", reject);
    request.end(text);
  });
}

const idOf = (bar, action, of = bot) => `${stack}-${of}-${bar / 1000}-${action}`;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let database;

/** The bar this bot's account is at; waits for one after the given. */
async function barAfter(bar) {
  for (;;) {
    const { rows } = await database.query("SELECT processed_bar FROM accounts WHERE bot = $1", [bot]);
    const at = rows[0]?.processed_bar?.getTime() ?? 0;
    if (at > bar) return at;
    await pause(20);
  }
}

async function closeOf(bar) {
  const { rows } = await database.query("SELECT close FROM candles WHERE open_time = $1", [new Date(bar)]);
  return Number(rows[0].close);
}

async function decide(bar, intent) {
  const action = intent === null ? "hold" : intent.action;
  const values = [bot, new Date(bar), action, intent === null ? null : JSON.stringify(intent), intent === null ? null : idOf(bar, action)];
  await database.query(
    "INSERT INTO decisions (bot, bar, action, reason, indicators, intent, client_order_id) VALUES ($1, $2, $3, 'because', '{}', $4, $5)",
    values,
  );
  await database.query("SELECT pg_notify('decision', $1)", [bot]);
}

/** One order, not so fast that it would be held back. */
async function order(body, authorization) {
  await pause(80);
  const { status, body: answer } = await post("/v1/intents", typeof body === "string" ? body : JSON.stringify(body), authorization);
  return { status, reason: answer?.reason ?? answer?.status ?? answer?.error ?? null };
}

/** Runs a statement that must not be possible. @returns the SQLSTATE it was refused with, or "possible" */
async function tried(client, text, values) {
  try {
    await client.query(text, values);
    return "possible";
  } catch (error) {
    return error.code ?? error.message;
  }
}

/** The last bar that this bot decided on. */
let bar = 0;

/** Decides on the next bar of the account, and hands in what is given for it. @returns what the broker answered */
async function onNextBar(makeDecision, ...makeOrders) {
  bar = await barAfter(bar);
  const at = { bar, close: await closeOf(bar) };
  const decision = makeDecision(at);
  if (decision !== undefined) await decide(bar, decision);
  const results = [];
  for (const makeOrder of makeOrders) results.push(await order(makeOrder(at)));
  return results;
}

const tick = (price) => Math.round(price * 100) / 100;
const entry = (at, change = {}) => ({ action: "enter", quantity: 0.01, stopPrice: tick(at.close * 0.9), ...change });
const asOrder = (at, intent) => ({ clientOrderId: idOf(at.bar, intent.action), bar: at.bar, ...intent });
const none = () => null;

const attacks = {
  /** Takes its lock and registers, as a bot does. */
  async begin() {
    database = await connect();
    const { rows } = await database.query("SELECT trading.take_bot_lock() AS held");
    for (;;) {
      const { status } = await post("/v1/register", JSON.stringify({ warmupBars: 0 }));
      if (status === 200) break;
      await pause(200);
    }
    bar = await barAfter(0);
    await decide(bar, null);
    return { held: rows[0].held, bar };
  },

  /** Orders that are wrong each in its own way; every one on a bar of its own, so that none stands in another's way. */
  async orders() {
    const found = {};
    // The bars went on without this bot; the next one has just begun, with all of the grace to come.
    await onNextBar(none);
    const twice = async (name, change) => {
      [found[name]] = await onNextBar((at) => entry(at, change(at)), (at) => asOrder(at, entry(at, change(at))));
    };
    await twice("sizeTimesHundred", () => ({ quantity: 1 }));
    await twice("huge", () => ({ quantity: 1e11 }));
    await twice("stopAboveClose", (at) => ({ stopPrice: tick(at.close * 1.1) }));
    await twice("stopOutOfReach", () => ({ stopPrice: 0.01 }));
    await twice("negative", () => ({ quantity: -0.01 }));
    await twice("noStopPrice", () => ({ stopPrice: undefined }));
    [found.notANumber] = await onNextBar((at) => entry(at), (at) => JSON.stringify(asOrder(at, entry(at))).replace("0.01", "NaN"));
    [found.withoutDecision] = await onNextBar(() => undefined, (at) => asOrder(at, entry(at)));
    await decide(bar, null);
    [found.otherThanDecided] = await onNextBar((at) => entry(at), (at) => asOrder(at, entry(at, { quantity: 0.02 })));
    [found.good, found.again, found.otherContent, found.second] = await onNextBar(
      (at) => entry(at),
      (at) => asOrder(at, entry(at)),
      (at) => asOrder(at, entry(at)),
      (at) => asOrder(at, entry(at, { quantity: 0.02 })),
      (at) => asOrder(at, { action: "exit" }),
    );
    const entered = bar;
    [found.entryInPosition] = await onNextBar((at) => entry(at), (at) => asOrder(at, entry(at)));
    [found.exit] = await onNextBar(() => ({ action: "exit" }), (at) => asOrder(at, { action: "exit" }));
    [found.tooSoon] = await onNextBar((at) => entry(at), (at) => asOrder(at, entry(at)));
    [found.oldBar] = await onNextBar(none, (at) => ({ clientOrderId: idOf(entered, "moveStop"), bar: entered, action: "moveStop", stopPrice: tick(at.close) }));
    found.barToCome = await order({ clientOrderId: idOf(bar + 1000 * hour, "exit"), bar: bar + 1000 * hour, action: "exit" });
    found.othersId = await order({ clientOrderId: idOf(bar, "exit", victim), bar, action: "exit" });
    found.guessedToken = await order({ clientOrderId: idOf(bar, "exit", victim), bar, action: "exit" }, `Bearer ${"a".repeat(24)}`);
    found.noToken = await order({ clientOrderId: idOf(bar, "exit", victim), bar, action: "exit" }, "");
    return found;
  },

  /** Writes and locks what belongs to others. */
  async database() {
    const client = await connect();
    const at = new Date(bar);
    const found = {
      otherLock: await tried(client, "SELECT pg_try_advisory_lock(hashtext('trading.bot'), hashtext($1))", [victim]),
      otherLockByNumber: await tried(client, "SELECT pg_advisory_lock($1)", [foreignLockKey]),
      otherDecision: await tried(
        client,
        "INSERT INTO decisions (bot, bar, action, reason, indicators) VALUES ($1, now() + interval '1 hour', 'hold', '', '{}')",
        [victim],
      ),
      ownDecisionChanged: await tried(client, "UPDATE decisions SET reason = 'x' WHERE bot = $1", [bot]),
      ownDecisionDeleted: await tried(client, "DELETE FROM decisions WHERE bot = $1", [bot]),
      account: await tried(client, "UPDATE accounts SET cash = 1e9 WHERE bot = $1", [bot]),
      order: await tried(
        client,
        "INSERT INTO orders (client_order_id, bot, bar, action, side, type, quantity, status) VALUES ('x', $1, $2, 'enter', 'buy', 'market', 1, 'accepted')",
        [bot, at],
      ),
      fill: await tried(
        client,
        "INSERT INTO fills (client_order_id, bot, bar, side, price, quantity, fee, slippage, reason, simulated, filled_at) VALUES ('x', $1, $2, 'buy', 1, 1, 0, 0, '', true, now())",
        [bot, at],
      ),
      candle: await tried(client, "UPDATE candles SET close = 1"),
      lease: await tried(client, "UPDATE feed_status SET lease_until = now() + interval '1 hour'"),
      rejections: await tried(client, "DELETE FROM rejections"),
      tableLock: await tried(client, "DO $$ BEGIN LOCK TABLE decisions IN ACCESS EXCLUSIVE MODE; END $$"),
      runsLock: await tried(client, "DO $$ BEGIN LOCK TABLE runs IN ACCESS EXCLUSIVE MODE; END $$"),
      role: await tried(client, "SET ROLE broker"),
      ownerRole: await tried(client, "SET ROLE trading_owner"),
      schema: await tried(client, "CREATE TABLE trading.mine (x int)"),
      program: await tried(client, "COPY (SELECT 1) TO PROGRAM 'true'"),
    };
    const { rows } = await client.query("SELECT count(*)::int AS count FROM decisions WHERE bot <> $1", [bot]);
    found.othersDecisionsSeen = rows[0].count;
    await client.end();
    return found;
  },

  /** Decisions that nobody would expect, long ones too, and a transaction that is left open. */
  async rows() {
    const client = await connect();
    const insert =
      "INSERT INTO decisions (bot, bar, action, reason, indicators, intent, client_order_id) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    const megabyte = "x".repeat(1 << 20);
    const odd = [
      ["-infinity", "enter", "", "{}", '{"action": "enter", "quantity": "NaN", "stopPrice": 1e300}', "x"],
      ["infinity", "exit", "", "{}", "[1]", idOf(bar, "exit", victim)],
      ["2010-01-01", "enter", megabyte, "{}", JSON.stringify({ action: "enter", quantity: megabyte }), megabyte],
      ["2010-01-02", "moveStop", "", "{}", '"text"', ""],
    ];
    const tries = [];
    for (const values of odd) tries.push(await tried(client, insert, [bot, ...values]));
    // The row refers to the account, and holds it as long as the transaction is open.
    await client.query("BEGIN");
    await client.query(insert, [bot, "2010-01-03", "hold", "", "{}", null, null]);
    const { status } = await post("/v1/register", JSON.stringify({ warmupBars: 0 }));
    const { status: account } = await order({ clientOrderId: idOf(bar, "exit"), bar, action: "exit" });
    await client.query("ROLLBACK");
    await client.end();
    return { tries, registeredMeanwhile: status, judgedMeanwhile: account };
  },

  /** As many connections as the server gives, kept; and notifications under others' names. */
  async connections() {
    const held = [];
    let refused = null;
    while (refused === null && held.length < 200) {
      try {
        held.push(await connect());
      } catch (error) {
        refused = error.code;
      }
    }
    for (let round = 0; round < 1000; round++) {
      await held[0].query("SELECT pg_notify('decision', $1), pg_notify('account', $1), pg_notify('candle', $2)", [victim, '{"symbol":"BTCUSD"}']);
    }
    await Promise.all(held.slice(1).map((client) => client.end()));
    await held[0].end();
    return { held: held.length, refused };
  },

  /** 10,000 orders as fast as they go, every one of them wrong. */
  async flood() {
    const bodies = [
      () => JSON.stringify(asOrder({ bar }, { action: "enter", quantity: 100, stopPrice: 1 })),
      () => '{"action":"enter","quantity":NaN}',
      () => JSON.stringify(asOrder({ bar }, { action: "enter", quantity: 1e300, stopPrice: -1 })),
      () => JSON.stringify({ clientOrderId: idOf(bar, "exit", victim), bar, action: "exit" }),
      () => JSON.stringify({ note: "x".repeat(3000) }),
    ];
    let sent = 0;
    const sender = async () => {
      while (sent < 10_000) await post("/v1/intents", bodies[sent++ % bodies.length]());
    };
    await Promise.all(Array.from({ length: 16 }, sender));
    return { sent };
  },

  /** An entry that would be in order, had the feed a lease. */
  async withoutLease() {
    await pause(3000);
    await onNextBar(none);
    bar = await barAfter(bar);
    return order(asOrder({ bar }, { action: "enter", quantity: 0.01, stopPrice: 1 }));
  },

  /** What the broker has answered so far. */
  async answers() {
    return answers;
  },
};

const results = {};

http
  .createServer((request, response) => {
    const [, verb, name] = request.url.split("/");
    const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (verb === "livez" || verb === "readyz") return answer(200, { ready: true, reason: "never better" });
    if (verb === "run" && attacks[name] !== undefined) {
      delete results[name];
      attacks[name]().then(
        (result) => (results[name] = { result }),
        (error) => (results[name] = { error: String(error.stack ?? error) }),
      );
      return answer(202, {});
    }
    return results[name] === undefined ? answer(404, {}) : answer(200, results[name]);
  })
  .listen(8080, () => console.log(JSON.stringify({ msg: "hostile bot listens", bot })));
