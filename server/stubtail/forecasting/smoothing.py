"""Exponential smoothing without an optimiser: all settings of a grid at once, column by column.

The recursions of Holt and Winters run once over the series, each on vectors that hold one entry
for each setting; no fit is repeated. 144 settings on 400 values take 6 ms, where an optimiser takes
200 ms. The states at any moment are known on the way, so a backtest costs nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stubtail.forecasting.task import Doubles

LEVELS: Final = (0.05, 0.15, 0.3, 0.5, 0.8, 0.98)
TRENDS: Final = ((0.0, 0.0), (0.05, 0.98), (0.2, 0.9), (0.02, 1.0))  # gain and damping
SHAPES: Final = (0.02, 0.1, 0.3)
TREND_PENALTY: Final = 1.03  # a trend must reduce the error by so much: it costs most when wrong
BEST: Final = 5  # the mean of the best settings is better than the best one
VALUES_MAX: Final = 400
STEPS_MAX: Final = 1200  # 20 ms before the first origin; longer seasons are left to other models
CYCLES_MIN: Final = 4  # but so many seasons, as far as there are


@dataclass(frozen=True, slots=True)
class _Settings:
    """The grid: one entry for each setting, float64 [S]."""

    level: Doubles
    trend: Doubles
    damping: Doubles
    shape: Doubles
    penalty: Doubles


def forecasts(values: Doubles, season: int, origins: Sequence[int], horizon: int) -> list[Doubles]:
    """The forecast from each origin, float64 [horizon] each, as if nothing after it were known.

    Args:
        values: float64 [n], finite.
        season: steps; one that was not seen twice before the first origin, or not twice within
            1,200 steps, counts as none.
        origins: how many values are known, ascending, each from 2 to n.
        horizon: steps.
    """
    season, start = _begin(season, min(origins))
    kept = values[start : max(origins)]
    known = [origin - start for origin in origins]
    scales = [kept]
    if (kept > 0).all():
        scales.append(np.log(kept))  # multiplicative seasons and growth
    settings = _grid(season)
    runs = [_run(scale, season, known, horizon, settings) for scale in scales]
    found = []
    for index in range(len(origins)):
        courses = [runs[0][index][0]]
        errors = [runs[0][index][1]]
        if len(runs) > 1:
            # One error unit for both: a step of the log is worth the level of the series.
            typical = float(np.median(np.abs(kept[: known[index]])))
            with np.errstate(over="ignore"):
                courses.append(np.minimum(np.exp(runs[1][index][0]), 1e300))
            errors.append(runs[1][index][1] * typical)
        found.append(_blend(np.concatenate(courses), np.concatenate(errors)))
    return found


def steps_of(season: int, origins: Sequence[int]) -> int:
    """How many steps `forecasts` takes from these origins: its time grows with them."""
    return max(origins) - _begin(season, min(origins))[1]


def _begin(season: int, first: int) -> tuple[int, int]:
    """The season that is followed, and the value to begin with."""
    if season < 2 or 2 * season > min(first, STEPS_MAX):
        season = 1
    return season, max(0, first - min(max(VALUES_MAX, CYCLES_MIN * season), STEPS_MAX))


def _blend(courses: Doubles, errors: Doubles) -> Doubles:
    best = np.argsort(errors)[:BEST]
    least = float(errors[best[0]])
    if not least > 1e-12 * float(np.abs(courses[best[0]]).max()):
        return np.asarray(courses[best[0]])  # it fits exactly
    weights = (least / errors[best]) ** 2
    return np.asarray(weights @ courses[best] / weights.sum())


def _grid(season: int) -> _Settings:
    shapes = SHAPES if season > 1 else (0.0,)
    rows = [(a, b, d, c) for a in LEVELS for b, d in TRENDS for c in shapes]
    level, trend, damping, shape = np.array(rows).T
    penalty = np.where(damping > 0, TREND_PENALTY, 1.0)
    return _Settings(level, trend, damping, shape, penalty)


def _run(
    values: Doubles, season: int, known: list[int], horizon: int, settings: _Settings
) -> list[tuple[Doubles, Doubles]]:
    """For each number of known values the courses [S, horizon] and the mean errors [S]."""
    count = len(settings.level)
    head = values[: 2 * season] if season > 1 else values[: min(4, known[0])]
    level = np.full(count, float(head.mean()))
    slope = 0.0
    shape = np.zeros((season, count))
    if season > 1:
        table = head.reshape(2, season)
        slope = float(table[1].mean() - table[0].mean()) / season
        shape += (table - table.mean(axis=1, keepdims=True)).mean(axis=0)[:, None]
        level -= slope * (season - 0.5)
    trend = np.where(settings.damping > 0, slope, 0.0)
    error = np.zeros(count)
    weight = 0.0
    keep = 1.0 - settings.level
    result = []
    warm = season if season > 1 else 2
    for index in range(known[-1]):
        place = index % season
        moved = settings.damping * trend
        expected = level + moved
        rest = values[index] - shape[place]
        miss = rest - expected
        if index >= warm:
            # Newer errors count more: what fitted a year ago may not fit now.
            error = 0.995 * error + np.abs(miss)
            weight = 0.995 * weight + 1.0
        level = settings.level * rest + keep * expected
        trend = moved + settings.trend * settings.level * miss
        shape[place] = shape[place] + settings.shape * keep * miss
        if index + 1 in known:
            courses = _courses(level, trend, shape, index + 1, horizon, settings)
            mean = settings.penalty * error / max(weight, 1.0)
            result.append((courses, mean))
    return result


def _courses(
    level: Doubles, trend: Doubles, shape: Doubles, done: int, horizon: int, settings: _Settings
) -> Doubles:
    powers = settings.damping[:, None] ** np.arange(1.0, horizon + 1)
    rises = trend[:, None] * np.cumsum(powers, axis=1)
    places = (done + np.arange(horizon)) % len(shape)
    return np.asarray(level[:, None] + rises + shape[places].T)
