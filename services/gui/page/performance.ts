import type { ParityView, PerformanceView, WindowView } from "../api";
import type { Fact } from "./feed";
import { ageText, minuteText, numberText, percentText, secondText } from "./format";

/** Windows that can be chosen; the longest stand in `npx trading kpis`. */
export const shownWindows = ["7d", "30d", "90d", "all"] as const;

/** The figures of a window of a bot, and how it compares with a replay, at a time of the server's clock. */
export function performanceFacts({ windows, parity }: PerformanceView, window: string, now: number): Fact[] {
  const figures = windows.find((each) => each.window === window);
  return [...(figures === undefined ? [plain("Figures", "none yet")] : figureFacts(figures)), ...parityFacts(parity, now)];
}

function figureFacts(view: WindowView): Fact[] {
  const expected = view.tradesExpected === null ? "nothing to expect known" : `${numberText(view.tradesExpected, 1)} expected`;
  const odd = view.tradesVerdict !== null && view.tradesVerdict !== "as expected";
  return [
    plain("Window", `${minuteText(view.from)} to the close of ${minuteText(view.bar)}, ${numberText(view.bars, 0)} bars`),
    plain("Return", percentText(view.totalReturn)),
    plain("Sharpe ratio a year", view.sharpe === null ? numberText(null) : `${numberText(view.sharpe)} ± ${numberText(view.sharpeError)}`),
    plain("Largest drawdown", `${percentText(view.drawdownMax)}; ${percentText(view.drawdownFromPeak)} below the highest ever now`),
    { label: "Closed trades", value: `${numberText(view.trades, 0)}, ${expected}${odd ? `: ${view.tradesVerdict}` : ""}`, tone: odd ? "warning" : "" },
    plain("Exposure", percentText(view.exposure, 1)),
    plain("Hit rate", percentText(view.hitRate, 1)),
    plain("Profit factor", numberText(view.profitFactor)),
    plain("Fees", numberText(view.fees)),
    plain("Slippage", view.slippageMedian === null ? numberText(null) : `median ${numberText(view.slippageMedian, 1)}, 95 % ${numberText(view.slippageP95, 1)} basis points`),
    plain("Tracking error a year", percentText(view.trackingError)),
  ];
}

const tones: Readonly<Record<ParityView["verdict"], Fact["tone"]>> = { equal: "good", costs: "warning", differs: "warning", "nothing to compare": "" };

function parityFacts(parity: ParityView | null, now: number): Fact[] {
  if (parity === null) return [{ label: "Parity", value: "not compared with a replay yet: npx trading parity", tone: "warning" }];
  const { verdict, frozen, reason, at, reference, note, firstDifference } = parity;
  const by = reference === "image" ? "the image that runs" : "this project's program";
  return [
    { label: "Parity", value: `${verdict}${frozen ? ", frozen" : ""}: ${reason}`, tone: frozen ? "bad" : tones[verdict] },
    plain("Compared", `${secondText(at)}, ${ageText(at, now)}, with ${by}${note === null ? "" : ` (${note})`}; ${matchText(parity)}`),
    ...(firstDifference === null ? [] : [plain("First difference", `${firstDifference.kind} on ${minuteText(firstDifference.bar)}: ${parity.cause}`)]),
  ];
}

function matchText({ decisionsMatched, decisionsCompared, tradesMatched, tradesCompared }: ParityView): string {
  return `${numberText(decisionsMatched, 0)} of ${numberText(decisionsCompared, 0)} decisions, ${numberText(tradesMatched, 0)} of ${numberText(tradesCompared, 0)} trades`;
}

function plain(label: string, value: string): Fact {
  return { label, value, tone: "" };
}
