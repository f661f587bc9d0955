/// <reference lib="dom" />
import { expect } from "chai";
import type pg from "pg";
import type { Browser, Page } from "playwright-core";
import { RandomMarket } from "../../domain/randomMarket";
import type { Candle } from "../../domain/candles";
import { numberText } from "../../services/gui/page/format";
import { statusFor } from "../support/statusFor";
import { ThrowAwayDatabase } from "./database";
import { FakeService, launchChromium, startGui, type RunningGui } from "./rig";
import { shownGuard, writeGuard } from "./shownGuard";
import { holdBotLock, shownLimits, simulateRun, writeBrokerCounts, writeFeedQuality, writeFeedStatus, writeRun, type SimulatedRun } from "./simulatedRun";

const bot = "refstrat01";
const second = "secondbot";
const symbol = "BTCUSDT";
const patience = 20_000;

function madeUpCandles(count: number): Candle[] {
  const market = new RandomMarket({ seed: 7, symbol, startTime: Date.parse("2024-01-01T00:00:00Z") });
  return Array.from({ length: count }, (_nothing, index) => market.candle(index));
}

/** Pixels of one colour on the canvases of a chart. */
function pixels(page: Page, chart: string, variable: string): Promise<number> {
  return page.evaluate(
    ([selector, name]) => {
      const hex = getComputedStyle(document.documentElement).getPropertyValue(name!).trim();
      const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
      let count = 0;
      for (const canvas of document.querySelectorAll<HTMLCanvasElement>(`${selector} canvas`)) {
        if (canvas.width === 0 || canvas.height === 0) continue;
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        for (let at = 0; at < data.length; at += 4) if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count++;
      }
      return count;
    },
    [chart, variable],
  );
}

describe("the page in Chromium", function () {
  this.timeout(300_000);
  let database: ThrowAwayDatabase;
  let client: pg.Client;
  let lock: pg.Client;
  let run: SimulatedRun;
  let gui: RunningGui;
  let browser: Browser;
  let page: Page;
  const broker = new FakeService();
  const livefeed = new FakeService();
  const guard = new FakeService({ "/v1/status": () => shownGuard(bot), "/v1/alerts": () => ({ configured: true, active: [], undelivered: 0 }) });
  const complaints: string[] = [];
  const addresses = new Set<string>();

  async function open(url: string, width = 1280): Promise<Page> {
    const opened = await browser.newPage({ viewport: { width, height: 900 } });
    opened.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    opened.on("pageerror", (error) => complaints.push(error.message));
    opened.on("request", (asked) => addresses.add(new URL(asked.url()).hostname));
    await opened.goto(url);
    return opened;
  }

  const trust = (on: Page, level: string): Promise<void> => on.locator(`#trust.${level}`).waitFor({ timeout: patience });
  const reason = (on: Page, text: string): Promise<void> => on.locator("#trust-reasons li", { hasText: text }).waitFor({ timeout: patience });
  const tile = (on: Page, label: string): Promise<string[]> => on.locator("#tiles > div", { has: on.locator("dt", { hasText: label }) }).locator("dd").allTextContents();

  /** The cells of a table with text in them, once it has that many rows: each list comes with an answer of its own. */
  const cells = async (on: Page, table: string, count: number): Promise<(string | null)[][]> => {
    await on.locator(`${table} tbody tr`).nth(count - 1).waitFor({ timeout: patience });
    return on.locator(`${table} tbody tr`).evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  };

  /** Waits for the value beside a label in a list of facts. */
  const fact = async (on: Page, list: string, label: string, value: RegExp): Promise<void> => {
    await on.locator(`${list} dt:text-is("${label}") + dd`, { hasText: value }).waitFor({ timeout: patience });
  };

  before(async () => {
    run = simulateRun(bot, symbol, madeUpCandles(900));
    expect(run.trades.length).to.be.greaterThan(5);
    browser = await launchChromium();
    await broker.start();
    await livefeed.start();
    await guard.start();
    database = await ThrowAwayDatabase.start([bot, second]);
    client = await database.connect();
    await writeRun(client, run);
    await writeFeedStatus(client, run);
    await writeFeedQuality(
      client,
      run,
      [
        { minutesAgo: 300, state: "HEALTHY", reason: "candles arrive in order" },
        { minutesAgo: 200, state: "DEGRADED", reason: "1 candle is missing" },
        { minutesAgo: 195, state: "HEALTHY", reason: "candles arrive in order" },
      ],
      { silenceSeconds: 3.24, clockSkewMilliseconds: null, missingCandles: 1, flatCandles: 0, lastCandle: "2024" },
    );
    await writeBrokerCounts(client, run, 90);
    await writeGuard(client);
    lock = await database.connect();
    await holdBotLock(lock, bot);
    gui = await startGui({
      database: database.settings,
      mode: "paper",
      settings: {
        bots: [bot, second].map((name) => ({ name, symbol, interval: "1h", strategy: "RefStrat_01", ...(name === bot ? { limits: shownLimits } : {}) })),
        brokerUrl: broker.url,
        livefeedUrl: livefeed.url,
        backupUrl: null,
        guardUrl: guard.url,
        mlflowPageUrl: "http://127.0.0.1:8401",
        configuration: { hash: "0123456789abcdef" },
      },
    });
    page = await open(gui.url);
  });

  after(async () => {
    await browser?.close();
    await gui?.close();
    await client?.end().catch(() => undefined);
    await lock?.end().catch(() => undefined);
    await broker.stop();
    await livefeed.stop();
    await guard.stop();
    await database?.remove();
  });

  it("says which mode it is, that fills are simulated, and tells market time from the wall clock", async () => {
    await page.locator("header.paper").waitFor({ timeout: patience });
    expect(await page.locator("#mode-name").textContent()).to.equal("PAPER");
    expect(await page.locator("#fills").textContent()).to.equal("Fills are simulated: no order leaves this machine");
    await page.locator("#market-time", { hasText: "2024-02-07 11:00 UTC" }).waitFor({ timeout: patience });
    expect(await page.locator("#session").textContent()).to.equal("(replay: recording btcusd-1h.csv)");
    const clock = (await page.locator("#wall-clock").textContent()) ?? "";
    expect(Math.abs(Date.parse(clock.replace(" UTC", "Z").replace(" ", "T")) - Date.now())).to.be.lessThan(5000);
  });

  it("answers with care while one of two bots does not run, and shows the other's numbers", async () => {
    await trust(page, "care");
    await reason(page, `Bot ${second} is not running`);
    expect((await tile(page, `Bot ${bot}`))[0]).to.equal("running");
    expect((await tile(page, "Feed"))[0]).to.equal("HEALTHY");
    expect((await tile(page, "Equity"))[0]).to.equal(numberText(run.equity.at(-1)!.equity));
    const position = run.account.position;
    expect((await tile(page, "Position"))[0]).to.equal(position === null ? "flat" : `long ${numberText(position.quantity, 5)}`);
    expect((await tile(page, "Last decision"))[0]).to.match(/^\d+ s ago$/);
  });

  it("tells how good the feed is, in which share of the time it was, and what was found about it", async () => {
    await fact(page, "#quality", "State", /^HEALTHY since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, for 3 h$/);
    await fact(page, "#quality", "Source", /^recording btcusd-1h.csv, a replay; fills are simulated$/);
    await fact(page, "#quality", "Lease", /left: entries may pass$/);
    // 5 of 300 minutes were not.
    await fact(page, "#quality", "HEALTHY in the last 24 h", /^98\.3\d % \(known for 5 h\)$/);
    await fact(page, "#quality", "HEALTHY in the last 168 h", /^98\.3\d % \(known for 5 h\)$/);
    await fact(page, "#quality", "Judged by", /^missing candles 1, silence 3\.24 s$/);
    await fact(page, "#quality", "Found in the last hour", /^1 × open jump$/);
    expect((await cells(page, "#findings", 3)).map((row) => row.slice(1))).to.deep.equal([
      ["2024-02-07 11:00 UTC", "open jump", "note", "the open is 0.63 % from the close before: open 3,711.20, change 0.0063, close before 3,688"],
      ["2024-02-07 07:00 UTC", "backfilled", "note", "the missing candle came when it was asked for again: seconds 41.3"],
      ["2024-02-07 07:00 UTC", "gap", "DEGRADED", "1 candle is missing: missing 1"],
    ]);
  });

  it("tells what the broker did with the bot's intents and how much of its limits is used", async () => {
    const intended = run.decisions.filter(({ intent }) => intent !== null).length;
    await fact(page, "#reconciliation", "Intents and orders", new RegExp(`^${intended} intended, ${intended} sent, `));
    await fact(page, "#reconciliation", "Reconciliation", /^all of it fits together; counted \d+ s ago$/);
    const limits = await cells(page, "#limits", 7);
    expect(limits.map(([name, , allowed]) => [name, allowed])).to.deep.equal([
      ["Last entry", "at most 5.00000"],
      ["Last entry's value", "at most 12,000.00"],
      ["Position", "at most 5.00000"],
      ["Position's value", "at most 12,000.00"],
      ["Orders in an hour", "at most 10"],
      ["Orders in a day", "at most 60"],
      ["Time since the last entry", "at least 60 min"],
    ]);
    const entry = run.orders.filter(({ action, status }) => action === "enter" && status !== "rejected").sort((one, other) => other.bar - one.bar)[0]!;
    expect(limits[0]![1]).to.equal(numberText(entry.quantity, 5));
    expect(limits[1]![1]).to.equal(numberText(entry.quantity! * entry.referencePrice!));
    expect((await cells(page, "#rejections", 1)).map((row) => row.slice(1))).to.deep.equal([[bot, "lease", "2", "no entry without the feed's lease: the feed is DEGRADED (1 candle is missing)"]]);
  });

  it("says no, in red, when decisions, orders and fills do not fit together", async () => {
    await writeBrokerCounts(client, run, 90, "1 decision has no order");
    await trust(page, "no");
    await reason(page, `Bot ${bot}: decisions, orders and fills do not fit together: 1 decision has no order`);
    await page.locator("#reconciliation dd.bad", { hasText: "1 decision has no order; counted" }).waitFor({ timeout: patience });
    await writeBrokerCounts(client, run, 1);
    await trust(page, "care");
    await reason(page, `An intent of bot ${bot} was refused`);
    await writeBrokerCounts(client, run, 90);
  });

  it("tells whether the guard lets entries in, and what it did by itself", async () => {
    await client.query("UPDATE guard_status SET lease_until = now() + interval '60 minutes'");
    await fact(page, "#guard", "Lease", /^granted, 5\d min left: all is looked after$/);
    expect((await cells(page, "#guard-actions", 1)).map((row) => row.slice(1))).to.deep.equal([
      ["no-decision", bot, "restart", "no decision on the bar of 09:00 after 10 min: limit 10, minutes 10.2", "runbooks/Incident_Handling.md, 4.5 Ingen beslutning"],
    ]);
    await client.query("UPDATE guard_status SET state = 'WITHHELD', reason = 'the clocks are 41 s apart', lease_until = NULL");
    await fact(page, "#guard", "Lease", /^withheld: the broker refuses entries: the clocks are 41 s apart$/);
    await reason(page, "The guard withholds its lease: entries are blocked: the clocks are 41 s apart");
    await client.query("UPDATE guard_status SET state = 'GRANTED', reason = 'all is looked after', lease_until = now() + interval '60 minutes'");
    await fact(page, "#guard", "Lease", /^granted, /);
  });

  it("counts the time after a lease as DOWN: a feed that was killed says nothing", async () => {
    await client.query("UPDATE feed_status SET lease_until = now() - interval '75 minutes'");
    await fact(page, "#quality", "HEALTHY in the last 24 h", /^73\.3\d % /);
    await fact(page, "#quality", "Lease", /^none: the broker refuses entries$/);
    await reason(page, `The feed ${symbol} 1h was DEGRADED or DOWN for 80 min of the last 24 h: more than 0.5 %`);
    await client.query("UPDATE feed_status SET lease_until = now() + interval '60 minutes'");
    await fact(page, "#quality", "HEALTHY in the last 24 h", /^98\.3\d % /);
  });

  it("tells the figures of the chosen window, and how the bot compares with a replay", async () => {
    await fact(page, "#performance", "Figures", /^none yet$/);
    await fact(page, "#performance", "Parity", /^not compared with a replay yet: npx trading parity$/);
    await client.query(
      `INSERT INTO kpis (bot, span, bar, from_bar, bars, sharpe, sharpe_error, drawdown_max, drawdown_from_peak, trades, trades_expected, trades_verdict, fees) VALUES
         ($1, '30d', '2024-02-07T10:00Z', '2024-01-09Z', 719, 9, 9, 0.9, 0.9, 9, 9, 'as expected', 9),
         ($1, '30d', '2024-02-07T11:00Z', '2024-01-08T12:00Z', 720, 1.5, 3.494, 0.0312, 0.01, 5, 6.2, 'as expected', 61.5),
         ($1, '7d', '2024-02-07T11:00Z', '2024-01-31T12:00Z', 168, NULL, NULL, 0.02, 0.01, 0, 6.2, 'too few', 0)`,
      [bot],
    );
    await client.query(
      `INSERT INTO parities (bot, from_bar, to_bar, configuration_hash, reference, decisions_compared, decisions_matched, trades_compared, trades_matched, refused, late, tracking_error, first_difference, cause, verdict, frozen, reason, expected_trades, seconds)
       VALUES ($1, '2024-01-08Z', '2024-02-07T11:00Z', 'x', 'image', 720, 719, 6, 6, 0, 0, 0.01, '{"kind": "decision", "bar": 1707292800000}', 'revised candle', 'differs', true, 'a candle is recorded otherwise', '{}', 0.4)`,
      [bot],
    );
    await fact(page, "#performance", "Sharpe ratio a year", /^1\.50 ± 3\.49$/);
    await fact(page, "#performance", "Largest drawdown", /^3\.12 %; 1\.00 % below the highest ever now$/);
    await fact(page, "#performance", "First difference", /^decision on 2024-02-07 08:00 UTC: revised candle$/);
    await page.locator("#performance dd.bad", { hasText: "differs, frozen: a candle is recorded otherwise" }).waitFor({ timeout: patience });
    await reason(page, `Bot ${bot} did not do what a replay of its candles does: a candle is recorded otherwise`);
    await page.locator("#window").selectOption("7d");
    await fact(page, "#performance", "Sharpe ratio a year", /^–$/);
    await page.locator("#performance dd.warning", { hasText: "0, 6.2 expected: too few" }).waitFor({ timeout: patience });
    await page.locator("#window").selectOption("30d");
    // The newest comparison is the one that counts.
    await client.query(
      `INSERT INTO parities (bot, configuration_hash, reference, decisions_compared, decisions_matched, trades_compared, trades_matched, refused, late, cause, verdict, frozen, reason, expected_trades, seconds)
       VALUES ($1, 'x', 'image', 720, 720, 6, 6, 0, 0, 'none', 'equal', false, 'all of it is the same', '{}', 0.4)`,
      [bot],
    );
    await page.locator("#performance dd.good", { hasText: "equal: all of it is the same" }).waitFor({ timeout: patience });
  });

  it("draws candles, both EMA lines, the stop and the equity", async () => {
    await page.locator("#trades tbody tr").first().waitFor({ timeout: patience });
    for (const [chart, colour] of [
      ["#candles-chart", "--rise"],
      ["#candles-chart", "--fall"],
      ["#candles-chart", "--fast"],
      ["#candles-chart", "--slow"],
      ["#candles-chart", "--stop"],
      ["#equity-chart", "--fast"],
      ["#equity-chart", "--fall"],
    ] as const) {
      await page.waitForFunction(`document.querySelectorAll("${chart} canvas").length > 2`);
      expect(await pixels(page, chart, colour), `${colour} in ${chart}`).to.be.greaterThan(20);
    }
    await page.locator("#candles-summary", { hasText: "400 closed candles to 2024-02-07 11:00 UTC (market time)" }).waitFor({ timeout: patience });
  });

  it("lists trades and decisions, newest first", async () => {
    await cells(page, "#trades", run.trades.length);
    await cells(page, "#decisions", 50);
    expect(await page.locator("#trades tbody tr").count()).to.equal(run.trades.length);
    const profit = run.trades.at(-1)!.profit;
    expect(await page.locator("#trades tbody tr").first().locator("td").nth(6).textContent()).to.equal(`${profit > 0 ? "+" : ""}${numberText(profit)}`);
    expect(await page.locator("#decisions tbody tr").count()).to.equal(50);
    expect(await page.locator("#decisions tbody td").first().textContent()).to.equal("2024-02-07 11:00 UTC");
  });

  it("gives the same numbers through its API, and refuses what it cannot answer", async () => {
    const get = async (path: string): Promise<{ status: number; body: unknown }> => {
      const response = await fetch(`${gui.url}${path}`);
      return { status: response.status, body: await response.json() };
    };
    const equity = (await get(`/api/equity?bot=${bot}&limit=100`)).body as { step: number; startingCash: number; points: { time: number; equity: number }[] };
    expect(equity.step).to.equal(Math.ceil(run.equity.length / 100));
    expect(equity.points.at(-1)).to.include({ time: run.equity.at(-1)!.bar, equity: run.equity.at(-1)!.equity });
    const trades = (await get(`/api/trades?bot=${bot}`)).body as object[];
    expect(trades).to.deep.equal([...run.trades].reverse().map((trade) => ({ ...trade })));
    const candles = (await get(`/api/candles?bot=${bot}&limit=2000`)).body as { lines: { time: number; stop: number | null }[] };
    for (const trade of run.trades) {
      const held = candles.lines.filter((line) => line.time >= trade.entryBar && line.time <= trade.exitBar);
      expect(held.every((line) => line.stop !== null), `stop from ${new Date(trade.entryBar).toISOString()}`).to.equal(true);
    }
    expect(await get("/api/trades?bot=nobody")).to.deep.equal({ status: 404, body: { error: `no bot of that name; known: ${bot}, ${second}` } });
    expect(await get("/api/trades?limit=0")).to.deep.equal({ status: 400, body: { error: "limit must be a whole number from 1 to 2000" } });
    expect((await get("/readyz")).status).to.equal(200);
  });

  it("changes over to the other bot by keyboard and says that it has nothing yet", async () => {
    await page.locator("#bot").focus();
    await page.keyboard.press("ArrowDown");
    await page.locator("#trades td.empty", { hasText: "No closed trade yet" }).waitFor({ timeout: patience });
    expect(await tile(page, "Last decision")).to.deep.equal(["none yet"]);
    await page.locator("#bot").focus();
    await page.keyboard.press("ArrowUp");
    await page.locator("#trades td.number").first().waitFor({ timeout: patience });
  });

  it("answers yes when everything works, and no as soon as the broker is away", async () => {
    await client.query("INSERT INTO accounts SELECT (jsonb_populate_record(accounts, jsonb_build_object('bot', $2::text))).* FROM accounts WHERE bot = $1", [bot, second]);
    await client.query("INSERT INTO decisions SELECT (jsonb_populate_record(decisions, jsonb_build_object('bot', $2::text))).* FROM decisions WHERE bot = $1", [bot, second]);
    await holdBotLock(lock, second);
    await trust(page, "yes");
    await broker.stop();
    await trust(page, "no");
    await reason(page, "The broker does not answer (no connection (ECONNREFUSED)): orders and protective stops are not worked");
    await broker.start();
    await trust(page, "yes");
    livefeed.ready = false;
    livefeed.reason = "database: lost";
    await trust(page, "care");
    await reason(page, "The livefeed is not ready: database: lost");
    livefeed.ready = true;
    await trust(page, "yes");
  });

  it("shows a new candle by itself", async () => {
    const candle = madeUpCandles(901).at(-1)!;
    await client.query("INSERT INTO candles (symbol, interval, open_time, open, high, low, close, volume, source) VALUES ($1, '1h', $2, $3, $4, $5, $6, $7, 'recording')", [
      ...[symbol, new Date(candle.openTime), candle.open, candle.high, candle.low, candle.close, candle.volume],
    ]);
    await page.locator("#candles-summary", { hasText: "2024-02-07 12:00 UTC" }).waitFor({ timeout: patience });
    expect(await page.locator("#market-time").textContent()).to.equal("2024-02-07 12:00 UTC");
  });

  it("keeps the last values, greyed and with their age, while the database is away, also for a new visitor, and recovers", async () => {
    await client.end();
    await lock.end();
    await database.stop();
    await trust(page, "no");
    await reason(page, "The database does not answer");
    await page.locator("body.old").waitFor({ timeout: patience });
    expect(await page.locator("#as-of").textContent()).to.match(/^Values read 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, \d+ s ago$/);
    expect(await page.locator("#trades tbody tr").count()).to.equal(run.trades.length);
    expect((await fetch(`${gui.url}/readyz`)).status).to.equal(503);
    const visitor = await open(gui.url);
    await trust(visitor, "no");
    expect((await tile(visitor, "Equity"))[0]).to.equal(numberText(run.equity.at(-1)!.equity));
    await visitor.close();
    await database.startAgain();
    // Nobody holds the locks of the bots any more.
    await trust(page, "care");
    await page.locator("body:not(.old)").waitFor({ timeout: patience });
    await reason(page, `Bot ${bot} is not running`);
    expect(await page.locator("#as-of").textContent()).to.equal("");
  });

  it("fits a phone without scrolling sideways", async () => {
    const phone = await open(gui.url, 360);
    await phone.locator("#trades td.number").first().waitFor({ timeout: patience });
    const [content, width] = (await phone.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")) as [number, number];
    expect(content).to.equal(width);
    await phone.close();
  });

  it("serves only names of this machine", async () => {
    for (const path of ["/", "/api/status", "/livez", "/nothing"]) {
      expect(await statusFor(`${gui.url}${path}`, "trading.example.org"), path).to.equal(403);
    }
    expect(await statusFor(`${gui.url}/api/status`, "localhost:8400")).to.equal(200);
    expect(await statusFor(`${gui.url}/livez`, "gui:8080")).to.equal(200);
  });

  it("asked nobody but this machine and complained about nothing", () => {
    expect([...addresses]).to.deep.equal(["127.0.0.1"]);
    expect(complaints).to.deep.equal([]);
  });

  it("says that its own server is away and keeps what it showed", async () => {
    await gui.close();
    await reason(page, "The server of this page does not answer");
    await trust(page, "no");
    expect(await page.locator("#trades tbody tr").count()).to.equal(run.trades.length);
    gui = { url: gui.url, close: () => Promise.resolve() };
  });
});
