import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { parseCandles } from "../../domain/candles";
import { clientOrderId } from "../../domain/clientOrderId";
import { applyIntent, processBar } from "../../domain/execution";
import { openAccount, type Fill, type Intent } from "../../domain/orders";
import { ImageContexts } from "../../images/context";
import { realCandlesFile, recordingOf } from "../support/candles";
import { execute, PROJECT_ROOT } from "../support/throwAwayStack";
import { TradingProcesses } from "../support/tradingProcesses";

const warmupBars = 100;
const candleCount = 700;
/** Fifteen bars a second: a bot that comes back within seconds has missed a part of them, not the rest. */
const speed = 54_000;
const killedAt = 300;
const startingCash = 10_000;
const stack = "foreign";
const bot = "donchian";

/** The bot contract is enough to trade: a bot in Python that shares no line with the reference bot. */
describe("a bot in another language", function () {
  this.timeout(300_000);

  const prefix = `trading-test-${randomBytes(4).toString("hex")}`;
  let processes: TradingProcesses;
  let database: pg.Client;
  let image: string;
  let candles: ReturnType<typeof parseCandles>;
  /** Open time of the last candle. */
  let last: number;

  before(async () => {
    candles = parseCandles(await readFile(await realCandlesFile(), "utf8")).slice(0, candleCount);
    last = candles.at(-1)!.openTime;
    processes = new TradingProcesses({
      ...{ prefix, stack, bots: [bot], warmupBars, startingCash, speed },
      recording: recordingOf(candles),
      ...{ strategy: "RefStrat_01", strategySettings: {} },
    });
    await Promise.all([processes.prepare(), processes.image("mlflow")]);
    // Of MLflow's image it is Python that is wanted.
    const base = (await new ImageContexts(PROJECT_ROOT).get("mlflow")).tag;
    image = `${prefix}-image`;
    await docker("build", "--quiet", "--build-arg", `BASE=${base}`, "--tag", image, path.join(__dirname, "..", "images", "foreign"));
    database = await processes.connect();
  });

  after(async () => {
    await database?.end();
    await processes?.remove();
    if (image !== undefined) await execute("docker", ["image", "rm", "--force", image]);
  });

  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    for (const service of ["livefeed", "broker", `bot-${bot}`]) {
      process.stderr.write(`--- ${service}\n${await processes.logs(service).catch(String)}\n`);
    }
  });

  it("refuses wrong settings with exit code 2 and says all that is wrong", async () => {
    const settings = JSON.stringify({ bot, symbol: "BTCUSD", interval: "hourly", strategy: "RefStrat_01", strategySettings: {}, leverage: 3 });
    const { code, stderr } = await execute("docker", ["run", "--rm", "--name", `${prefix}-wrong`, "--env", `SETTINGS=${settings}`, "--env", "TRADING_STACK=x", image]);
    expect(code).to.equal(2);
    const wrong = ["TRADING_MODE: missing", "SETTINGS.brokerUrl", "SETTINGS.leverage: unknown key", "SETTINGS.interval: 'hourly'", "/secrets/broker-token"];
    for (const problem of wrong) expect(stderr).to.contain(problem);
  });

  it("trades the replay, and goes on after it was killed", async () => {
    await Promise.all([processes.startBroker(), processes.startFeed()]);
    await processes.startBot(bot, { image });
    await comesTo(candles[killedAt]!.openTime, "SELECT max(bar) AS bar FROM decisions");
    await processes.kill(`bot-${bot}`);
    const [mark] = await rows("SELECT max(bar) AS bar FROM decisions");
    const next = candles[candles.findIndex(({ openTime }) => openTime === mark!.bar.getTime()) + 3]!.openTime;
    await comesTo(next, "SELECT processed_bar AS bar FROM accounts");
    await processes.start(`bot-${bot}`);
    await comesTo(last, "SELECT max(bar) AS bar FROM decisions");
  });

  it("decided exactly once on every bar, late only on those it missed", async () => {
    const decisions = await rows("SELECT bar, action, late FROM decisions ORDER BY bar");
    expect(decisions.map(({ bar }) => bar.getTime())).to.deep.equal(candles.slice(warmupBars).map(({ openTime }) => openTime));
    const late = decisions.filter((decision) => decision.late);
    expect(late.length).to.be.greaterThan(0).and.to.be.lessThan(decisions.length / 2);
    expect(late.every(({ action }) => action === "hold")).to.equal(true);
  });

  it("got exactly the fills that its decisions make by the rules of the domain", async () => {
    const decisions = await rows("SELECT bar, intent FROM decisions ORDER BY bar");
    const taken = new Map((await rows("SELECT client_order_id AS id, reference_price AS price FROM orders WHERE status <> 'rejected'")).map(({ id, price }) => [id as string, Number(price)]));
    const fills: Fill[] = [];
    let account = openAccount(startingCash);
    for (const [index, { bar, intent }] of decisions.entries()) {
      const result = processBar(account, candles[warmupBars + index]!, { interval: 3_600_000 });
      account = result.account;
      fills.push(...result.fills);
      if (intent === null) continue;
      const id = clientOrderId(stack, bot, bar.getTime(), (intent as Intent).action);
      const referencePrice = taken.get(id);
      if (referencePrice !== undefined) account = applyIntent(account, intent as Intent, { clientOrderId: id, bar: bar.getTime(), referencePrice }).account;
    }
    expect(fills.filter(({ side }) => side === "buy").length).to.be.greaterThan(5);
    const written = await rows("SELECT * FROM fills ORDER BY id");
    expect(
      written.map((row) => ({
        ...{ clientOrderId: row.client_order_id, bar: row.bar.getTime(), side: row.side, price: Number(row.price) },
        ...{ quantity: Number(row.quantity), fee: Number(row.fee), slippage: Number(row.slippage), reason: row.reason },
      })),
    ).to.deep.equal(fills);
    // Nothing it intended is left without an answer.
    expect(await rows("SELECT 1 FROM decisions LEFT JOIN orders USING (client_order_id) WHERE intent IS NOT NULL AND status IS NULL")).to.deep.equal([]);
  });

  it("hands an intent in that had not reached the broker when it was killed", async () => {
    await processes.kill(`bot-${bot}`);
    const id = clientOrderId(stack, bot, last, "exit");
    await rows("UPDATE decisions SET action = 'exit', intent = $1, client_order_id = $2 WHERE bar = $3", JSON.stringify({ action: "exit" }), id, new Date(last));
    await rows("DELETE FROM orders WHERE bar = $1 AND status IN ('accepted', 'rejected')", new Date(last));
    await processes.start(`bot-${bot}`);
    await comesTo(last, `SELECT bar FROM orders WHERE client_order_id = '${id}'`);
  });

  it("tells its readiness and its figures", async () => {
    const ready = JSON.parse(await processes.ask(`bot-${bot}`, "/readyz")) as { ready: boolean; reason: string };
    expect(ready.ready).to.equal(true);
    expect(ready.reason).to.match(/^decided up to /);
    const metrics = await processes.ask(`bot-${bot}`, "/metrics");
    expect(metrics).to.contain(`trading_bot_decided_bar_timestamp_seconds ${last / 1000}`).and.to.contain('trading_bot_intents_total{action="exit"');
  });

  it("waits while another instance holds its lock", async () => {
    const name = `bot-${bot}`;
    const settings = await execute("docker", ["inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", processes.name(name)]);
    const second = processes.name("second");
    const environment = settings.stdout.split("\n").filter((line) => line.includes("=")).flatMap((line) => ["--env", line]);
    const volume = `${processes.name(`secrets-${name}`)}:/secrets:ro`;
    await docker("run", "--detach", "--name", second, "--network", processes.name("network"), "--volume", volume, ...environment, image);
    let reason = "";
    while (reason !== "another instance of this bot holds its lock") {
      const { stdout } = await execute("docker", ["exec", second, "curl", "--silent", "http://127.0.0.1:8080/readyz"]);
      reason = stdout === "" ? "" : (JSON.parse(stdout) as { reason: string }).reason;
      await delay(100);
    }
    await docker("stop", "--time", "10", second);
    expect(await docker("inspect", "--format", "{{.State.ExitCode}}", second)).to.equal("0");
  });

  it("stops on SIGTERM with exit code 0, and nothing half written", async () => {
    expect(await processes.stop(`bot-${bot}`)).to.equal(0);
    expect(await processes.logs(`bot-${bot}`)).to.contain('"msg": "stopped"');
    expect(await rows("SELECT 1 FROM decisions LEFT JOIN orders USING (client_order_id) WHERE intent IS NOT NULL AND status IS NULL")).to.deep.equal([]);
  });

  async function rows(text: string, ...values: unknown[]): Promise<any[]> {
    return (await database.query(text, values)).rows;
  }

  /** Waits until a cursor has come to a bar; fails when it stands still. */
  async function comesTo(bar: number, query: string): Promise<void> {
    let [seen, since] = [0, Date.now()];
    for (;;) {
      const now = ((await rows(query))[0]?.bar as Date | null | undefined)?.getTime() ?? 0;
      if (now >= bar) return;
      if (now !== seen) since = Date.now();
      seen = now;
      if (Date.now() - since > 60_000) throw new Error(`still at ${new Date(now).toISOString()} after a minute: ${query}`);
      await delay(20);
    }
  }
});

/** @returns the output without the last line end @throws with what Docker said */
async function docker(...words: readonly string[]): Promise<string> {
  const { code, stdout, text } = await execute("docker", words);
  if (code !== 0) throw new Error(`docker ${words[0]}: ${text.trim()}`);
  return stdout.trim();
}
