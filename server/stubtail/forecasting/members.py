"""The quick models that `auto` weighs: each one's forecast of a series from any of its moments."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from stubtail.forecasting import network
from stubtail.forecasting.naive import seasonal_naive
from stubtail.forecasting.profile import take_apart
from stubtail.forecasting.smoothing import forecasts as smoothed
from stubtail.forecasting.task import NAIVE, TREES, ZERO_SHOT, Doubles
from stubtail.forecasting.tree_features import tree_rows

SMOOTHING: Final = "smoothing"
PROFILE: Final = "profile"
LONG_PROFILE: Final = "long-profile"
LONG_NAIVE: Final = "long-naive"
LAST: Final = "last-value"

Course = Doubles
"""Deciles float64 [9, horizon] of a model that has them, else the point alone, [1, horizon]."""


@dataclass(frozen=True, slots=True)
class Past:
    """A series as its models see it.

    Attributes:
        values: float64 [n], finite.
        seasons: season lengths in steps, the strongest first.
        step_s: seconds of a step; 0 where not known.
        next_s: unix seconds of the first future step; None where not known.
    """

    values: Doubles
    seasons: tuple[int, ...]
    step_s: float = 0.0
    next_s: float | None = None

    @property
    def short(self) -> int:
        """The shortest season; 1 without one."""
        return min(self.seasons, default=1)

    @property
    def long(self) -> int:
        """The longest of several seasons that was seen twice; 0 without one."""
        longest = max(self.seasons, default=0)
        return longest if longest > self.short and len(self.values) >= 2 * longest else 0

    def until(self, end: int) -> "Past":
        """The same series when its first `end` values were all that was known."""
        next_s = self.next_s
        if next_s is not None:
            next_s -= (len(self.values) - end) * self.step_s
        return Past(self.values[:end], self.seasons, self.step_s, next_s)


def trees(run: Callable[..., Any], past: Past, horizon: int) -> Course:
    """The global trees: a simple forecast and the deciles of its error."""
    rows = tree_rows(past.values, past.seasons, horizon, past.step_s, past.next_s)
    errors = np.sort(np.asarray(run(rows.features), np.float64).T, axis=0)
    return np.asarray(rows.base + rows.scale * errors)


def quick_courses(
    past: Past, ends: list[int], horizons: list[int], tree_run: Callable[..., Any] | None
) -> list[dict[str, Course]]:
    """What each model but the zero-shot one and smoothing says, from each moment.

    Args:
        past: the series.
        ends: how many values are known, ascending.
        horizons: steps from each of them.
        tree_run: runs the global trees; None leaves them out.
    """
    courses: list[dict[str, Course]] = [{} for _ in ends]
    for found, end, horizon in zip(courses, ends, horizons, strict=True):
        then = past.until(end)
        found[PROFILE] = take_apart(then.values, past.short).forecast(horizon)[None]
        found[NAIVE] = seasonal_naive(then.values, past.short, horizon)[None]
        found[LAST] = np.full((1, horizon), then.values[-1])
        if past.long:
            found[LONG_PROFILE] = take_apart(then.values, past.long).forecast(horizon)[None]
            found[LONG_NAIVE] = seasonal_naive(then.values, past.long, horizon)[None]
        if tree_run is not None:
            found[TREES] = trees(tree_run, then, horizon)
    return courses


def smoothed_courses(past: Past, ends: list[int], horizons: list[int]) -> list[Course]:
    """What smoothing says from each moment: one recursion over the series for all of them."""
    found = smoothed(past.values, past.short, ends, max(horizons))
    return [course[None, :horizon] for course, horizon in zip(found, horizons, strict=True)]


def zero_shot_later(
    pool: Executor, run: network.Run, past: Past, ends: list[int], horizons: list[int]
) -> list[Future[Course]]:
    """The zero-shot forecasts from each moment, in threads: its runs leave the GIL alone."""
    return [
        pool.submit(network.forecast, run, past.values[:end], horizon)
        for end, horizon in zip(ends, horizons, strict=True)
    ]


def blocks(horizon: int) -> int:
    """How many runs of the zero-shot model a horizon takes."""
    return -(-horizon // network.BLOCK)


__all__ = ["ZERO_SHOT", "Course", "Past", "quick_courses", "trees", "zero_shot_later"]
