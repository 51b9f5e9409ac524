"""When calls are due: seeded schedules, decided before the first call is sent.

A schedule is float64 [N], ascending seconds from its begin. Whatever the server does, no schedule
changes: that is what makes a load open. Random schedules are Poisson processes: their number of
calls is drawn first, then their times evenly over the cumulated rate, which is the same process as
exponential gaps and works for every shape of rate.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from stubtail_bench.errors import LoadError

Times = npt.NDArray[np.float64]
CALLS_MAX = 20_000_000  # of one schedule; a process keeps some 200 bytes for each until its end
Inverse = Callable[[Times], Times]  # from the number of calls expected so far to the time


def constant(rate: float, seconds: float) -> Times:
    """`rate` calls a second with equal gaps, the first at once."""
    expected = _fitting(rate * seconds)
    return np.arange(max(0, round(expected))) / rate if rate > 0 else np.empty(0)


def poisson(rate: float, seconds: float, rng: np.random.Generator) -> Times:
    """A Poisson process of `rate` calls a second."""
    return np.sort(rng.uniform(0.0, seconds, rng.poisson(_fitting(rate * seconds))))


def steps(
    parts: Sequence[tuple[float, float]], rng: np.random.Generator, *, even: bool = False
) -> Times:
    """One rate after the other.

    Args:
        parts: (calls a second, seconds) of each step.
        rng: Draws the times.
        even: Equal gaps within a step instead of a Poisson process.
    """
    lengths = np.array([seconds for _, seconds in parts], np.float64)
    rates = np.array([rate for rate, _ in parts], np.float64)
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    expected = np.concatenate([[0.0], np.cumsum(rates * lengths)])
    return _shaped(expected[-1], lambda so_far: np.interp(so_far, expected, ends), rng, even=even)


def ramp(
    first: float, last: float, seconds: float, rng: np.random.Generator, *, even: bool = False
) -> Times:
    """A rate that goes evenly from `first` to `last` calls a second."""
    slope = (last - first) / seconds

    def inverse(so_far: Times) -> Times:
        # The root of first t + slope t^2 / 2 = so_far, in the form that also holds for slope 0.
        root = np.sqrt(np.maximum(first * first + 2 * slope * so_far, 0.0))
        return np.asarray(2 * so_far / np.maximum(first + root, 1e-300), np.float64)

    return _shaped((first + last) / 2 * seconds, inverse, rng, even=even)


def by_second(rates: npt.NDArray[np.float64], rng: np.random.Generator) -> Times:
    """A Poisson process with another rate in each second, such as a log of requests a second."""
    return steps([(float(rate), 1.0) for rate in rates], rng)


def scaled(
    times: Times,
    factor: float,
    rng: np.random.Generator,
    *,
    until_s: float,
    spread_s: float = 0.5,
) -> Times:
    """A recorded schedule with `factor` times as many calls at the same hours.

    Below 1 calls are left out at random. Above 1 each recorded call comes `factor` times on
    average, the copies up to `spread_s` before or after it, so that bursts stay where they were.
    At 0 and `until_s` copies turn back: cut off there, they would all come at once.
    """
    _fitting(len(times) * factor)
    copies = np.full(len(times), int(factor)) + (rng.random(len(times)) < factor % 1.0)
    found = np.repeat(times, copies)
    firsts = np.cumsum(copies)[copies > 0] - copies[copies > 0]
    moved = rng.uniform(-spread_s, spread_s, len(found))
    moved[firsts] = 0.0  # the recorded arrival itself stays
    there_and_back = (found + moved) % (2 * until_s)
    return np.sort(np.where(there_and_back > until_s, 2 * until_s - there_and_back, there_and_back))


def _shaped(total: float, inverse: Inverse, rng: np.random.Generator, *, even: bool) -> Times:
    _fitting(total)
    if even:
        return inverse(np.arange(round(total), dtype=np.float64))
    return np.sort(inverse(rng.uniform(0.0, total, rng.poisson(total))))


def _fitting(calls: float) -> float:
    """The expected number of calls; raises LoadError where they would not fit into memory."""
    if calls > CALLS_MAX:
        raise LoadError(
            f"a run of {calls:,.0f} calls is more than the {CALLS_MAX:,} that are planned at once:"
            " take a lower rate or fewer seconds"
        )
    return calls
