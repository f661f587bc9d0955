"""RefStrat_01's rules for the PyPI package backtesting, and its optimize over a grid.

Arguments: candles as CSV (open_time_ms,open,high,low,close,volume), the grid as JSON (setting -> values).
Prints one JSON document: sets, the seconds of optimize alone, and the trades of the best set.
"""

import json
import sys
import time
import warnings

import pandas as pd
from backtesting import Backtest, Strategy

warnings.filterwarnings("ignore")


def average(values, periods):
    return pd.Series(values).ewm(span=periods, adjust=False).mean()


def true_range(high, low, close, periods):
    before = pd.Series(close).shift()
    spread = pd.concat([pd.Series(high - low), (pd.Series(high) - before).abs(), (pd.Series(low) - before).abs()], axis=1).max(axis=1)
    return spread.ewm(alpha=1 / periods, adjust=False).mean()


class RefStrat01(Strategy):
    emaFast = 20
    emaSlow = 50
    stopAtrMultiple = 3.0

    def init(self):
        self.fast = self.I(average, self.data.Close, self.emaFast)
        self.slow = self.I(average, self.data.Close, self.emaSlow)
        self.range = self.I(true_range, self.data.High, self.data.Low, self.data.Close, 14)

    def next(self):
        close, distance = self.data.Close[-1], self.stopAtrMultiple * self.range[-1]
        if not self.position:
            if self.fast[-1] > self.slow[-1] and self.fast[-2] <= self.slow[-2] and close > distance:
                self.buy(size=min(0.98, 0.005 * close / distance), sl=close - distance)
        elif self.fast[-1] < self.slow[-1]:
            self.position.close()
        else:
            for trade in self.trades:
                trade.sl = max(trade.sl or 0, close - distance)


def main() -> None:
    candles = pd.read_csv(sys.argv[1])
    candles.index = pd.to_datetime(candles.pop("open_time_ms"), unit="ms")
    candles.columns = [name.capitalize() for name in candles.columns]
    grid = json.loads(sys.argv[2])
    # The package trades whole units only, so that it needs more cash to buy parts of what 10,000 buys.
    test = Backtest(candles, RefStrat01, cash=10_000_000, commission=0.0015)
    sets = 1
    for values in grid.values():
        sets *= len(values)
    began = time.perf_counter()
    best = test.optimize(**grid, maximize="Sharpe Ratio")
    print(json.dumps({"sets": sets, "seconds": time.perf_counter() - began, "trades": int(best["# Trades"])}))


if __name__ == "__main__":
    main()
