"""The points of series as callers send them: checked, and put on an even grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from google.protobuf.unknown_fields import UnknownFieldSet
from numpy.typing import NDArray

from stubtail.endpoints.method import parse
from stubtail.errors import invalid_field, malformed_message
from stubtail.v1 import anomaly_pb2

DOUBLE_BYTES: Final = 8
FINITE_MIN: Final = 8  # with fewer, nothing is usual
SIZE_MAX: Final = 1e150  # squares of larger values are no numbers any more
TIME_MAX_S: Final = 1e12  # 30,000 years: what is beyond are milliseconds or worse, or a mistake

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Points:
    """One series on an even grid.

    Attributes:
        values: [n], NaN where missing.
        interval_s: seconds between two; 0 when not known.
        places: where each value of the request is on the grid; None where that is the same.
        times: seconds since 1970 of each value of the request; None without.
    """

    values: Numbers
    interval_s: float = 0.0
    places: NDArray[np.intp] | None = None
    times: Numbers | None = None


def points_of(request: Any, payload: bytes, points_max: int) -> list[Points]:
    """The points of all series of a request.

    Args:
        request: `DetectRequest.series` with packed numbers as bytes.
        payload: the whole request.
        points_max: of all series, filled gaps included.

    Raises:
        CallError: INVALID_ARGUMENT that names the series and the index of the value.
    """
    public: Any = None
    if any(len(UnknownFieldSet(one)) for one in request.series):  # unpacked, as nobody sends them
        public = parse(anomaly_pb2.DetectRequest, payload).series.series
    left = points_max
    made: list[Points] = []
    for index, one in enumerate(request.series):
        source = one if public is None else public[index]
        points = _points(source, f"series.series[{index}]", left, points_max)
        left -= len(points.values)
        if request.group and made:
            first = _count(made[0])
            if _count(points) != first:
                raise invalid_field(
                    f"series.series[{index}].values",
                    f"must have {first} values as the first series, as they are a group, "
                    f"got {_count(points)}",
                )
        if request.from_index >= _count(points):
            problem = f"must be below the number of points ({_count(points)} of series {index})"
            raise invalid_field("series.from_index", problem)
        made.append(points)
    return made


def _count(points: Points) -> int:
    return len(points.values) if points.places is None else len(points.places)


def _points(message: Any, path: str, left: int, points_max: int) -> Points:
    values = _doubles(message.values)
    times = _doubles(message.timestamps)
    if len(values) > left:
        problem = (
            f"all series of a call have at most {points_max:,} points "
            "(setting anomaly.series_points_max)"
        )
        raise invalid_field(f"{path}.values", problem)
    infinite = np.flatnonzero(np.isinf(values) | (np.abs(values) > SIZE_MAX))
    if len(infinite):
        at = int(infinite[0])
        problem = f"must be NaN or from -{SIZE_MAX:g} to {SIZE_MAX:g}, got {values[at]:g}"
        raise invalid_field(f"{path}.values[{at}]", problem)
    finite = int(np.count_nonzero(np.isfinite(values)))
    if finite < FINITE_MIN:
        problem = f"must have at least {FINITE_MIN} finite numbers, got {finite}"
        raise invalid_field(f"{path}.values", problem)
    season = message.season_length
    if season > 1 and season * 2 > len(values):
        problem = f"must be at most half of the {len(values)} points, got {season}"
        raise invalid_field(f"{path}.season_length", problem)
    if not len(times):
        return Points(values)
    _check_times(times, len(values), path)
    return _on_grid(values, times, path, left)


def _check_times(times: Numbers, count: int, path: str) -> None:
    if len(times) != count:
        problem = f"must be one for each of the {count} values, got {len(times)}"
        raise invalid_field(f"{path}.timestamps", problem)
    wrong = np.flatnonzero(~(np.abs(times) <= TIME_MAX_S))
    if len(wrong):
        at = int(wrong[0])
        problem = f"must be seconds since 1970, got {times[at]:g}"
        raise invalid_field(f"{path}.timestamps[{at}]", problem)
    unsorted = np.flatnonzero(np.diff(times) <= 0)
    if len(unsorted):
        at = int(unsorted[0]) + 1
        what = "is there twice" if times[at] == times[at - 1] else "is before the one before it"
        problem = f"must be strictly ascending; {times[at]:.15g} {what}"
        raise invalid_field(f"{path}.timestamps[{at}]", problem)


def _on_grid(values: Numbers, times: Numbers, path: str, left: int) -> Points:
    """The values at their places; where times jitter by half an interval, in their order."""
    steps = np.diff(times)
    interval_s = float(np.median(steps))
    grid = np.rint((times - times[0]) / interval_s)
    if (np.diff(grid) < 1).any() or len(grid) - 1 == grid[-1]:
        return Points(values, interval_s, None, times)
    if grid[-1] >= left:
        at = int(np.argmax(steps)) + 1
        problem = (
            f"the gap before it is {steps[at - 1] / interval_s:.0f} intervals long; with such gaps "
            f"filled there are {grid[-1] + 1:.0f} points, and {left} are left of what a call may "
            "have; send what is after the gap"
        )
        raise invalid_field(f"{path}.timestamps[{at}]", problem)
    places = grid.astype(np.intp)
    filled = np.full(int(places[-1]) + 1, np.nan)
    filled[places] = values
    return Points(filled, interval_s, places, times)


def _doubles(values: Sequence[Any]) -> Numbers:
    """The values of a field of doubles: packed pieces, or numbers."""
    if not len(values):
        return np.empty(0)
    if not isinstance(values[0], bytes):
        return np.array(values[:], np.float64)
    data = values[0] if len(values) == 1 else b"".join(values)
    if len(data) % DOUBLE_BYTES:
        raise malformed_message("stubtail.v1.DetectRequest")
    return np.frombuffer(data, "<f8")
