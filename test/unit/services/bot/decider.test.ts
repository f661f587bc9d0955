import { expect } from "chai";
import { CamelCasePlugin, Kysely, PostgresDialect } from "kysely";
import type pg from "pg";
import { clientOrderId } from "../../../../domain/clientOrderId";
import type { Candle } from "../../../../domain/candles";
import { createStrategy } from "../../../../domain/strategies";
import type { Answer, BrokerClient, Registration } from "../../../../services/bot/brokerClient";
import { DecidedElsewhere, Decider } from "../../../../services/bot/Decider";
import type { LockSession } from "../../../../services/bot/lockSession";
import { createMetrics } from "../../../../services/bot/metrics";
import { botSettings } from "../../../../services/bot/settings";
import { createLogger } from "../../../../services/shared/log";
import type { TradingSchema } from "../../../../services/shared/schema";
import { Registry } from "prom-client";

const hour = 3_600_000;
const count = 60;
/** Falls, then rises: the averages cross on a bar after the fall. */
const candles: Candle[] = Array.from({ length: count }, (_, index) => {
  const close = index < 40 ? 200 - index : 160 + 3 * (index - 39);
  return { openTime: index * hour, open: close, high: close + 1, low: close - 1, close, volume: 1 };
});
const registration: Registration = {
  ...{ startBar: 5 * hour, warmupFrom: 0, configurationHash: "0123", decisionWindowMilliseconds: null },
  execution: { feeRate: 0.001, slippageRate: 0.0005, priceTick: 0.01, quantityStep: 0.00001, priceCollar: 0.02 },
};
const settings = botSettings.parse({
  ...{ bot: "one", symbol: "BTCUSD", interval: "1h", strategy: "RefStrat_01", strategySettings: { emaFast: 2, emaSlow: 3, atrPeriod: 2 } },
  ...{ brokerUrl: "http://broker:8080", mlflowUrl: null },
});

/** The database as far as the decider asks it: tables in memory, one call a statement. */
class Tables {
  processed = 5;
  repairs = 0;
  market = candles;
  now = 0;
  /** Of the account's position. */
  quantity = 0;
  readonly decisions = new Map<number, any>();
  /** Decisions that a second instance wrote meanwhile. */
  readonly elsewhere = new Set<number>();
  statements = 0;

  readonly db = new Kysely<TradingSchema>({
    dialect: new PostgresDialect({ pool: { connect: async () => this, end: async () => undefined } as unknown as pg.Pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
  release(): void {}

  async query(text: string, values: readonly unknown[]): Promise<{ command: string; rowCount: number; rows: unknown[] }> {
    this.statements++;
    const rows = this.answer(text, values);
    return { command: "SELECT", rowCount: rows.length, rows };
  }

  private answer(text: string, values: readonly unknown[]): unknown[] {
    if (text.includes("INSERT INTO decisions")) {
      const fresh = (JSON.parse(values[1] as string) as { bar: string }[]).filter(({ bar }) => !this.elsewhere.has(Date.parse(bar)));
      for (const row of fresh) this.decisions.set(Date.parse(row.bar), row);
      return [{ written: fresh.length, at: this.now }];
    }
    if (text.includes('from "accounts"')) {
      const from = (values.find((value) => value instanceof Date) as Date).getTime();
      const shown = this.market.filter(({ openTime }) => openTime >= from && openTime <= this.processed * hour);
      return [
        {
          ...{ account_bot: "one", symbol: "BTCUSD", interval: "1h", starting_cash: 1000, cash: 1000, position_quantity: this.quantity },
          ...{ entry_price: 150, entry_bar: new Date(0), entry_fee: 0 },
          ...{ warmup_from: new Date(0), start_bar: new Date(5 * hour), processed_bar: new Date(this.processed * hour), client_order_id: null },
          ...{ now: this.now, repairs: this.repairs },
          candles: shown.map(({ openTime, open, high, low, close, volume }) => [openTime, open, high, low, close, volume, 0]),
        },
      ];
    }
    if (text.includes("max") || /select "bar" from "decisions"/.test(text)) {
      const last = [...this.decisions.keys()].at(-1);
      return last === undefined ? [] : [{ bar: new Date(last) }];
    }
    return [];
  }
}

/** A broker whose answers a test decides. */
class Broker {
  readonly asked: string[] = [];
  answers: Answer[] = [];
  async submit(id: string): Promise<Answer> {
    this.asked.push(id);
    return this.answers.shift() ?? { kind: "taken", status: "accepted" };
  }
}

describe("the bot's decider", () => {
  let tables: Tables;
  let broker: Broker;
  beforeEach(() => {
    tables = new Tables();
    broker = new Broker();
  });
  const seen: (number | null)[] = [];
  const told: (number | null)[] = [];
  const open = (changed: Partial<Registration> = {}): Promise<Decider> =>
    Decider.open({
      ...{ stack: "paper", settings, log: createLogger("bot", "silent"), metrics: createMetrics(new Registry()) },
      session: { lost: new AbortController().signal, db: tables.db } as unknown as LockSession,
      broker: broker as unknown as BrokerClient,
      registration: { ...registration, ...changed },
      signal: new AbortController().signal,
      onAccount: (bar) => seen.push(bar),
      onDecided: (bar) => told.push(bar),
    });
  /** The strategy's indicators after a bar when it has seen all candles of a market. */
  const indicators = (market: readonly Candle[], bar: number): unknown => {
    const strategy = createStrategy(settings.strategy, settings.strategySettings, registration.execution);
    for (const candle of market) if (candle.openTime <= bar * hour) strategy.warmUp(candle);
    return strategy.indicators();
  };
  const workTo = async (decider: Decider, bar: number): Promise<void> => {
    for (tables.processed = Math.max(tables.processed, 5); tables.processed <= bar; tables.processed++) await decider.work();
    tables.processed = bar;
  };

  it("decides once on each bar, with two statements a bar", async () => {
    const decider = await open();
    const before = tables.statements;
    await workTo(decider, 30);
    expect([...tables.decisions.keys()].map((bar) => bar / hour)).to.deep.equal(Array.from({ length: 26 }, (_, index) => 5 + index));
    expect(tables.statements - before).to.equal(2 * 26);
    await decider.work();
    expect(tables.decisions.size).to.equal(26);
    expect(tables.decisions.get(30 * hour).indicators).to.deep.equal(indicators(candles, 30));
  });

  it("goes on after a restart with the same indicators, and holds late on what it missed", async () => {
    await workTo(await open(), 30);
    tables.processed = 35;
    const decider = await open();
    await decider.work();
    expect(told.slice(-2), "read, and then written").to.deep.equal([30 * hour, 35 * hour]);
    const added = [31, 32, 33, 34, 35].map((bar) => tables.decisions.get(bar * hour));
    expect(added.map(({ action, late }) => `${action} ${late}`)).to.deep.equal([...Array(4).fill("hold true"), "hold false"]);
    expect(added[4].indicators).to.deep.equal(indicators(candles, 35));
  });

  it("computes its indicators anew when the feed repaired its candles", async () => {
    tables.market = candles.filter(({ openTime }) => openTime !== 20 * hour);
    const decider = await open();
    await workTo(decider, 30);
    expect(tables.decisions.get(30 * hour).indicators).to.deep.equal(indicators(tables.market, 30));
    // The gap is closed, and the account goes on, between two turns.
    tables.market = candles;
    tables.repairs = 1;
    tables.processed = 31;
    await decider.work();
    expect(tables.decisions.get(31 * hour).indicators).to.deep.equal(indicators(candles, 31)).and.to.not.deep.equal(indicators(candles.filter(({ openTime }) => openTime !== 20 * hour), 31));
    expect(tables.decisions.has(20 * hour)).to.equal(false);
    expect(tables.decisions.size).to.equal(26);
  });

  it("holds late where it would enter after the decision window, and leads a position as ever, by the database's clock", async () => {
    const decider = await open({ decisionWindowMilliseconds: 300_000 });
    for (tables.processed = 5; tables.processed < count; tables.processed++) {
      tables.now = (tables.processed + 1) * hour + 300_001;
      await decider.work();
    }
    const late = [...tables.decisions.values()].filter((decision) => decision.late);
    expect(late.map(({ action, reason }) => [action, reason])).to.deep.equal([["hold", "called for an entry, but the decision window of the bar was past"]]);
    expect(broker.asked).to.deep.equal([]);

    tables.quantity = 1;
    tables.market = [...candles, { openTime: count * hour, open: 210, high: 211, low: 1, close: 2, volume: 1 }];
    tables.now = (count + 1) * hour + 3 * hour;
    await decider.work();
    expect(tables.decisions.get(count * hour)).to.include({ action: "exit", late: false });
    expect(broker.asked).to.deep.equal([clientOrderId("paper", "one", count * hour, "exit")]);
  });

  it("stops when somebody else decided on a bar", async () => {
    const decider = await open();
    tables.elsewhere.add(5 * hour);
    const outcome = await decider.work().then(() => "decided", (error: unknown) => error);
    expect(outcome).to.be.instanceOf(DecidedElsewhere);
    expect(broker.asked).to.deep.equal([]);
  });

  it("hands an intent in until the broker has answered for good", async () => {
    const decider = await open();
    await workTo(decider, 39);
    broker.answers = [
      { kind: "unanswered", reason: "429 too many messages" },
      { kind: "unanswered", reason: "fetch failed: ECONNREFUSED" },
    ];
    let bar = 39;
    while (broker.asked.length === 0 && ++bar < count) {
      tables.processed = bar;
      await decider.work();
    }
    const id = clientOrderId("paper", "one", bar * hour, "enter");
    expect(tables.decisions.get(bar * hour)).to.include({ action: "enter", client_order_id: id, late: false });
    expect(decider.hasOpenIntents).to.equal(true);
    await decider.work();
    expect(decider.hasOpenIntents).to.equal(true);
    await decider.work();
    expect([broker.asked, decider.hasOpenIntents]).to.deep.equal([[id, id, id], false]);
    await decider.work();
    expect(broker.asked).to.have.length(3);
  });
});
