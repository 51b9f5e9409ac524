"""Exponential smoothing without an optimiser: all settings of a grid at once, column by column.

The recursions of Holt and Winters run once over the series, each on vectors that hold one entry
for each setting; no fit is repeated. 144 settings on 400 values take 3 ms, where an optimiser takes
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
FORGET: Final = 0.995  # what an error counts less with each step
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
    found = []
    run = _run(np.stack(scales), season, known, horizon, settings)
    for end, (courses, errors) in zip(known, run, strict=True):
        if len(scales) > 1:
            # One error unit for both: a step of the log is worth the level of the series.
            errors[1] *= float(np.median(np.abs(kept[:end])))
            logs = courses[len(settings.level) :]
            with np.errstate(over="ignore"):
                np.minimum(np.exp(logs), 1e300, out=logs)
        found.append(_blend(courses, errors.ravel()))
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
    scales: Doubles, season: int, known: list[int], horizon: int, settings: _Settings
) -> list[tuple[Doubles, Doubles]]:
    """For each number of known values the courses [G * S, horizon] and the mean errors [G, S].

    `scales`, float64 [G, n], is the same series on each of its scales; they run side by side.
    """
    count = len(settings.level)
    level, trend, shape = _start(scales, season, known[0], settings)
    damping = np.tile(settings.damping, len(scales))
    # What an error adds to level, trend and place of the season.
    gains = np.tile(
        [
            settings.level,
            settings.trend * settings.level,
            settings.shape * (1.0 - settings.level),
        ],
        len(scales),
    )
    given = np.repeat(scales.T[: known[-1]], count, axis=1)
    misses = np.empty_like(given)
    result = []
    rises = np.cumsum(damping[:, None] ** np.arange(1.0, horizon + 1), axis=1)
    # Numpy takes longer to begin than to compute here: as few steps as there can be, in place.
    state, before, parts = np.stack([level, trend]), np.empty((2, len(level))), np.empty_like(gains)
    level, trend = state
    expected, moved = before
    states_part, place_part = parts[:2], parts[2]
    places = list(shape)
    for index, (value, miss) in enumerate(zip(given, misses, strict=True)):
        place = places[index % season]
        np.multiply(damping, trend, moved)
        np.add(level, moved, expected)
        np.subtract(value, place, miss)
        np.subtract(miss, expected, miss)
        np.multiply(gains, miss, parts)
        np.add(before, states_part, state)
        if season > 1:
            np.add(place, place_part, place)
        if index + 1 in known:
            courses = _courses(level, trend, shape, index + 1, rises)
            error = _mean_error(misses[: index + 1], season).reshape(-1, count)
            result.append((courses, settings.penalty * error))
    return result


def _start(
    scales: Doubles, season: int, first: int, settings: _Settings
) -> tuple[Doubles, Doubles, Doubles]:
    """Level and trend [G * S] and shape [season, G * S] before the first value."""
    count = len(settings.level)
    head = scales[:, : 2 * season] if season > 1 else scales[:, : min(4, first)]
    level = head.mean(axis=1)
    slope = np.zeros(len(scales))
    shape = np.zeros((season, len(scales)))
    if season > 1:
        table = head.reshape(-1, 2, season)
        means = table.mean(axis=2)
        slope = (means[:, 1] - means[:, 0]) / season
        shape = (table - means[:, :, None]).mean(axis=1).T
        level = level - slope * (season - 0.5)
    trend = np.where(settings.damping > 0, slope[:, None], 0.0).ravel()
    return np.repeat(level, count), trend, np.repeat(shape, count, axis=1)


def _mean_error(misses: Doubles, season: int) -> Doubles:
    """The mean absolute error of each column once it has begun, newer ones counting more."""
    warm = season if season > 1 else 2
    if len(misses) <= warm:
        return np.zeros(misses.shape[1])
    # What fitted a year ago may not fit now.
    weights = FORGET ** np.arange(len(misses) - warm - 1, -1, -1)
    return np.asarray(weights @ np.abs(misses[warm:]) / weights.sum())


def _courses(level: Doubles, trend: Doubles, shape: Doubles, done: int, rises: Doubles) -> Doubles:
    """What comes after `done` values, [G * S, horizon]; `rises` is what a trend of 1 adds."""
    places = (done + np.arange(rises.shape[1])) % len(shape)
    return np.asarray(level[:, None] + trend[:, None] * rises + shape[places].T)
