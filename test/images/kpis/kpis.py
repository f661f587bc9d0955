"""Key figures of equity curves, by empyrical and scipy.

Standard input: a JSON list of { own, reference, periods }, equity at the close of each bar and the values of a year.
Standard output: a JSON list of the figures; null where there is none.
"""

import json
import math
import sys

import empyrical
import pandas as pd
from scipy import stats


def figures(own: list[float], reference: list[float], periods: int) -> dict[str, float | None]:
    returns = pd.Series(own).pct_change().dropna()
    active = returns - pd.Series(reference).pct_change().dropna()
    # Bailey and Lopez de Prado (2012), equations 8 and 11, of the ratio per period.
    ratio = empyrical.sharpe_ratio(returns, annualization=1)
    spread = 1 - stats.skew(returns) * ratio + (stats.kurtosis(returns, fisher=False) - 1) / 4 * ratio**2
    error = math.sqrt(spread / (len(returns) - 1))
    return {
        "sharpe": empyrical.sharpe_ratio(returns, annualization=periods),
        # empyrical tells a drawdown as a loss, below 0.
        "maxDrawdown": -empyrical.max_drawdown(returns),
        "totalReturn": empyrical.cum_returns_final(returns),
        "trackingError": empyrical.annual_volatility(active, annualization=periods),
        "meanDifference": active.mean() * periods,
        "standardError": error * math.sqrt(periods),
        "probability": stats.norm.cdf(ratio / error),
        "minimumReturns": math.ceil(1 + spread * (stats.norm.ppf(0.95) / ratio) ** 2) if ratio > 0 else None,
    }


json.dump([figures(**each) for each in json.load(sys.stdin)], sys.stdout, default=float)
