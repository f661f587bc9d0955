import { expect } from "chai";
import * as fs from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { backtest, type BacktestResult } from "../../domain/backtest";
import { parseCandles, type Candle } from "../../domain/candles";
import { kpisOfSpan, SPANS, spanStart, type Span } from "../../domain/kpis/spans";
import { tradesPer30Days } from "../../domain/kpis/trades";
import { ImageBuilder } from "../../images/build";
import { kpiRow } from "../../services/performance/kpiRow";
import { realCandlesFile } from "../support/candles";
import { eventually, ThrowAwayStack, wideLimits, type Outcome } from "../support/throwAwayStack";

const CANDLES = 1_020;
const WARMUP = 300;
const HOUR = 3_600_000;

interface ParityDocument {
  readonly bots: readonly { readonly bot: string; readonly parity: Record<string, any> }[];
}

describe("the numbers of a stack that plays a recording", function () {
  this.timeout(600_000);
  let stack: ThrowAwayStack;
  let candles: Candle[];

  before(async () => {
    const [note, head, ...rows] = (await fs.readFile(await realCandlesFile(), "utf8")).trimEnd().split("\n");
    // The newest candle comes first in the file.
    const csv = [note, head, ...rows.slice(-CANDLES)].join("\n");
    candles = parseCandles(csv);
    stack = await ThrowAwayStack.make({ files: { "data/real.csv.gz": gzipSync(csv) } });
    const late = await patchedBot({ "services/bot/plan.ts": lateView });
    const seed = await patchedBot({ "domain/strategies/refStrat01.ts": otherSeed });
    stack.configure({
      feed: { source: "recording", file: "data/real.csv.gz", warmupBars: WARMUP, speed: "maximum" },
      bots: [
        { name: "refstrat01", limits: wideLimits },
        { name: "late", image: late, limits: wideLimits },
        { name: "seed", image: seed, limits: wideLimits },
      ],
      performance: { parityDays: 365 },
    });
  });
  after(() => stack?.remove());

  /** Image of the reference bot with files changed; the project is as it was afterwards. */
  async function patchedBot(patches: Readonly<Record<string, (text: string) => string>>): Promise<string> {
    const originals = Object.keys(patches).map((file) => [file, stack.read(file)] as const);
    for (const [file, text] of originals) stack.write(file, patches[file]!(text));
    try {
      const id = await new ImageBuilder(stack.root, () => undefined).ensure("bot");
      await stack.noteChangedImages();
      return id;
    } finally {
      for (const [file, text] of originals) stack.write(file, text);
    }
  }

  it("comes up, and works the recording to its end", async () => {
    const up = await stack.up();
    expect(up.code, up.text).to.equal(0);
    const last = candles.at(-1)!.openTime / 1000;
    await eventually("every bot at the last candle", 240, async () => {
      const bars = await stack.query("SELECT extract(epoch FROM processed_bar)::bigint FROM trading.accounts");
      return bars.length === 3 && bars.every((bar) => Number(bar) === last);
    });
    await eventually("figures of the last candle", 30, async () => {
      const bars = await stack.query("SELECT DISTINCT extract(epoch FROM max(bar))::bigint FROM trading.kpis GROUP BY bot, span");
      return bars.length === 1 && Number(bars[0]) === last;
    });
  });

  const parity = async (bot: string): Promise<{ readonly outcome: Outcome; readonly parity: Record<string, any> }> => {
    const outcome = await stack.trading(["parity", "--bot", bot, "--json"]);
    const document = JSON.parse(outcome.stdout) as ParityDocument;
    return { outcome, parity: document.bots[0]!.parity };
  };

  it("finds the reference bot equal to the replay through its own image, decision by decision and trade by trade", async () => {
    const { outcome, parity: found } = await parity("refstrat01");
    expect(outcome.code, outcome.text).to.equal(0);
    expect(found).to.include({ verdict: "equal", cause: "none", frozen: false, reference: "image", note: null, refused: 0, late: 0, trackingError: 0, equityGap: 0, firstDifference: null });
    expect([found["decisionsMatched"], found["decisionsCompared"]]).to.deep.equal([CANDLES - WARMUP, CANDLES - WARMUP]);
    expect(found["tradesCompared"]).to.be.greaterThan(3);
    expect(found["tradesMatched"]).to.equal(found["tradesCompared"]);
    expect(found["image"]).to.match(/^sha256:[0-9a-f]{64}$/);
  });

  it("stores the figures that a backtest of the same candles has", async () => {
    const run = backtest(candles, { startBar: candles[WARMUP]!.openTime });
    await eventually("figures that know the parity", 30, async () => (await kpisInDatabase("refstrat01")).every((row) => row["decision_match"] === 1));
    const known = { trackingError: 0, meanDifference: 0, equityGap: 0, decisionMatch: 1 };
    const bar = candles.at(-1)!.openTime;
    const expected = SPANS.map((span) => withoutTimes(snakeCased(kpiRow({ bot: "refstrat01", span, bar }, kpisOfSpan(ledgerOf(run), span, HOUR, rateOf(run, span)), known))));
    expect((await kpisInDatabase("refstrat01")).map(withoutTimes)).to.deep.equal(expected);
    expect(expected.find(({ span }) => span === "all")!["sharpe"]).to.be.a("number");
  });

  it("shows them in npx trading kpis, in the metrics and on the page's API", async () => {
    const { stdout, code } = await stack.trading(["kpis", "--window", "all", "--json"]);
    expect(code).to.equal(0);
    const [stored] = (await kpisInDatabase("refstrat01")).filter(({ span }) => span === "all");
    const shown = (JSON.parse(stdout) as { bots: { bot: string; kpis: Record<string, unknown> }[] }).bots.find(({ bot }) => bot === "refstrat01")!.kpis;
    expect([shown["sharpe"], shown["drawdownMax"], shown["trades"], shown["decisionMatch"]]).to.deep.equal([stored!["sharpe"], stored!["drawdown_max"], stored!["trades"], 1]);
    const metrics = (await stack.docker(["exec", stack.container("performance"), "curl", "--silent", "http://127.0.0.1:8080/metrics"])).stdout;
    expect(metrics).to.include(`trading_performance_sharpe_ratio{bot="refstrat01",window="all"} ${stored!["sharpe"]}`).and.include('trading_performance_parity_decision_match_ratio{bot="refstrat01"} 1');
    const page = (await (await fetch(`http://127.0.0.1:${stack.portBase}/api/performance?bot=refstrat01`)).json()) as { windows: { window: string; sharpe: number }[]; parity: { verdict: string } };
    expect(page.windows.find(({ window }) => window === "all")!.sharpe).to.equal(stored!["sharpe"]);
    expect(page.parity.verdict).to.equal("equal");
  });

  it("tells MLflow of the comparison, with the image it was of", async () => {
    await eventually("the comparison is in MLflow", 60, async () => (await stack.query("SELECT count(*) FROM trading.parities WHERE bot = 'refstrat01' AND NOT sent"))[0] === "0");
    const [[image, run] = []] = (await stack.query("SELECT image || ' ' || run_id FROM trading.parities WHERE bot = 'refstrat01' ORDER BY id LIMIT 1")).map((row) => row.split(" "));
    const search = { experiment_ids: ["0", "1", "2", "3"], filter: `tags."trading.run" = '${run}'`, max_results: 10 };
    const answer = await fetch(`http://127.0.0.1:${stack.portBase + 1}/api/2.0/mlflow/runs/search`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(search) });
    const { runs = [] } = (await answer.json()) as { runs?: { info: { status: string }; data: { params: { key: string; value: string }[]; metrics: { key: string; value: number }[] } }[] };
    expect(runs.map(({ info }) => info.status)).to.deep.equal(["FINISHED"]);
    expect(runs[0]!.data.params).to.deep.include({ key: "image", value: image });
    expect(runs[0]!.data.metrics.find(({ key }) => key === "decisionMatch")!.value).to.equal(1);
  });

  it("catches a bot that is one bar late", async () => {
    const { outcome, parity: found } = await parity("late");
    expect(outcome.code).to.equal(1);
    expect(found).to.include({ verdict: "differs", cause: "one bar late", frozen: true });
    expect(found["firstDifference"]).to.have.keys("kind", "bar", "own", "reference", "candles");
  });

  it("catches a bot whose averages were seeded otherwise, which its own image cannot show", async () => {
    const { parity: found } = await parity("seed");
    expect(found).to.include({ verdict: "differs", cause: "indicator seed", reference: "program" });
    expect(found["firstDifference"].bar).to.equal(candles[WARMUP]!.openTime);
  });

  it("catches a candle that was revised", async () => {
    const bar = candles[WARMUP + 400]!;
    const at = `open_time = to_timestamp(${bar.openTime / 1000})`;
    await stack.query(`UPDATE trading.candles SET close = close + 1, high = high + 1 WHERE ${at}`);
    try {
      const { parity: found } = await parity("refstrat01");
      expect(found).to.include({ verdict: "differs", cause: "revised candle" });
      expect(found["firstDifference"].bar).to.equal(bar.openTime);
      expect(found["firstDifference"].candles.at.close).to.equal(bar.close + 1);
    } finally {
      await stack.query(`UPDATE trading.candles SET close = close - 1, high = high - 1 WHERE ${at}`);
    }
    expect((await parity("refstrat01")).parity).to.include({ verdict: "equal" });
  });

  it("catches a fee that was changed, and knows it for costs", async () => {
    await stack.query("UPDATE trading.fills SET fee = fee * 1.5 WHERE id = (SELECT min(id) FROM trading.fills WHERE bot = 'refstrat01')");
    const { outcome, parity: found } = await parity("refstrat01");
    expect(found).to.include({ verdict: "costs", cause: "fee", frozen: false });
    expect(found["decisionsMatched"]).to.equal(found["decisionsCompared"]);
    expect(outcome.code).to.equal(0);
  });

  it("says which evidence there is, and what it cannot prove", async () => {
    const { code, stdout } = await stack.trading(["evidence", "--json"]);
    expect(code).to.equal(1);
    const { items, unproven } = JSON.parse(stdout) as { items: { id: string; value: number | null; holds: boolean }[]; unproven: string[] };
    const of = (id: string) => items.find((item) => item.id === id)!;
    expect(of("parity.decisions")).to.include({ value: 1, holds: true });
    expect(of("paper.days")).to.include({ value: (CANDLES - WARMUP) / 24, holds: true });
    expect(of("outOfSample.sharpe")).to.include({ value: null, holds: false });
    expect(unproven.join(" ")).to.include("30 days of paper trading cannot prove a Sharpe ratio of 1.5").and.include("439 days");
  });

  const numbers = new Set(["bot", "span", "trades_verdict"]);

  async function kpisInDatabase(bot: string): Promise<Record<string, unknown>[]> {
    const rows = await stack.query(
      `SELECT row_to_json(k) FROM trading.kpis AS k WHERE bot = '${bot}' AND bar = (SELECT max(bar) FROM trading.kpis WHERE bot = '${bot}') ORDER BY array_position(ARRAY['7d', '30d', '90d', '365d', 'all'], span)`,
    );
    return rows.map((row) => JSON.parse(row) as Record<string, unknown>);
  }

  function withoutTimes(row: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(row).filter(([key, value]) => numbers.has(key) || typeof value === "number" || value === null));
  }
});

/** Bars seen by the bot, and what it is asked to be decided on, are one apart. */
function lateView(text: string): string {
  const late = text
    .replaceAll("strategy.warmUp(candle)", "strategy.warmUp(seen(candle))")
    .replace("strategy.onBar(candle, account);", "{ ...strategy.onBar(seen(candle), account), bar };");
  if (late === text) throw new Error("services/bot/plan.ts is not what this test changes");
  return `${late}\nlet before: Candle | undefined;\nfunction seen(candle: Candle): Candle {\n  const shown = before ?? candle;\n  before = candle;\n  return shown;\n}\n`;
}

/** The averages begin 2 % above the first close. */
function otherSeed(text: string): string {
  const seeded = text.replaceAll(".update(candle.close, false)", ".update(this.barsSeen === 0 ? candle.close * 1.02 : candle.close, false)");
  if (seeded === text) throw new Error("domain/strategies/refStrat01.ts is not what this test changes");
  return seeded;
}

function ledgerOf({ equity, trades, fills, account }: BacktestResult) {
  const { position } = account;
  const held = (bar: number) => trades.some(({ entryBar, exitBar }) => entryBar <= bar && bar < exitBar) || (position !== null && position.entryBar <= bar);
  return { marks: equity.map((mark) => ({ ...mark, held: held(mark.bar) })), trades, fills };
}

function rateOf({ equity, trades }: BacktestResult, span: Span): number {
  const start = spanStart(equity.map((mark) => ({ ...mark, held: false })), span, HOUR)!;
  return tradesPer30Days(trades.filter(({ exitBar }) => exitBar >= start).length, equity.at(-1)!.bar + HOUR - start)!;
}

function snakeCased(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value as unknown]));
}
