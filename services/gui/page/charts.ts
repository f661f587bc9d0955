import {
  AreaSeries,
  CandlestickSeries,
  ColorType,
  createChart,
  createSeriesMarkers,
  LineSeries,
  LineStyle,
  LineType,
  type ChartOptions,
  type DeepPartial,
  type IChartApi,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type MouseEventParams,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import type { CandlesView, EquityView, LineView, PositionView, TradeView } from "../api";
import { styleValue } from "./dom";

/** The library counts seconds and shows them as UTC. */
const chartTime = (time: number): UTCTimestamp => Math.floor(time / 1000) as UTCTimestamp;

function chartOptions(): DeepPartial<ChartOptions> {
  return {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: styleValue("--surface") },
      textColor: styleValue("--text"),
      panes: { separatorColor: styleValue("--line") },
    },
    grid: { vertLines: { color: styleValue("--grid") }, horzLines: { color: styleValue("--grid") } },
    timeScale: { timeVisible: true, secondsVisible: false, borderColor: styleValue("--line"), rightOffset: 3 },
    rightPriceScale: { borderColor: styleValue("--line") },
    // The wheel scrolls the page; charts are moved by dragging and zoomed with the axes or by pinching.
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false },
  };
}

/** Calls back when the owner's system changes between light and dark. */
function onThemeChange(change: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", change);
}

/** Stretches of consecutive bars with a stop: one for each position. */
export function stopSegments(lines: readonly LineView[]): { time: UTCTimestamp; value: number }[][] {
  const segments: { time: UTCTimestamp; value: number }[][] = [];
  let open: { time: UTCTimestamp; value: number }[] | undefined;
  for (const { time, stop } of lines) {
    if (stop === null) {
      open = undefined;
      continue;
    }
    if (open === undefined) segments.push((open = []));
    open.push({ time: chartTime(time), value: stop });
  }
  return segments;
}

const linePoints = (lines: readonly LineView[], name: "emaFast" | "emaSlow") =>
  lines.flatMap((line) => (line[name] === null ? [] : [{ time: chartTime(line.time), value: line[name] }]));

/** Candles with what the bot saw (EMA lines), what protects the position (stop), and where it traded. */
export class CandleChart {
  private readonly chart: IChartApi;
  private readonly candles: ISeriesApi<"Candlestick">;
  private readonly fast: ISeriesApi<"Line">;
  private readonly slow: ISeriesApi<"Line">;
  private readonly markers: ISeriesMarkersPluginApi<Time>;
  private stops: ISeriesApi<"Line">[] = [];
  private shown: { view: CandlesView; trades: readonly TradeView[]; position: PositionView | null } | undefined;

  constructor(private readonly container: HTMLElement) {
    this.chart = createChart(container, chartOptions());
    this.candles = this.chart.addSeries(CandlestickSeries, { wickVisible: true });
    const line = { lineWidth: 2, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false } as const;
    this.fast = this.chart.addSeries(LineSeries, line);
    this.slow = this.chart.addSeries(LineSeries, line);
    this.markers = createSeriesMarkers<Time>(this.candles, []);
    this.colour();
    onThemeChange(() => {
      this.chart.applyOptions(chartOptions());
      this.colour();
      if (this.shown !== undefined) this.show(this.shown.view, this.shown.trades, this.shown.position);
    });
  }

  /** Tells the open time of the candle under the pointer, or undefined beside the candles. */
  onPoint(handler: (time: number | undefined) => void): void {
    this.chart.subscribeCrosshairMove((event: MouseEventParams) => handler(event.time === undefined ? undefined : (event.time as number) * 1000));
  }

  show(view: CandlesView, trades: readonly TradeView[], position: PositionView | null): void {
    const first = this.shown === undefined || this.shown.view.candles.length === 0;
    this.shown = { view, trades, position };
    this.candles.setData(view.candles.map(({ time, open, high, low, close }) => ({ time: chartTime(time), open, high, low, close })));
    this.fast.setData(linePoints(view.lines, "emaFast"));
    this.slow.setData(linePoints(view.lines, "emaSlow"));
    this.showStops(stopSegments(view.lines), position !== null);
    this.markers.setMarkers(this.tradeMarkers(view, trades, position));
    if (first && view.candles.length > 0) this.showNewest(view.candles.length);
  }

  /** As many of the newest candles as can be told apart at this width. */
  private showNewest(count: number): void {
    const visible = Math.max(30, Math.floor(this.container.clientWidth / 5));
    this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(0, count - visible), to: count + 2 });
  }

  private showStops(segments: { time: UTCTimestamp; value: number }[][], open: boolean): void {
    for (const series of this.stops) this.chart.removeSeries(series);
    this.stops = segments.map((segment, index) => {
      const current = open && index === segments.length - 1;
      const series = this.chart.addSeries(LineSeries, {
        color: styleValue("--stop"),
        lineWidth: 2,
        lineStyle: LineStyle.Dashed,
        lineType: LineType.WithSteps,
        priceLineVisible: false,
        lastValueVisible: current,
        title: current ? "stop" : "",
        crosshairMarkerVisible: false,
      });
      series.setData(segment);
      return series;
    });
  }

  private tradeMarkers(view: CandlesView, trades: readonly TradeView[], position: PositionView | null): SeriesMarker<Time>[] {
    const from = view.candles[0]?.time ?? Number.POSITIVE_INFINITY;
    const rise = styleValue("--rise");
    const fall = styleValue("--fall");
    const entries = [...trades.map((trade) => trade.entryBar), ...(position === null ? [] : [position.entryBar])];
    const markers: SeriesMarker<Time>[] = [
      ...entries.map((bar): SeriesMarker<Time> => ({ time: chartTime(bar), position: "belowBar", shape: "arrowUp", color: rise, text: "buy" })),
      ...trades.map(
        (trade): SeriesMarker<Time> => ({
          time: chartTime(trade.exitBar),
          position: "aboveBar",
          shape: "arrowDown",
          color: trade.profit > 0 ? rise : fall,
          text: trade.exitReason === "stop" ? "stop" : "sell",
        }),
      ),
    ];
    return markers.filter((marker) => (marker.time as number) * 1000 >= from).sort((left, right) => (left.time as number) - (right.time as number));
  }

  private colour(): void {
    const rise = styleValue("--rise");
    const fall = styleValue("--fall");
    this.candles.applyOptions({ upColor: rise, wickUpColor: rise, borderUpColor: rise, downColor: fall, wickDownColor: fall, borderDownColor: fall });
    this.fast.applyOptions({ color: styleValue("--fast") });
    this.slow.applyOptions({ color: styleValue("--slow") });
  }
}

/** Equity marked to market, and below it how far it is under its peak. */
export class EquityChart {
  private readonly chart: IChartApi;
  private readonly equity: ISeriesApi<"Area">;
  private readonly drawdown: ISeriesApi<"Area">;

  constructor(container: HTMLElement) {
    this.chart = createChart(container, chartOptions());
    this.equity = this.chart.addSeries(AreaSeries, { lineWidth: 2, priceLineVisible: false });
    this.drawdown = this.chart.addSeries(
      AreaSeries,
      {
        lineWidth: 1,
        priceLineVisible: false,
        invertFilledArea: true,
        priceFormat: { type: "custom", minMove: 0.01, formatter: (percent: number) => `${percent.toFixed(2)} %` },
      },
      1,
    );
    this.chart.panes()[0]?.setStretchFactor(3);
    this.chart.panes()[1]?.setStretchFactor(1.2);
    this.colour();
    onThemeChange(() => {
      this.chart.applyOptions(chartOptions());
      this.colour();
    });
  }

  /** The whole curve is always in view. */
  show(view: EquityView): void {
    this.equity.setData(view.points.map(({ time, equity }) => ({ time: chartTime(time), value: equity })));
    this.drawdown.setData(view.points.map(({ time, drawdown }) => ({ time: chartTime(time), value: -100 * drawdown })));
    this.chart.timeScale().fitContent();
  }

  private colour(): void {
    const line = styleValue("--fast");
    const fall = styleValue("--fall");
    this.equity.applyOptions({ lineColor: line, topColor: `${line}40`, bottomColor: `${line}05` });
    this.drawdown.applyOptions({ lineColor: fall, topColor: `${fall}05`, bottomColor: `${fall}50` });
  }
}
