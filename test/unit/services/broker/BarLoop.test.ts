import { expect } from "chai";
import { Registry } from "prom-client";
import { BarLoop, type BarLoopOptions } from "../../../../services/broker/BarLoop";
import { CandleReader } from "../../../../services/broker/CandleReader";
import { createMetrics, type BrokerMetrics } from "../../../../services/broker/metrics";
import { simulatedVenue } from "../../../../services/broker/venue";
import type { Database } from "../../../../services/shared/database";
import { defaultExecution } from "../../../../domain/execution";
import { silent } from "../shared/support";
import { first, hour, LoopTables } from "./loopTables";
import { free, scriptedDatabase } from "./support";

function loopOn(database: Database, options: Partial<BarLoopOptions> = {}): BarLoop {
  return new BarLoop({
    ...{ stack: "paper", bot: "one", symbol: "BTCUSD", database, candles: new CandleReader(database.db), log: silent },
    ...{ venue: simulatedVenue(defaultExecution), graceMilliseconds: 60_000, windowMilliseconds: 300_000 },
    ...{ metrics: createMetrics(new Registry()), lock: { held: true }, halts: { of: () => free } },
    ...options,
  });
}

/** Until nothing is under way: the answers come one event loop turn later. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("a bot's bar loop", () => {
  it("survives what goes wrong, says so, and tries again when it is woken", async () => {
    const metrics = createMetrics(new Registry());
    let questions = 0;
    const failing = scriptedDatabase(() => {
      questions++;
      throw new Error(`trouble ${questions}`);
    });
    const loop = loopOn(failing, { metrics });
    loop.wake();
    loop.wake();
    await loop.close();
    // Woken twice, but closed during the first turn.
    expect([questions, loop.status.error]).to.deep.equal([1, "trouble 1"]);
    expect((await metrics.errors.get()).values).to.deep.equal([{ labels: { bot: "one" }, value: 1 }]);
    loop.wake();
    expect(questions).to.equal(1);
  });

  it("takes another turn for what woke it during a turn", async () => {
    let questions = 0;
    const loop: BarLoop = loopOn(
      scriptedDatabase(() => {
        questions++;
        if (questions === 1) loop.wake();
        throw new Error(`trouble ${questions}`);
      }),
    );
    loop.wake();
    await rest();
    expect(loop.status.error).to.equal("trouble 2");
    await loop.close();
  });

  describe("with a market", () => {
    let tables: LoopTables;
    let metrics: BrokerMetrics;
    let loop: BarLoop;

    beforeEach(() => {
      tables = new LoopTables();
      metrics = createMetrics(new Registry());
      loop = loopOn(tables.database, { metrics });
    });
    afterEach(() => loop.close());

    const without = async () => (await metrics.barsWithout.get()).values.map(({ labels, value }) => [labels.missing, labels.because, value]);

    it("asks little: state when the bot has decided, then nothing until a candle comes, and one write for it", async () => {
      loop.candlesCame();
      await rest();
      expect(tables.news()).to.deep.equal(["state", "candles"]);
      loop.wake();
      loop.wake();
      await rest();
      expect(tables.news()).to.deep.equal([]);

      tables.candles++;
      loop.candlesCame();
      await rest();
      expect(tables.news()).to.deep.equal(["candles", "work"]);

      tables.decisions.set(1, "hold");
      loop.wake();
      await rest();
      expect(tables.news()).to.deep.equal(["state"]);
      expect(await without()).to.deep.equal([]);
    });

    it("notices when the account has another version than it had when it was read", async () => {
      loop.candlesCame();
      await rest();
      tables.news();
      tables.version = 9;
      tables.candles++;
      loop.candlesCame();
      await rest();
      expect(tables.news()).to.deep.equal(["candles", "work", "state", "candles", "work"]);
      expect(tables.processed).to.equal(1);
    });

    it("misses no candle that comes while it is looking for one", async () => {
      loop.candlesCame();
      tables.candles++;
      loop.candlesCame();
      await rest();
      expect(tables.processed).to.equal(1);
    });

    it("waits for the order of an intent, and for no longer once it was answered, even if it left none", async () => {
      tables.decisions.set(0, "enter");
      tables.candles++;
      loop.candlesCame();
      await rest();
      expect([tables.processed, loop.status.waitingFor]).to.deep.equal([0, "intent"]);
      loop.answered(`paper-one-${first / 1000}-exit`);
      await rest();
      expect(tables.processed, "another intent").to.equal(0);
      loop.answered(`paper-one-${first / 1000}-enter`);
      await rest();
      expect([tables.processed, loop.status.waitingFor]).to.deep.equal([1, null]);
      expect(await without()).to.deep.equal([]);
    });

    it("waits no longer for an intent when one came that cannot be read", async () => {
      tables.decisions.set(0, "exit");
      tables.candles++;
      loop.candlesCame();
      await rest();
      loop.answered(null);
      await rest();
      expect(tables.processed).to.equal(1);
    });

    it("works the bars of a bot that is away without being woken", async () => {
      await loop.close();
      tables.present = false;
      tables.decisions.clear();
      tables.candles += 3;
      loop = loopOn(tables.database, { metrics, graceMilliseconds: 30 });
      loop.candlesCame();
      await until(() => tables.processed === 3);
      const counts = await without();
      expect(counts.map(([missing]) => missing)).to.include("decision").and.not.include("intent");
      expect(counts.reduce((sum, [, , value]) => sum + (value as number), 0)).to.equal(3);
    });

    it("reads account and candles anew when the feed has closed a gap, and fills the stop that a late candle reached", async () => {
      tables.holding = true;
      tables.decisions.set(1, "hold").set(3, "hold");
      tables.candles = 2;
      loop.candlesCame();
      await rest();
      loop.wake();
      await rest();
      expect([tables.processed, tables.news()]).to.deep.equal([1, ["state", "candles", "work", "state"]]);

      tables.missing.add(2);
      tables.candles = 4;
      loop.candlesCame();
      await rest();
      loop.wake();
      await rest();
      expect([tables.processed, tables.news()], "nothing is known of the gap").to.deep.equal([3, ["candles", "work", "state"]]);

      tables.missing.clear();
      Object.assign(tables, { repairs: 1, passedStop: 90, candles: 5 });
      loop.candlesCame();
      await rest();
      expect(tables.processed).to.equal(4);
      expect(tables.news().slice(0, 5)).to.deep.equal(["candles", "state", "candles", "passed stop", "work"]);
      expect(tables.fills).to.deep.equal([89.95]);
    });

    it("looks for a late candle once after a start, and not again at every bar", async () => {
      Object.assign(tables, { holding: true, repairs: 3, candles: 3 });
      tables.decisions.set(1, "hold").set(2, "hold");
      loop.candlesCame();
      await rest();
      loop.wake();
      await rest();
      expect(tables.processed).to.equal(2);
      expect(tables.news().filter((what) => what === "passed stop")).to.have.length(1);
    });

    it("works nothing without the broker's lock, and begins anew with it", async () => {
      await loop.close();
      const lock = { held: false };
      loop = loopOn(tables.database, { metrics, lock });
      tables.candles++;
      loop.candlesCame();
      await rest();
      expect([tables.news(), loop.status.error]).to.deep.equal([[], null]);
      lock.held = true;
      loop.begin();
      await rest();
      expect(tables.processed).to.equal(1);
    });

    it("writes nothing of a bar when the lock is lost while it is worked", async () => {
      await loop.close();
      const lock = { held: true };
      tables.candles++;
      loop = loopOn(tables.database, { metrics, lock });
      tables.onCandles = () => (lock.held = false);
      loop.candlesCame();
      await rest();
      expect([tables.processed, tables.news()]).to.deep.equal([0, ["state", "candles"]]);
    });

    it("takes no notice of a wall clock that is set", async () => {
      const now = Date.now;
      try {
        tables.decisions.clear();
        tables.candles++;
        loop.candlesCame();
        await rest();
        Date.now = () => now() + hour;
        loop.wake();
        await rest();
        expect([tables.processed, loop.status.waitingFor]).to.deep.equal([0, "decision"]);
        Date.now = () => now() - hour;
        tables.decisions.set(0, "hold");
        loop.wake();
        await rest();
        expect(tables.processed).to.equal(1);
      } finally {
        Date.now = now;
      }
    });

    it("goes on by itself when the grace of a bot that is there is over", async () => {
      await loop.close();
      tables.decisions.clear();
      tables.candles++;
      loop = loopOn(tables.database, { metrics, graceMilliseconds: 40 });
      loop.candlesCame();
      await until(() => tables.processed === 1);
      expect(await without()).to.deep.equal([["decision", "grace", 1]]);
    });
  });
});

describe("candles for many loops", () => {
  const account = (processedBar: number | null) => ({
    ...{ bot: "one", symbol: "BTCUSD", interval: "1h", startingCash: 1, warmupFrom: first, startBar: first },
    account: { cash: 1, position: null, orders: [], processedBar },
  });

  it("are read once for all that ask for the same, and again when one came meanwhile", async () => {
    let read = 0;
    const reader = new CandleReader(
      scriptedDatabase(() => {
        read++;
        return [];
      }).db,
    );
    await Promise.all(Array.from({ length: 20 }, () => reader.next(account(first))));
    expect(read).to.equal(1);
    const asked = reader.next(account(first));
    reader.outdated("ETHUSD");
    void reader.next(account(first));
    reader.outdated("BTCUSD");
    await Promise.all([asked, reader.next(account(first)), reader.next(account(null))]);
    expect(read).to.equal(4);
  });
});
