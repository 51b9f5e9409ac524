"""The quick models that `auto` weighs: each one's forecast of a series from any of its moments."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from stubtail.forecasting import network
from stubtail.forecasting.naive import seasonal_naive
from stubtail.forecasting.profile import Profile, take_apart
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
    _profiles: dict[int, Profile] = field(default_factory=dict, repr=False, compare=False)

    @property
    def short(self) -> int:
        """The shortest season; 1 without one."""
        return min(self.seasons, default=1)

    @property
    def long(self) -> int:
        """The longest of several seasons that was seen twice; 0 without one."""
        longest = max(self.seasons, default=0)
        return longest if longest > self.short and len(self.values) >= 2 * longest else 0

    def profile(self, season: int) -> Profile:
        """Its profile of that season, taken apart once."""
        found = self._profiles.get(season)
        if found is None:
            found = self._profiles[season] = take_apart(self.values, season)
        return found

    def until(self, end: int) -> "Past":
        """The same series when its first `end` values were all that was known."""
        next_s = self.next_s
        if next_s is not None:
            next_s -= (len(self.values) - end) * self.step_s
        return Past(self.values[:end], self.seasons, self.step_s, next_s)


def trees(run: Callable[..., Any], pasts: Sequence[Past], horizons: Sequence[int]) -> list[Course]:
    """The global trees: simple forecasts and the deciles of their errors, in one run for all."""
    made = [
        tree_rows(past.values, past.seasons, horizon, past.step_s, past.next_s, past.profile)
        for past, horizon in zip(pasts, horizons, strict=True)
    ]
    found = run(np.concatenate([rows.features for rows in made]))
    errors = np.sort(np.asarray(found, np.float64).T, axis=0)
    ends = np.cumsum(horizons)[:-1]
    return [
        np.asarray(rows.base + rows.scale * part)
        for rows, part in zip(made, np.split(errors, ends, axis=1), strict=True)
    ]


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
    pasts = [past.until(end) for end in ends]
    courses: list[dict[str, Course]] = [{} for _ in ends]
    for found, then, horizon in zip(courses, pasts, horizons, strict=True):
        found[PROFILE] = then.profile(past.short).forecast(horizon)[None]
        found[NAIVE] = seasonal_naive(then.values, past.short, horizon)[None]
        found[LAST] = np.full((1, horizon), then.values[-1])
        if past.long:
            found[LONG_PROFILE] = then.profile(past.long).forecast(horizon)[None]
            found[LONG_NAIVE] = seasonal_naive(then.values, past.long, horizon)[None]
    if tree_run is not None:
        for found, course in zip(courses, trees(tree_run, pasts, horizons), strict=True):
            found[TREES] = course
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
