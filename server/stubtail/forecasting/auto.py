"""`auto`: weighs quick models by a rolling backtest on the series itself, as far as time allows."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from stubtail.forecasting import conformal, network
from stubtail.forecasting.backtest import Origins, mean_errors, origins_of
from stubtail.forecasting.blending import middle_mean, shares_of, weights_of
from stubtail.forecasting.levels import MIDDLE, SCORES, middle_width
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
from stubtail.forecasting.naive import naive_spread
from stubtail.forecasting.pace import Pace
from stubtail.forecasting.smoothing import steps_of
from stubtail.forecasting.task import Doubles, Share

THREADS: Final = 1  # beside the other models: a process is to fill a core, and others have theirs
# Origins of the zero-shot model, the newest ones: each takes as long as all other models together,
# and on the tuning series neither a second nor a third made the point better.
LOOKS: Final = 1
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
        unscaled: the deciles before their width was fitted.
        ratios: the errors over the half widths, see `conformal`, for each origin at which the same
            models were asked as now; for all of them where there is none.
    """

    deciles: Doubles
    shares: tuple[Share, ...]
    mae: float
    origins: int
    left_out: str
    unscaled: Doubles
    ratios: tuple[Doubles, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the models say of a series, now and at its origins.

    Attributes:
        courses: by model, from each origin and then from the end.
        origins: those that were affordable.
        left_out: what time did not allow, for people.
    """

    courses: list[dict[str, Course]]
    origins: Origins
    left_out: tuple[str, ...]


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
    return weigh(past, horizon, gather(past, horizon, runs, left_s))


def gather(past: Past, horizon: int, runs: Runs, left_s: float) -> Gathered:
    """What the models say, as many as time allows; arguments as for `blend`."""
    origins, smooths, left_out = _affordable(past, horizon, runs.pace, left_s)
    looks, missed = _looks(origins, horizon, runs, left_s, len(past.values))
    ends = [*origins.ends, len(past.values)]
    horizons = [origins.steps] * len(origins.ends) + [horizon]
    later = []
    if runs.network is not None and looks >= 0:
        first = len(ends) - 1 - looks
        later = zero_shot_later(runs.pool, runs.network, past, ends[first:], horizons[first:])
    courses = _quick(past, ends, horizons, runs, smooths=smooths)
    for found, future in zip(courses[len(courses) - len(later) :], later, strict=True):
        found[ZERO_SHOT] = future.result()
    return Gathered(courses, origins, (*left_out, *missed))


def weigh(past: Past, horizon: int, gathered: Gathered) -> Blend:
    """Blends what was gathered, and fits the widths; nothing is run."""
    origins, now = gathered.origins, gathered.courses[-1]
    errors = mean_errors(gathered.courses[:-1], past.values, origins)
    names = list(now)
    weights = weights_of(errors, names)
    deciles = _joined(now, names, weights, past, horizon)
    seen, alike, misses = [], [], []
    for found, end in zip(gathered.courses[:-1], origins.ends, strict=True):
        then = _joined(found, names, weights, past.until(end), origins.steps)
        truth = past.values[end : end + origins.steps]
        seen.append(conformal.half_width_ratios(then, truth))
        if found.keys() == now.keys():
            alike.append(seen[-1])
        misses.append(float(np.mean(np.abs(then[MIDDLE] - truth))))
    # Widths that other models gave then tell less of those that these give now.
    ratios = alike or seen
    return Blend(
        conformal.scaled(deciles, conformal.factor_of(ratios, len(origins.ends))),
        shares_of(names, weights, errors),
        float(np.mean(misses)) if misses else float("nan"),
        len(origins.ends),
        "; ".join(gathered.left_out),
        deciles,
        tuple(ratios),
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
    wanted = min(len(origins.ends), LOOKS)
    looks = min(wanted, affordable // max(blocks(origins.steps), 1))
    if looks < wanted:
        return looks, [f"the zero-shot model was compared on {looks} origins: the deadline is near"]
    return looks, []


def _joined(
    courses: dict[str, Course], names: list[str], weights: Doubles, past: Past, horizon: int
) -> Doubles:
    """The middle mean of the models that there are, with deciles around it."""
    kept = [
        (courses[name], weight)
        for name, weight in zip(names, weights, strict=True)
        if weight > 0 and name in courses
    ]
    if not kept:
        kept = [(course, 1.0) for course in courses.values()]
    shares = np.array([weight for _, weight in kept])
    shares = shares / shares.sum()
    point = middle_mean(np.stack([course[len(course) // 2] for course, _ in kept]), shares)
    noise = _noise(past, horizon)
    if not noise.any() and all(len(course) == 1 for course, _ in kept):
        # Mostly the same value: the middle of the changes is 0, and no model tells of the rest.
        noise = naive_spread(past.values, past.short, horizon)
    return conformal.shape_of(point, [course for course, _ in kept], shares, noise)


def _noise(past: Past, horizon: int) -> Doubles:
    """The usual error of seasonal-naive, growing with each season, float64 [horizon].

    By the middle 80 % of its errors: a few bursts would widen every interval without end.
    """
    lag = past.short if len(past.values) > past.short else 1
    changes = (past.values[lag:] - past.values[:-lag])[-max(4 * lag, 64) :]
    spread = middle_width(changes) / float(SCORES[-1] - SCORES[0])
    return np.asarray(spread * np.sqrt(1.0 + np.arange(horizon) // lag) / np.sqrt(2.0))
