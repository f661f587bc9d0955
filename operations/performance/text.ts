import { decimals, NONE, percent, time } from "../format";
import { plainTable } from "../statusText";
import type { KpisAnswer, ParityAnswer } from "./performanceService";

const fraction = (value: number | null, count = 2) => percent(value ?? undefined, count);

/** `1.23 ± 0.45`; `-` where there is none. */
export function sharpeText(sharpe: number | null, error: number | null): string {
  return sharpe === null ? NONE : `${sharpe.toFixed(2)} ± ${decimals(error, 2)}`;
}

/** One column for each bot that has figures. */
export function kpisText(window: string, bots: readonly { readonly bot: string; readonly kpis: KpisAnswer | undefined }[]): string {
  const known = bots.flatMap(({ bot, kpis }) => (kpis === undefined ? [] : [{ bot, kpis }]));
  const lines: [label: string, of: (kpis: KpisAnswer) => string][] = [
    ["from", ({ fromBar }) => time(fromBar)],
    ["to the close of", ({ bar }) => time(bar)],
    ["bars", ({ bars }) => String(bars)],
    ["equity", ({ equity }) => decimals(equity, 2)],
    ["return", ({ totalReturn }) => fraction(totalReturn)],
    ["Sharpe ratio a year", ({ sharpe, sharpeError }) => sharpeText(sharpe, sharpeError)],
    ["probability that it is above 0", ({ sharpeProbability }) => fraction(sharpeProbability, 1)],
    ["largest drawdown", ({ drawdownMax }) => fraction(drawdownMax)],
    ["drawdown from the highest ever", ({ drawdownFromPeak }) => fraction(drawdownFromPeak)],
    ["exposure", ({ exposure }) => fraction(exposure, 1)],
    ["closed trades", ({ trades }) => decimals(trades, 0)],
    ["expected by the replay", ({ tradesExpected, tradesVerdict }) => (tradesExpected === null ? NONE : `${tradesExpected.toFixed(1)} (${tradesVerdict ?? NONE})`)],
    ["hit rate", ({ hitRate }) => fraction(hitRate, 1)],
    ["profit factor", ({ profitFactor }) => decimals(profitFactor, 2)],
    ["fees", ({ fees }) => decimals(fees, 2)],
    ["slippage, median and 95 %", ({ slippageMedian, slippageP95 }) => (slippageMedian === null ? NONE : `${slippageMedian.toFixed(1)} and ${decimals(slippageP95, 1)} bps`)],
    ["tracking error a year", ({ trackingError }) => fraction(trackingError)],
    ["mean difference a year", ({ meanDifference }) => fraction(meanDifference)],
    ["decisions as the replay", ({ decisionMatch }) => fraction(decisionMatch)],
  ];
  const missing = bots.filter(({ kpis }) => kpis === undefined).map(({ bot }) => `Bot ${bot} has no figures yet.\n`);
  const table = known.length === 0 ? "" : `${plainTable([window, ...known.map(({ bot }) => bot)], lines.map(([label, of]) => [label, ...known.map(({ kpis }) => of(kpis))]))}\n`;
  return `${table}${missing.join("")}`;
}

export function parityText(bot: string, parity: ParityAnswer | undefined): string {
  if (parity === undefined) return `Bot ${bot} has nothing to compare yet.\n`;
  const { fromBar, toBar, reference, note, verdict, frozen, reason, trackingError, refused, late, seconds } = parity;
  const matched = `${parity.decisionsMatched} of ${parity.decisionsCompared} decisions, ${parity.tradesMatched} of ${parity.tradesCompared} trades`;
  return [
    `Bot       ${bot}: ${verdict}${frozen ? ", FROZEN: no promotion, no change of live" : ""}`,
    `          ${reason}`,
    `          ${matched} from ${time(fromBar)} to ${time(toBar)}, tracking error ${fraction(trackingError)} a year`,
    `          against ${reference === "image" ? "the image that runs" : "this project's program"}${note === null ? "" : ` (${note})`}; ${refused} intents not taken by the broker, ${late} bars missed; took ${seconds.toFixed(1)} s`,
    ...(parity.firstDifference === null ? [] : [`          first difference: ${JSON.stringify(parity.firstDifference)}`]),
    "",
  ].join("\n");
}
