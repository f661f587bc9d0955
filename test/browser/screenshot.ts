/**
 * Makes docs/page.png: the page of a paper stack that trades RefStrat_01 on recorded candles.
 * Run with `node --import tsx test/browser/screenshot.ts [file] [--width pixels] [--height pixels] [--dark]`; needs Docker and Chromium.
 */
import * as path from "node:path";
import * as fs from "node:fs/promises";
import { Command } from "commander";
import { parseCandles } from "../../domain/candles";
import { realCandlesFile } from "../support/candles";
import { ThrowAwayDatabase } from "./database";
import { FakeService, launchChromium, startGui } from "./rig";
import { shownBackup } from "./shownBackup";
import { shownGuard, writeGuard } from "./shownGuard";
import { holdBotLock, shownLimits, simulateRun, writeBrokerCounts, writeFeedQuality, writeFeedStatus, writePerformance, writeRun } from "./simulatedRun";

const bot = "refstrat01";
const symbol = "BTCUSDT";
/** Ends with a position held, after a large gain and some small losses. */
const lastCandle = Date.parse("2019-02-18T10:00:00Z");
const bars = 2600;

function options(): { target: string; width: number; height: number; dark: boolean } {
  const program = new Command("screenshot")
    .argument("[file]", "where to write it", path.resolve(__dirname, "../../docs/page.png"))
    .option("--width <pixels>", "width of the window", Number, 1280)
    .option("--height <pixels>", "height of the window", Number, 1500)
    .option("--dark", "as on a dark desktop", false)
    .parse();
  return { target: String(program.processedArgs[0]), ...program.opts<{ width: number; height: number; dark: boolean }>() };
}

async function main(): Promise<void> {
  const { target, width, height, dark } = options();
  const candles = parseCandles(await fs.readFile(await realCandlesFile(), "utf8"));
  const end = candles.findIndex((candle) => candle.openTime === lastCandle) + 1;
  const run = simulateRun(bot, symbol, candles.slice(end - bars, end));
  const database = await ThrowAwayDatabase.start([bot]);
  const nothingRaised = { configured: true, active: [], undelivered: 0 };
  const [broker, livefeed] = [new FakeService(), new FakeService()];
  const backup = new FakeService({ "/v1/status": () => shownBackup(Date.now()), "/v1/alerts": () => nothingRaised });
  const guard = new FakeService({ "/v1/status": () => shownGuard(bot), "/v1/alerts": () => nothingRaised });
  try {
    const client = await database.connect();
    await writeRun(client, run);
    await writeFeedStatus(client, run);
    await writeFeedQuality(
      client,
      run,
      [
        { minutesAgo: 20_000, state: "HEALTHY", reason: "candles arrive in order" },
        { minutesAgo: 200, state: "DEGRADED", reason: "1 candle is missing" },
        { minutesAgo: 199, state: "HEALTHY", reason: "candles arrive in order" },
      ],
      { silenceSeconds: 3.2, lateSeconds: 0, missingCandles: 0, clockSkewMilliseconds: 41, reconnectsPerHour: 0 },
    );
    await writeBrokerCounts(client, run, 200);
    await writePerformance(client, run);
    await holdBotLock(client, bot);
    await writeGuard(client);
    await guard.start();
    await broker.start();
    await livefeed.start();
    await backup.start();
    const gui = await startGui({
      database: database.settings,
      mode: "paper",
      settings: {
        bots: [{ name: bot, symbol, interval: "1h", strategy: "RefStrat_01", limits: shownLimits }],
        brokerUrl: broker.url,
        livefeedUrl: livefeed.url,
        backupUrl: backup.url,
        guardUrl: guard.url,
        mlflowPageUrl: "http://127.0.0.1:8401",
        configuration: { hash: "5f0c1d7be2a94e36" },
      },
    });
    const browser = await launchChromium();
    try {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: dark ? "dark" : "light" });
      await page.goto(gui.url);
      await page.locator("#trades tbody tr").nth(5).waitFor();
      await page.locator("#trust.yes").waitFor();
      await page.locator("#performance dd").nth(3).waitFor();
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
    await backup.stop();
    await guard.stop();
    await database.remove();
  }
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
