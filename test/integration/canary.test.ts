import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type pg from "pg";
import { defaultExecution, gridsOf } from "../../domain/execution";
import { parseCandles } from "../../domain/candles";
import { strategySettingsSchema } from "../../domain/strategies";
import { runParity } from "../../services/performance/parityRun";
import { realCandlesFile, recordingOf } from "../support/candles";
import { kyselyOn } from "../support/kyselyOn";
import { expectSound, Ledger } from "../support/ledger";
import { eventually } from "../support/throwAwayStack";
import { TradingProcesses } from "../support/tradingProcesses";

const candleCount = 1200;
const warmupBars = 300;
const startingCash = 10_000;
const strategy = "RefStrat_01";
const strategySettings = strategySettingsSchema(strategy).parse({}) as object;
const stack = "canary";
const bot = "trader";
const fraction = 0.1;

describe("the first days after a promotion", function () {
  this.timeout(300_000);

  let processes: TradingProcesses;
  let database: pg.Client;
  const ledger = new Ledger(() => database, bot);

  before(async () => {
    const candles = parseCandles(await readFile(await realCandlesFile(), "utf8")).slice(0, candleCount);
    processes = new TradingProcesses({
      ...{ prefix: `trading-test-${randomBytes(4).toString("hex")}`, stack, bots: [bot], recording: recordingOf(candles), warmupBars, startingCash, strategy, strategySettings },
      speed: "maximum",
    });
    await processes.prepare();
    database = await processes.connect();
    await Promise.all([processes.startBroker({ settings: { canary: { until: "9999-12-31T00:00:00.000Z", fraction } } }), processes.startFeed()]);
    await processes.startBot(bot);
    await eventually("the last candle", 120, async () => {
      const [row] = await ledger.rows("SELECT max(bar) AS bar FROM decisions");
      return row?.bar?.getTime() === candles.at(-1)!.openTime;
    });
    await ledger.settled(30);
  });

  after(async () => {
    await database?.end();
    await processes?.remove();
  });

  it("fill a tenth of each entry that is decided, and work all else by the same rules", async () => {
    const seen = await expectSound(ledger, { stack, startingCash, explained: /nothing is refused/ });
    expect(seen).to.include({ refused: 0, late: 0 });
    expect(seen.trades).to.be.greaterThan(3);
    const entries = (await ledger.orders()).filter(({ action, status }) => action === "enter" && status === "filled");
    const filled = new Map((await ledger.book()).fills.map(({ clientOrderId, quantity }) => [clientOrderId, quantity]));
    for (const { clientOrderId, quantity, sizeLimit, reason } of entries) {
      expect([sizeLimit, filled.get(clientOrderId)]).to.deep.equal(Array(2).fill(gridsOf(defaultExecution).quantity.down(quantity! * fraction)));
      expect(reason).to.equal("reduced to the size of the first days after a promotion");
    }
  });

  it("leave the books fitting together, and the record equal to a replay", async () => {
    await eventually("a count of what was intended, sent and filled", 90, async () => {
      const [row] = await ledger.rows("SELECT mismatch, filled FROM reconciliations WHERE bot = $1", bot);
      return row !== undefined && row.mismatch === null && Number(row.filled) > 3;
    });
    const watched = { name: bot, address: "http://127.0.0.1:9", image: null };
    const row = await runParity({ db: kyselyOn(database), execution: defaultExecution, days: 365, token: "none", signal: AbortSignal.timeout(60_000) }, watched);
    expect(row).to.include({ verdict: "equal", cause: "none", frozen: false, refused: 0, trackingError: 0, equityGap: 0 });
  });
});
