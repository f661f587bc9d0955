import { expect } from "chai";
import { mlflowChecks } from "../../../operations/restoreTest/mlflowChecks";
import type { Inside } from "../../../operations/restoreTest/inside";
import { botsToStart, noTradeCheck, pageChecks, type PageView, type TradingRows } from "../../../operations/restoreTest/tradingChecks";
import { pageStatus } from "./support";

const account = { bot: "refstrat01", symbol: "BTCUSDT", interval: "1h", cash: 5800, equity: 10_250.5, processedBar: Date.parse("2024-02-29T23:00:00Z"), trades: 7, fills: 14 };
const rows: TradingRows = { accounts: [account], entries: 9, leases: 1 };
const shown: PageView = { bots: pageStatus().bots.map((bot) => ({ ...bot, trades: 7 })), html: "<!doctype html><html></html>" };
const shownAs = (more: object): PageView => ({ ...shown, bots: [{ ...shown.bots[0]!, ...more }] });

describe("the checks of a restore test", () => {
  for (const [name, page, after, wrong] of [
    ["holds", shown, rows, []],
    ["fails when it does not answer", undefined, rows, ["no answer that is understood, or one of old data"]],
    ["fails when it is no page", { ...shown, html: "nothing" }, rows, ["it is no page"]],
    ["fails on another equity", shownAs({ equity: 1 }), rows, ["equity 1 and not 10250.5"]],
    ["fails on another bar", shownAs({ processedBar: 5 }), rows, [`bar 5 and not ${account.processedBar}`]],
    ["fails on other trades", shownAs({ trades: 6 }), rows, ["6 trades and not 7"]],
    ["fails when trades were lost", shownAs({ trades: 3 }), { ...rows, accounts: [{ ...account, trades: 3 }] }, ["7 trades were restored, 3 are there"]],
    ["holds when a stored bar was worked since", shownAs({ trades: 8 }), { ...rows, accounts: [{ ...account, trades: 8 }] }, []],
  ] as const) {
    it(`of the page ${name}`, () => {
      const failed = pageChecks(page, rows, after as TradingRows).filter(({ passed }) => !passed);
      expect(failed.map(({ detail }) => detail)).to.deep.equal(wrong);
    });
  }

  it("find that no entry was let through", () => {
    expect(noTradeCheck(rows, { ...rows, leases: 0 }).passed).to.equal(true);
    expect(noTradeCheck(rows, { ...rows, entries: 10, leases: 0 })).to.include({ passed: false, detail: "1 new entries, 0 leases" });
    expect(noTradeCheck(rows, { ...rows, leases: 1 }).passed).to.equal(false);
  });

  it("start bots that have an account, and name the others", () => {
    expect(botsToStart(["refstrat01", "young"], { ...rows, accounts: [account, { ...account, bot: "old" }] })).to.deep.equal({
      start: ["refstrat01"],
      notes: ["bot young has no account in the restored data: it was not started", "the restored data has an account of bot old, which the stack's file does not declare any more"],
    });
  });

  /** MLflow with two runs on two pages; the file of the second comes down as `served`. */
  function fakeMlflow({ runs = 2, served = "abc", stored = "abc", revision = "r1" } = {}): Inside {
    const run = (id: number) => ({ info: { run_id: `run${id}`, artifact_uri: `mlflow-artifacts:/1/run${id}/artifacts` } });
    return {
      query: async (_database, sql) => (/information_schema/.test(sql) ? '{"tables": 3}' : JSON.stringify({ runs, experiments: 1, revision })),
      run: async (_service, words) => {
        const text = words.join(" ");
        if (text.includes("experiments/search")) return JSON.stringify({ experiments: [{ experiment_id: "1" }] });
        if (text.includes("runs/search")) return text.includes("page_token") ? JSON.stringify({ runs: [run(2)] }) : JSON.stringify({ runs: [run(1)], next_page_token: "more" });
        if (text.includes("artifacts/list")) {
          if (!text.includes("run_id=run2")) return "{}";
          return JSON.stringify({ files: text.includes("path=charts") ? [{ path: "charts/equity.json", is_dir: false }] : [{ path: "charts", is_dir: true }] });
        }
        if (words[0] === "sha256sum") {
          expect(words[1]).to.equal("/artifacts/1/run2/artifacts/charts/equity.json");
          return `${stored}  x\n`;
        }
        expect(text).to.contain("get-artifact?path=charts%2Fequity.json&run_uuid=run2");
        return `${served}  -\n`;
      },
    };
  }
  for (const [name, world, wrong] of [
    ["hold for every run and a file", {}, []],
    ["fail when a run is not shown", { restored: 3 }, ["2 of 3 runs in 1 experiments"]],
    ["fail when a file is not what is stored", { served: "abd" }, ["charts/equity.json of run run2: SHA-256 abd…, but abc… is stored"]],
    ["fail when the database was migrated", { revision: "r2" }, ["revision r1 became r2: the image that the backup names is not on this Engine"]],
  ] as const) {
    it(`of MLflow ${name}`, async () => {
      const { restored = 2, ...mlflow }: { restored?: number; served?: string; revision?: string } = world;
      const failed = (await mlflowChecks(fakeMlflow(mlflow), { runs: restored, experiments: 1, revision: "r1" }, () => 0)).filter(({ passed }) => !passed);
      expect(failed.map(({ detail }) => detail)).to.deep.equal(wrong);
    });
  }
});
