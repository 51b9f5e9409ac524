"""Intervals that hold what they say: their width follows the errors of the backtest.

Conformal prediction with normalised scores (Papadopoulos et al. 2008): the error of each step of
the backtest over the half width that was forecast for it; the quantile of these ratios tells by how
much to scale the width of the forecast. Errors of one origin follow each other, and three origins
are few: how far that quantile is to be trusted is the slope of a line that was fitted, by quantile
regression and split conformal prediction, on series that are not evaluated
(training/forecast_tuning.py).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from stubtail.forecasting.backtest import ORIGINS
from stubtail.forecasting.levels import MIDDLE, SCORES
from stubtail.forecasting.task import Doubles

COVERAGE: Final = 0.8  # of the outer deciles, which the factor is fitted to
# All three as `python -m training forecast-tuning` prints them.
USUAL_FACTOR: Final = 0.831  # without a backtest
OFFSET: Final = 0.974  # with one that saw exactly the widths that were forecast
TRUST: Final = 0.472  # the power of what a whole backtest saw
FACTOR_LEAST, FACTOR_MOST = 0.3, 4.0


def shape_of(
    point: Doubles, courses: Sequence[Doubles], weights: Doubles, noise: Doubles
) -> Doubles:
    """Deciles around a blend's point, float64 [9, horizon], before any scaling.

    Args:
        point: float64 [horizon].
        courses: of the models in the blend; those with deciles give the shape.
        weights: of these models.
        noise: float64 [horizon], the spread to take where no model has deciles.
    """
    offsets = np.zeros((len(SCORES), len(point)))
    total = 0.0
    for course, weight in zip(courses, weights, strict=True):
        if len(course) > 1:
            share = max(float(weight), 0.05)
            offsets += share * (course - course[MIDDLE])
            total += share
    if total > 0:
        offsets /= total
    else:
        offsets = SCORES[:, None] * noise
    # A model that is certain is wrong: a quarter of the usual noise is the least.
    floor = 0.25 * SCORES[:, None] * noise
    low = np.minimum(offsets[:MIDDLE], floor[:MIDDLE])
    high = np.maximum(offsets[MIDDLE + 1 :], floor[MIDDLE + 1 :])
    return np.asarray(point + np.concatenate([low, np.zeros((1, len(point))), high]))


def quantile_of(ratios: Sequence[Doubles]) -> float | None:
    """What 80 % of the ratios are below, with the correction for few; None without any.

    Args:
        ratios: for each origin the errors of its steps over the half widths forecast for them.
    """
    together = np.concatenate([np.empty(0), *(ratio[np.isfinite(ratio)] for ratio in ratios)])
    if not len(together):
        return None
    level = min(COVERAGE * (1 + 1 / len(together)), 1.0)
    return max(float(np.quantile(together, level)), 1e-3)


def factor_of(ratios: Sequence[Doubles], origins: int) -> float:
    """By how much to widen the outer deciles.

    Args:
        ratios: as for `quantile_of`.
        origins: of the backtest; one that is not whole is trusted as far as it goes.
    """
    found = quantile_of(ratios)
    if found is None:
        return USUAL_FACTOR
    seen = min(origins / ORIGINS, 1.0)
    factor = USUAL_FACTOR ** (1 - seen) * (OFFSET * found**TRUST) ** seen
    return float(np.clip(factor, FACTOR_LEAST, FACTOR_MOST))


def half_width_ratios(deciles: Doubles, truth: Doubles) -> Doubles:
    """The errors of a forecast over its half widths, each on its side, float64 [steps]."""
    error = truth - deciles[MIDDLE]
    width = np.where(error > 0, deciles[-1] - deciles[MIDDLE], deciles[MIDDLE] - deciles[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(width > 0, np.abs(error) / width, np.nan))


def scaled(deciles: Doubles, factor: float) -> Doubles:
    """The deciles with every distance from the median multiplied."""
    return np.asarray(deciles[MIDDLE] + factor * (deciles - deciles[MIDDLE]))
