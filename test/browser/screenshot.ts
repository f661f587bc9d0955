/**
 * Makes docs/page.png: the page of a paper stack that trades RefStrat_01 on recorded candles.
 * Run with `node --import tsx test/browser/screenshot.ts [file]`; needs Docker and Chromium.
 */
import * as path from "node:path";
import * as fs from "node:fs/promises";
import { parseCandles } from "../../domain/candles";
import { realCandlesFile } from "../support/candles";
import { ThrowAwayDatabase } from "./database";
import { FakeService, launchChromium, startGui } from "./rig";
import { holdBotLock, simulateRun, writeFeedStatus, writeRun } from "./simulatedRun";

const bot = "refstrat01";
const symbol = "BTCUSDT";
/** Ends with a position held, its stop trailed up. */
const lastCandle = Date.parse("2018-07-18T06:00:00Z");
const bars = 2600;

async function main(): Promise<void> {
  const target = process.argv[2] ?? path.resolve(__dirname, "../../docs/page.png");
  const candles = parseCandles(await fs.readFile(await realCandlesFile(), "utf8"));
  const end = candles.findIndex((candle) => candle.openTime === lastCandle) + 1;
  const run = simulateRun(bot, symbol, candles.slice(end - bars, end));
  const database = await ThrowAwayDatabase.start([bot]);
  const [broker, livefeed] = [new FakeService(), new FakeService()];
  try {
    const client = await database.connect();
    await writeRun(client, run);
    await writeFeedStatus(client, run);
    await holdBotLock(client, bot);
    await broker.start();
    await livefeed.start();
    const gui = await startGui({
      database: database.settings,
      mode: "paper",
      settings: {
        bots: [{ name: bot, symbol, interval: "1h", strategy: "RefStrat_01" }],
        brokerUrl: broker.url,
        livefeedUrl: livefeed.url,
        mlflowPageUrl: "http://127.0.0.1:8401",
        configuration: { hash: "5f0c1d7be2a94e36" },
      },
    });
    const browser = await launchChromium();
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 1500 }, colorScheme: process.env["DARK"] ? "dark" : "light" });
      if (process.env["WIDTH"]) await page.setViewportSize({ width: Number(process.env["WIDTH"]), height: 1500 });
      await page.goto(gui.url);
      await page.locator("#trades tbody tr").nth(5).waitFor();
      await page.locator("#trust.yes").waitFor();
      // Two frames, so that the charts are drawn.
      await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
      await page.screenshot({ path: target });
    } finally {
      await browser.close();
      await gui.close();
      await client.end();
    }
  } finally {
    await broker.stop();
    await livefeed.stop();
    await database.remove();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
