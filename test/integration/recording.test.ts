import { expect } from "chai";
import * as fs from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { backtest } from "../../domain/backtest";
import { parseCandles } from "../../domain/candles";
import { realCandlesFile } from "../support/candles";
import { eventually, ThrowAwayStack, wideLimits } from "../support/throwAwayStack";

const CANDLES = 1_100;
const WARMUP = 300;

describe("a stack of two bots that plays a recording", function () {
  this.timeout(300_000);
  let stack: ThrowAwayStack;
  let csv: string;

  before(async () => {
    const [note, head, ...rows] = (await fs.readFile(await realCandlesFile(), "utf8")).trimEnd().split("\n");
    // The newest candle comes first in the file.
    csv = [note, head, ...rows.slice(-CANDLES)].join("\n");
    stack = await ThrowAwayStack.make({
      configuration: {
        feed: { source: "recording", file: "data/real.csv.gz", warmupBars: WARMUP, speed: "maximum" },
        bots: [
          { name: "refstrat01", limits: wideLimits },
          { name: "second", settings: { emaFast: 12, emaSlow: 26 }, limits: wideLimits },
        ],
      },
      files: { "data/real.csv.gz": gzipSync(csv) },
    });
  });
  after(() => stack?.remove());

  it("comes up, and needs no change afterwards", async () => {
    const up = await stack.up();
    expect(up.code, up.text).to.equal(0);
    const preview = await stack.pulumi(["preview", "--expect-no-changes"]);
    expect(preview.code, preview.text).to.equal(0);
  });

  for (const [bot, settings] of [
    ["refstrat01", {}],
    ["second", { emaFast: 12, emaSlow: 26 }],
  ] as const) {
    it(`gives ${bot} the trades of the backtest of the same file`, async () => {
      const candles = parseCandles(csv);
      const last = candles.at(-1)!.openTime;
      await eventually(`${bot} at the last candle`, 120, async () => {
        const [bar] = await stack.query(`SELECT extract(epoch FROM processed_bar)::bigint * 1000 FROM trading.accounts WHERE bot = '${bot}'`);
        return Number(bar) === last;
      });
      const expected = backtest(candles, { parameters: settings, startBar: candles[WARMUP]!.openTime }).trades;
      const rows = await stack.query(
        `SELECT extract(epoch FROM entry_bar)::bigint * 1000, extract(epoch FROM exit_bar)::bigint * 1000, quantity, entry_price, exit_price, profit FROM trading.trades WHERE bot = '${bot}' ORDER BY entry_bar`,
      );
      expect(expected.length).to.be.greaterThan(3);
      expect(rows.map((row) => row.split("|").map(Number))).to.deep.equal(
        expected.map(({ entryBar, exitBar, quantity, entryPrice, exitPrice, profit }) => [entryBar, exitBar, quantity, entryPrice, exitPrice, profit]),
      );
    });
  }
});
