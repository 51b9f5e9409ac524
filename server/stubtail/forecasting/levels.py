"""Quantiles at any level from nine deciles, and what is done to forecasts at the end."""

from statistics import NormalDist
from typing import Final

import numpy as np

from stubtail.forecasting.task import Doubles

DECILES: Final = tuple(round(0.1 * index, 1) for index in range(1, 10))
MIDDLE: Final = 4
SCORES: Final = np.array([NormalDist().inv_cdf(level) for level in DECILES])


def normal_deciles(point: Doubles, spread: Doubles) -> Doubles:
    """The deciles of a normal distribution around each step, float64 [9, horizon]."""
    return np.asarray(point + SCORES[:, None] * spread)


def middle_width(numbers: Doubles) -> float:
    """How far apart the outer deciles of some numbers are; 0 for none.

    As numpy's quantiles tell it, which take five times as long for a few.
    """
    if not len(numbers):
        return 0.0
    ordered, last = np.sort(numbers), len(numbers) - 1
    low, high = np.interp((0.1 * last, 0.9 * last), np.arange(len(ordered)), ordered)
    return float(high - low)


def at_levels(deciles: Doubles, levels: Doubles) -> Doubles:
    """Quantiles float64 [L, horizon], ascending: between deciles linear in normal scores.

    Beyond the outer deciles each side goes on as a normal distribution would.

    Args:
        deciles: float64 [9, horizon], ascending.
        levels: float64 [L].
    """
    rows = []
    for level in levels:
        score = NormalDist().inv_cdf(float(level))
        if score <= SCORES[0] or score >= SCORES[-1]:
            outer = deciles[0] if score < 0 else deciles[-1]
            rows.append(deciles[MIDDLE] + (outer - deciles[MIDDLE]) * abs(score / SCORES[-1]))
            continue
        above = int(np.searchsorted(SCORES, score, side="right"))
        share = (score - SCORES[above - 1]) / (SCORES[above] - SCORES[above - 1])
        rows.append(deciles[above - 1] * (1 - share) + deciles[above] * share)
    if not rows:
        return np.empty((0, deciles.shape[1]))
    return np.maximum.accumulate(np.stack(rows), axis=0)


def finished(numbers: Doubles, *, non_negative: bool, integer: bool) -> Doubles:
    """Cut at 0 and rounded, where the series demands it."""
    if non_negative:
        numbers = np.maximum(numbers, 0.0)
    return np.rint(numbers) if integer else numbers
