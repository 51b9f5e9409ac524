"""The forecasts that need no model: the last season again, and what everybody has to beat."""

import math
from typing import Final

import numpy as np

from stubtail.forecasting.task import Doubles

MEAN_TO_SIGMA: Final = 1.2533  # of a normal distribution: the root of half pi


def seasonal_naive(values: Doubles, season: int, horizon: int) -> Doubles:
    """The last season repeated, float64 [horizon]; the last value where the season is 1.

    Args:
        values: float64 [n], n at least 1.
        season: steps of a season; cut to n.
        horizon: steps.
    """
    season = max(1, min(season, len(values)))
    return values[-season:][np.arange(horizon) % season]


def naive_spread(values: Doubles, season: int, horizon: int) -> Doubles:
    """The standard deviation of its errors, growing with each season it repeats, float64 [horizon].

    By the mean absolute error over all of the series, as far as there is one.
    """
    error = naive_error(values, season)
    if math.isnan(error):
        error = naive_error(values, 1)
    spread = 0.0 if math.isnan(error) else MEAN_TO_SIGMA * error
    return np.asarray(spread * np.sqrt(1.0 + np.arange(horizon) // max(season, 1)))


def naive_error(values: Doubles, season: int) -> float:
    """The mean absolute error of that forecast within the series, the unit of MASE.

    Hyndman and Koehler, Another look at measures of forecast accuracy (2006). 0 for a constant
    series, NaN for one that is no longer than its season.
    """
    season = max(1, season)
    if len(values) <= season:
        return float("nan")
    return float(np.mean(np.abs(values[season:] - values[:-season])))
