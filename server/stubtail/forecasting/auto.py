"""`auto`: weighs quick models by a rolling backtest on the series itself, as far as time allows."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from stubtail.forecasting import conformal, network
from stubtail.forecasting.backtest import Origins, mean_errors, origins_of
from stubtail.forecasting.blending import shares_of, weights_of
from stubtail.forecasting.levels import MIDDLE
from stubtail.forecasting.members import (
    SMOOTHING,
    ZERO_SHOT,
    Course,
    Past,
    blocks,
    quick_courses,
    smoothed_courses,
    zero_shot_later,
)
from stubtail.forecasting.pace import Pace
from stubtail.forecasting.smoothing import steps_of
from stubtail.forecasting.task import Doubles, Share

THREADS: Final = 2  # that run the zero-shot model side by side
TIME_SHARE: Final = 0.7  # of what is left; the rest is for the others and for bad luck
LEFT_S_MAX: Final = 3600.0  # a task without a deadline


@dataclass(frozen=True, slots=True)
class Blend:
    """What `auto` found.

    Attributes:
        deciles: float64 [9, horizon].
        shares: the models in it.
        mae: of the blend on the origins; NaN without one.
        origins: how many there were.
        left_out: what time did not allow, for people; empty otherwise.
    """

    deciles: Doubles
    shares: tuple[Share, ...]
    mae: float
    origins: int
    left_out: str


@dataclass(frozen=True, slots=True)
class Runs:
    """What runs the graphs: None for one that is not served.

    Attributes:
        network, trees: see `network.Run` and `members.trees`.
        pool: threads for the first one.
        pace: how long things take lately; the caller learns that of the first one.
        clock: monotonic seconds.
    """

    network: network.Run | None
    trees: Callable[..., Any] | None
    pool: Executor
    pace: Pace
    clock: Callable[[], float]


def blend(past: Past, horizon: int, runs: Runs, left_s: float) -> Blend:
    """Forecasts with everything that time allows.

    Args:
        past: the series.
        horizon: steps.
        runs: the graphs.
        left_s: seconds until the answer is due.
    """
    origins, smooths, left_out = _affordable(past, horizon, runs.pace, left_s)
    looks, missed = _looks(origins, horizon, runs, left_s, len(past.values))
    left_out += missed
    ends, steps = [*origins.ends, len(past.values)], origins.steps
    horizons = [steps] * len(origins.ends) + [horizon]
    later = []
    if runs.network is not None and looks >= 0:
        chosen = ends[len(ends) - 1 - looks :]
        later = zero_shot_later(
            runs.pool, runs.network, past, chosen, horizons[len(ends) - 1 - looks :]
        )
    courses = _quick(past, ends, horizons, runs, smooths=smooths)
    for found, future in zip(courses[len(courses) - len(later) :], later, strict=True):
        found[ZERO_SHOT] = future.result()
    errors = mean_errors(courses[:-1], past.values, origins)
    names = list(courses[-1])
    weights = weights_of(errors, names)
    deciles = _joined(courses[-1], names, weights, past, horizon)
    ratios, misses = [], []
    for found, end in zip(courses[:-1], origins.ends, strict=True):
        then = _joined(found, names, weights, past.until(end), steps)
        truth = past.values[end : end + steps]
        ratios.append(conformal.half_width_ratios(then, truth))
        misses.append(float(np.mean(np.abs(then[MIDDLE] - truth))))
    return Blend(
        conformal.scaled(deciles, conformal.factor_of(ratios)),
        shares_of(names, weights, errors),
        float(np.mean(misses)) if misses else float("nan"),
        len(origins.ends),
        "; ".join(left_out),
    )


def _affordable(
    past: Past, horizon: int, pace: Pace, left_s: float
) -> tuple[Origins, bool, list[str]]:
    """The origins to look back from, whether smoothing is run, and what is left out for time."""
    count = len(past.values)
    origins = origins_of(count, past.short, horizon)
    budget_s = TIME_SHARE * min(left_s, LEFT_S_MAX)
    left_out = []
    cells = count + horizon + sum(origins.ends) + origins.steps * len(origins.ends)
    if origins.ends and pace.courses.of(cells) > budget_s:
        pace.courses.left_out()
        left_out.append("models were not compared on the past: the deadline is too near")
        origins, cells = Origins((), origins.steps), count + horizon
    steps = steps_of(past.short, [*origins.ends, count])
    smooths = pace.courses.of(cells) + pace.smoothing.of(steps) <= budget_s
    if not smooths:
        pace.smoothing.left_out()
        left_out.append("smoothing was left out: the deadline is too near")
    return origins, smooths, left_out


def _quick(
    past: Past, ends: list[int], horizons: list[int], runs: Runs, *, smooths: bool
) -> list[dict[str, Course]]:
    """The quick models from each moment, and the pace that was learned from them."""
    began_s = runs.clock()
    courses = quick_courses(past, ends, horizons, runs.trees)
    done_s = runs.clock()
    runs.pace.courses.learn(done_s - began_s, sum(ends) + sum(horizons))
    if smooths:
        for found, course in zip(courses, smoothed_courses(past, ends, horizons), strict=True):
            found[SMOOTHING] = course
        runs.pace.smoothing.learn(runs.clock() - done_s, steps_of(past.short, ends))
    return courses


def _looks(
    origins: Origins, horizon: int, runs: Runs, left_s: float, count: int
) -> tuple[int, list[str]]:
    """On how many origins the zero-shot model is run besides its forecast; -1 for not at all."""
    if runs.network is None:
        return -1, []
    if min(origins.ends, default=count) < network.VALUES_MIN:
        return (0, []) if count >= network.VALUES_MIN else (-1, [])
    rate = runs.pace.network
    affordable = int(TIME_SHARE * min(left_s, LEFT_S_MAX) / rate.each_s) * THREADS
    affordable -= blocks(horizon)
    if affordable < 0:
        rate.left_out()
        return -1, ["the zero-shot model was left out: the deadline is too near"]
    looks = min(len(origins.ends), affordable // max(blocks(origins.steps), 1))
    if looks < len(origins.ends):
        return looks, [f"the zero-shot model was compared on {looks} origins: the deadline is near"]
    return looks, []


def _joined(
    courses: dict[str, Course], names: list[str], weights: Doubles, past: Past, horizon: int
) -> Doubles:
    """The weighted mean of the models that there are, with deciles around it."""
    kept = [
        (courses[name], weight)
        for name, weight in zip(names, weights, strict=True)
        if weight > 0 and name in courses
    ]
    if not kept:
        kept = [(course, 1.0) for course in courses.values()]
    shares = np.array([weight for _, weight in kept])
    shares = shares / shares.sum()
    point = shares @ np.stack([course[len(course) // 2] for course, _ in kept])
    noise = _noise(past, horizon)
    return conformal.shape_of(point, [course for course, _ in kept], shares, noise)


def _noise(past: Past, horizon: int) -> Doubles:
    """The usual error of seasonal-naive, growing with each season, float64 [horizon]."""
    lag = past.short if len(past.values) > past.short else 1
    changes = past.values[lag:] - past.values[:-lag]
    spread = float(np.std(changes[-max(4 * lag, 64) :])) if len(changes) else 0.0
    return np.asarray(spread * np.sqrt(1.0 + np.arange(horizon) // lag) / np.sqrt(2.0))
