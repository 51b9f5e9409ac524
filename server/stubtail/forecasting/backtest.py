"""Rolling origins within one series: where they lie, and what the models got wrong there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stubtail.forecasting.task import Doubles

ORIGINS: Final = 3
PAST_MIN: Final = 6  # fewer values before an origin tell nothing


@dataclass(frozen=True, slots=True)
class Origins:
    """Moments of the past from which a forecast can be compared with what came.

    Attributes:
        ends: how many values are known at each, ascending; the last one is `steps` before the end.
        steps: of each comparison.
    """

    ends: tuple[int, ...]
    steps: int


def origins_of(count: int, season: int, horizon: int, most: int = ORIGINS) -> Origins:
    """The origins of a series, one after the other; none for a very short one.

    Args:
        count: its values.
        season: its shortest season, of which two stay before the first origin where they can.
        horizon: of the forecast; the comparisons are as long where the series allows it.
        most: at most so many.
    """
    free = count - max(2 * season, 8)
    if free < ORIGINS + 1:
        free = count - PAST_MIN
    steps = max(1, min(horizon, free // ORIGINS))
    ends = [count - steps * back for back in range(most, 0, -1)]
    return Origins(tuple(end for end in ends if end >= PAST_MIN), steps)


def mean_errors(
    courses: Sequence[Mapping[str, Doubles]], values: Doubles, origins: Origins
) -> dict[str, Doubles]:
    """For each model its mean absolute error at each origin, NaN where it made no forecast.

    Args:
        courses: for each origin the models' forecasts, [1 or 9, steps]; the middle row counts.
        values: float64 [n].
        origins: see `origins_of`.
    """
    names = dict.fromkeys(name for found in courses for name in found)
    errors = {name: np.full(len(origins.ends), np.nan) for name in names}
    for index, (found, end) in enumerate(zip(courses, origins.ends, strict=True)):
        truth = values[end : end + origins.steps]
        for name, course in found.items():
            errors[name][index] = np.mean(np.abs(course[len(course) // 2] - truth))
    return errors
