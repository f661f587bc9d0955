/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { BotView, CandlesView, EquityView, FeedView, PerformanceView, StatusView, TrustView } from "../api";
import { CandleChart, EquityChart } from "./charts";
import { getHistory, getPerformance, getStatus, historyVersion, type History } from "./data";
import { alertsFacts } from "./alerts";
import { backupFacts } from "./backup";
import { showBanners } from "./banners";
import { copyOnClick, create, element, replaceChildren, setText } from "./dom";
import { ageText, minuteText, numberText, percentText, secondText } from "./format";
import { canaryFacts, qualityFacts, reconciliationFacts, type Fact } from "./feed";
import { guardFacts } from "./guard";
import { HaltDialog } from "./haltDialog";
import { performanceFacts, shownWindows } from "./performance";
import { showAlerts, showDecisions, showFindings, showGuardActions, showLimits, showRejections, showRules, showTrades } from "./tables";
import { tilesOf } from "./tiles";

const pollMilliseconds = 2000;
/** While somebody waits for what becomes of a halt. */
const haltPollMilliseconds = 500;

const candleChart = new CandleChart(element("candles-chart"));
const equityChart = new EquityChart(element("equity-chart"));
const chooser = element<HTMLSelectElement>("bot");
const windowChooser = element<HTMLSelectElement>("window");

/** What is known now: the last answer and when it came. */
let status: StatusView | undefined;
let receivedAt = 0;
let failedSince: number | undefined;
let history: History | undefined;
let version = "";
let pointed: number | undefined;
let figures: { readonly bot: string; readonly view: PerformanceView } | undefined;

/** The server's clock: ages must not depend on how this device's clock is set. */
const serverNow = (): number => (status === undefined ? Date.now() : status.now + (performance.now() - receivedAt));

function chosenBot(): BotView | undefined {
  const name = new URLSearchParams(location.hash.slice(1)).get("bot");
  return status?.bots.find((bot) => bot.name === name) ?? status?.bots[0];
}

function feedOf(view: StatusView | undefined, bot: BotView): FeedView | undefined {
  return view?.feeds.find((feed) => feed.symbol === bot.symbol && feed.interval === bot.interval);
}

function currentTrust(view: StatusView | undefined): TrustView {
  if (failedSince === undefined && view !== undefined) return view.trust;
  const since = failedSince === undefined ? "" : ` since ${secondText(failedSince)}`;
  return { level: "no", title: "No", reasons: [`The server of this page does not answer${since}: what is shown is what it last said`] };
}

function showTrust(): void {
  const trust = currentTrust(status);
  element("trust").className = trust.level;
  setText(element("trust-title"), trust.title);
  replaceChildren(element("trust-reasons"), trust.reasons.map((reason) => create("li", reason)));
  const old = failedSince !== undefined || status?.stale === true;
  document.body.classList.toggle("old", old);
  const readAt = status?.readAt ?? null;
  setText(element("as-of"), old && readAt !== null ? `Values read ${secondText(readAt)}, ${ageText(readAt, serverNow())}` : "");
}

function showHeader(view: StatusView, bot: BotView): void {
  element("mode").className = view.mode;
  setText(element("mode-name"), view.mode.toUpperCase());
  setText(element("stack-name"), `stack ${view.stack}`);
  setText(element("fills"), view.fills);
  setText(element("session"), view.session === null ? "" : view.session.replay ? `(replay: ${view.session.source})` : `(${view.session.source})`);
  setText(element("market-time"), minuteText(bot.lastCandle));
  setText(element("configuration-hash"), view.configurationHash.slice(0, 12));
  const link = element<HTMLAnchorElement>("mlflow");
  link.hidden = view.mlflowPageUrl === null;
  if (view.mlflowPageUrl !== null) link.href = view.mlflowPageUrl;
  document.title = `${view.mode.toUpperCase()} ${bot.name}: ${currentTrust(view).level}`;
}

function showChooser(view: StatusView, bot: BotView): void {
  element("bot-choice").hidden = view.bots.length < 2;
  const options = view.bots.map(({ name, symbol, interval }) => {
    const option = create("option", `${name} (${symbol} ${interval})`) as HTMLOptionElement;
    option.value = name;
    return option;
  });
  replaceChildren(chooser, options);
  chooser.value = bot.name;
}

/** What changes by the second without a new answer. */
function showTimes(): void {
  setText(element("wall-clock"), secondText(serverNow()));
  showTrust();
  const bot = chosenBot();
  if (status === undefined || bot === undefined) return;
  const tiles = tilesOf(status, bot, serverNow()).map(({ label, value, tone, details, current }) => {
    const tile = document.createElement("div");
    if (current === true) tile.className = "current";
    tile.append(create("dt", label), create("dd", value, tone), ...details.map((detail) => create("dd", detail)));
    return tile;
  });
  replaceChildren(element("tiles"), tiles);
  const feed = feedOf(status, bot);
  setText(element("quality-title"), `Feed quality ${bot.symbol} ${bot.interval}`);
  showFacts(element("quality"), feed === undefined ? [] : qualityFacts(feed, status, serverNow()));
  setText(element("broker-title"), `Broker, bot ${bot.name}: all fills simulated`);
  showFacts(element("reconciliation"), [...canaryFacts(status), ...reconciliationFacts(bot, serverNow())]);
  showFacts(element("backup"), backupFacts(status.backup, serverNow()));
  showFacts(element("guard"), guardFacts(status, serverNow()));
  setText(element("performance-title"), `Key figures, bot ${bot.name}: all fills simulated`);
  showFacts(element("performance"), figures?.bot === bot.name ? performanceFacts(figures.view, windowChooser.value, serverNow()) : []);
}

function showFacts(list: HTMLElement, facts: readonly Fact[]): void {
  replaceChildren(list, facts.flatMap(({ label, value, tone }) => [create("dt", label), create("dd", value, tone)]));
}

/** What is about the whole stack, comes with every answer and does not change by the second. */
function showStack({ halts, guard, alerts, stack }: StatusView): void {
  showBanners(halts);
  showRules(element("guard-rules"), guard?.rules ?? []);
  showGuardActions(element("guard-actions"), guard?.actions ?? []);
  showFacts(element("alerts-facts"), alertsFacts(alerts));
  showAlerts(element("alerts"), alerts.active, stack);
  element<HTMLButtonElement>("halt-open").disabled = false;
}

/** The same of one bot. */
function showBroker(view: StatusView, bot: BotView): void {
  showLimits(element("limits"), bot.limits);
  showRejections(element("rejections"), bot.name, bot.rejections, view.strangers);
}

function showCandleLegend({ candles, lines }: CandlesView): void {
  const index = pointed === undefined ? candles.length - 1 : candles.findIndex((candle) => candle.time === pointed);
  const candle = candles[index];
  const line = lines[index];
  if (candle === undefined || line === undefined) return setText(element("candles-legend"), "No candle yet");
  const { open, high, low, close } = candle;
  replaceChildren(element("candles-legend"), [
    create("span", minuteText(candle.time)),
    create("span", `open ${numberText(open)} high ${numberText(high)} low ${numberText(low)} close ${numberText(close)}`),
    create("span", `EMA fast ${numberText(line.emaFast)}`, "fast"),
    create("span", `EMA slow ${numberText(line.emaSlow)}`, "slow"),
    create("span", `stop ${numberText(line.stop)}`, "stop"),
  ]);
}

function showEquityLegend(equity: EquityView, bot: BotView): void {
  const thinned = equity.step > 1 ? ` (one bar in ${equity.step} drawn)` : "";
  setText(element("equity-legend"), `${numberText(bot.equity)}, begun with ${numberText(equity.startingCash)}${thinned}`);
  const from = equity.points[0]?.time ?? null;
  const to = equity.points.at(-1)?.time ?? null;
  setText(
    element("equity-summary"),
    from === null ? "No bar processed yet" : `Marked to market from ${minuteText(from)} to ${minuteText(to)}; worst drawdown ${percentText(bot.maxDrawdown)}`,
  );
}

function showHistory(view: History, bot: BotView): void {
  setText(element("candles-title"), `Candles ${bot.symbol} ${bot.interval}`);
  candleChart.show(view.candles, view.trades, bot.position);
  equityChart.show(view.equity);
  showCandleLegend(view.candles);
  showEquityLegend(view.equity, bot);
  const { candles } = view.candles;
  const last = candles.at(-1);
  setText(
    element("candles-summary"),
    last === undefined ? "" : `${candles.length} closed candles to ${minuteText(last.time)} (market time), last close ${numberText(last.close)}`,
  );
  showDecisions(element("decisions"), view.decisions);
  showTrades(element("trades"), view.trades);
  showFindings(element("findings"), view.findings);
}

async function refreshHistory(bot: BotView): Promise<void> {
  const wanted = historyVersion(bot, feedOf(status, bot));
  if (wanted === version || status?.stale === true) return;
  const view = await getHistory(bot.name);
  if (chosenBot()?.name !== bot.name) return;
  history = view;
  version = wanted;
  showHistory(view, bot);
}

/** What is computed of a bar comes a moment after the bar itself. */
async function refreshFigures(bot: BotView): Promise<void> {
  // A database that is away is known already; what was read last stays.
  if (status?.stale === true) return;
  figures = { bot: bot.name, view: await getPerformance(bot.name) };
}

async function poll(): Promise<void> {
  try {
    status = await getStatus();
    receivedAt = performance.now();
    failedSince = undefined;
  } catch {
    failedSince ??= serverNow();
  }
  const bot = chosenBot();
  if (status !== undefined && bot !== undefined) {
    showHeader(status, bot);
    showChooser(status, bot);
    showTimes();
    showStack(status);
    showBroker(status, bot);
    // A history that cannot be had now keeps its old version and is asked for again.
    if (failedSince === undefined) await Promise.all([refreshHistory(bot), refreshFigures(bot)]).catch(() => undefined);
  } else showTimes();
}

const dialog = new HaltDialog({ status: () => status, now: serverNow, showFacts, refresh: () => void poll() });

async function run(): Promise<void> {
  for (;;) {
    await poll();
    await new Promise((resolve) => setTimeout(resolve, dialog.following ? haltPollMilliseconds : pollMilliseconds));
  }
}

windowChooser.append(...shownWindows.map((window) => create("option", window)));
windowChooser.value = "30d";
windowChooser.addEventListener("change", showTimes);
chooser.addEventListener("change", () => (location.hash = `bot=${encodeURIComponent(chooser.value)}`));
addEventListener("hashchange", () => {
  version = "";
  void poll();
});
candleChart.onPoint((time) => {
  pointed = time;
  if (history !== undefined) showCandleLegend(history.candles);
});
copyOnClick(document.body);
setInterval(showTimes, 1000);
void run();
