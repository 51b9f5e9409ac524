"""The series of a forecast request as tasks: numbers, times and covariates, checked one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stubtail.endpoints.method import parse
from stubtail.errors import CallError, invalid_field, malformed_message
from stubtail.forecasting.frequency import Frequency, Times, infer, positions
from stubtail.forecasting.frequency import parse as parse_frequency
from stubtail.forecasting.task import Doubles, GraphFile, SeriesError, Task
from stubtail.v1 import forecasting_pb2

LEVELS_MAX: Final = 32
LEVEL_LEAST, LEVEL_MOST = 0.005, 0.995
SEASONS_MAX: Final = 4
COVARIATES_MAX: Final = 32
GAPS_MAX: Final = 8  # timestamps may leave out so many steps for each that they have
ITEM_BYTES: Final = 8
END_MS_MAX: Final = 4_000_000_000_000_000_000  # the times of a forecast are int64
YEARS_MS_MAX: Final = 8_000_000_000_000_000  # 250,000 years: calendars end soon after
TOO_FAR: Final = "must be within 8e15 ms of 1970"


@dataclass(frozen=True, slots=True)
class Asked:
    """The data of a job: the request, and what has been read of it.

    Attributes:
        request: the message.
        model: who is asked.
        levels: float64 [L].
        seasons: the season lengths that the caller knows.
        graphs: the exported models that may be used.
    """

    request: Any
    model: str
    levels: Doubles
    seasons: tuple[float, ...]
    graphs: dict[str, GraphFile]


@dataclass(frozen=True, slots=True)
class Placed:
    """A task, and the times of its forecast: int64 milliseconds [horizon], None where unknown."""

    task: Task
    future_ms: Times | None


def whole(request: Any, payload: bytes) -> Any:
    """The request; as the public message where numbers came unpacked, which `wire` cannot read."""
    size_bytes = request.ByteSize()
    request.DiscardUnknownFields()
    if request.ByteSize() != size_bytes:
        return parse(forecasting_pb2.ForecastRequest, payload)
    return request


def doubles(values: Sequence[Any]) -> Doubles:
    """The numbers of a field of doubles: packed pieces, or numbers."""
    return _numbers(values, "<f8")


def points_of(series: Any) -> int:
    """How many numbers a series has, without reading them."""
    covariates = sum(_count(one.values) for one in series.covariates)
    return max(_count(series.values), _count(series.timestamps_ms)) + covariates


def read_levels(levels: Doubles) -> Doubles:
    """The quantile levels; raises CallError."""
    if len(levels) > LEVELS_MAX:
        raise invalid_field("quantile_levels", f"must be at most {LEVELS_MAX}, got {len(levels)}")
    for index, level in enumerate(levels):
        if not LEVEL_LEAST <= level <= LEVEL_MOST:
            raise invalid_field(
                f"quantile_levels[{index}]",
                f"must be {LEVEL_LEAST} to {LEVEL_MOST}, got {level:g}",
            )
        if index and level <= levels[index - 1]:
            raise invalid_field(f"quantile_levels[{index}]", "must be above the one before it")
    return levels


def read_seasons(lengths: Doubles) -> tuple[float, ...]:
    """The season lengths that the caller knows; raises CallError."""
    if len(lengths) > SEASONS_MAX:
        raise invalid_field("season_lengths", f"must be at most {SEASONS_MAX}, got {len(lengths)}")
    for index, length in enumerate(lengths):
        if not 2 <= length <= 1e6:
            raise invalid_field(
                f"season_lengths[{index}]", f"must be 2 to 1,000,000 steps, got {length:g}"
            )
    return tuple(float(length) for length in lengths)


def read_frequency(text: str, field: str) -> Frequency | None:
    """The frequency of that name; raises CallError."""
    try:
        return parse_frequency(text, field)
    except SeriesError as error:
        raise invalid_field(error.field, error.problem) from None


def read_tasks(asked: Asked, deadline_s: float) -> list[Placed]:
    """The series as tasks; raises CallError that names the first value that is wrong."""
    request = asked.request
    common = read_frequency(request.frequency, "frequency")
    placed = []
    for index, series in enumerate(request.series):
        try:
            placed.append(_read(asked, series, common, deadline_s))
        except SeriesError as error:
            where = f"series[{index}].{error.field}" if error.field else f"series[{index}]"
            raise invalid_field(where, error.problem) from None
    return placed


def _read(asked: Asked, series: Any, common: Frequency | None, deadline_s: float) -> Placed:
    request, horizon = asked.request, asked.request.horizon
    values = doubles(series.values)
    _check_values(values)
    frequency = parse_frequency(series.frequency) or common
    known = _covariates(series.covariates, len(values), horizon)
    start_ms = series.start_ms if series.HasField("start_ms") else None
    last_ms = None
    times = _numbers(series.timestamps_ms, "<i8")
    if len(times):
        if start_ms is not None:
            raise SeriesError("start_ms", "cannot be set together with `timestamps_ms`")
        if len(times) != len(values):
            raise SeriesError(
                "timestamps_ms", f"must be as many as values ({len(values)}), got {len(times)}"
            )
        _check_times(times)
        frequency = frequency or infer(times)
        start_ms, last_ms = int(times[0]), int(times[-1])
        if frequency is not None:
            values, known = _regular(values, known, positions(times, frequency))
    elif start_ms is not None:
        if abs(start_ms) > YEARS_MS_MAX:
            raise SeriesError("start_ms", TOO_FAR)
        if frequency is not None:
            last_ms = _last_of(start_ms, len(values), frequency)
    task = Task(
        values=values,
        horizon=horizon,
        levels=asked.levels,
        model=asked.model,
        season_lengths=asked.seasons,
        step_s=frequency.seconds if frequency else 0.0,
        start_s=None if start_ms is None else start_ms / 1000,
        covariates=known,
        non_negative=request.non_negative,
        integer=request.integer,
        graphs=asked.graphs,
        deadline_s=deadline_s,
    )
    future = None
    if last_ms is not None and frequency is not None:
        _check_end(last_ms, horizon, frequency)
        future = frequency.future(last_ms, horizon)
    return Placed(task, future)


def _check_values(values: Doubles) -> None:
    if not len(values):
        raise SeriesError("values", "must have at least one number")
    infinite = np.isinf(values)
    if infinite.any():
        index = int(np.argmax(infinite))
        raise SeriesError(f"values[{index}]", f"must be finite or NaN, got {values[index]}")
    if np.isnan(values).all():
        raise SeriesError("values", "all are missing (NaN); send at least one number")
    # Squares of larger ones overflow, and models square.
    large = np.abs(values) > 1e150
    if large.any():
        index = int(np.argmax(large))
        raise SeriesError(f"values[{index}]", f"must be within 1e150, got {values[index]:g}")


def _check_times(times: Times) -> None:
    wide = (times > YEARS_MS_MAX) | (times < -YEARS_MS_MAX)  # the least int64 has no absolute value
    if wide.any():
        raise SeriesError(f"timestamps_ms[{int(np.argmax(wide))}]", TOO_FAR)


def _check_end(first_ms: int, steps: int, frequency: Frequency) -> None:
    if abs(first_ms) + frequency.seconds * 1000 * steps > END_MS_MAX:
        problem = f"ends too late: {steps:,} steps of {frequency.seconds:g} s"
        raise SeriesError("frequency", f"{problem} go beyond {END_MS_MAX:g} ms of 1970")


def _last_of(start_ms: int, count: int, frequency: Frequency) -> int:
    if count == 1:
        return start_ms
    _check_end(start_ms, count, frequency)
    return int(frequency.future(start_ms, count - 1)[-1])


def _covariates(messages: Any, count: int, horizon: int) -> Doubles | None:
    if not messages:
        return None
    if len(messages) > COVARIATES_MAX:
        raise SeriesError("covariates", f"must be at most {COVARIATES_MAX}, got {len(messages)}")
    rows = []
    for index, message in enumerate(messages):
        row = doubles(message.values)
        if len(row) != count + horizon:
            raise SeriesError(
                f"covariates[{index}].values",
                f"must be as many as values and horizon together ({count + horizon}), "
                f"got {len(row)}",
            )
        wrong = ~np.isfinite(row) | (np.abs(row) > 1e150)
        if wrong.any():
            at = int(np.argmax(wrong))
            expected = f"must be a number within 1e150, got {row[at]:g}"
            raise SeriesError(f"covariates[{index}].values[{at}]", expected)
        rows.append(row)
    return np.stack(rows)


def _regular(
    values: Doubles, covariates: Doubles | None, where: NDArray[np.int64]
) -> tuple[Doubles, Doubles | None]:
    """Values and covariates at every step: those that the times leave out are missing."""
    count = int(where[-1]) + 1
    if count == len(values):
        return values, covariates
    if count > GAPS_MAX * len(values) + 1:
        raise SeriesError(
            "timestamps_ms",
            f"have {len(values)} values in {count} steps; at most {GAPS_MAX} steps each",
        )
    filled = np.full(count, np.nan)
    filled[where] = values
    if covariates is None:
        return filled, None
    steps = np.arange(count)
    known = len(values)
    past = np.stack([np.interp(steps, where, row[:known]) for row in covariates])
    return filled, np.concatenate([past, covariates[:, known:]], axis=1)


def _count(values: Sequence[Any]) -> int:
    if len(values) and isinstance(values[0], bytes):
        return sum(len(piece) for piece in values) // ITEM_BYTES
    return len(values)


def _numbers(values: Sequence[Any], dtype: str) -> NDArray[Any]:
    """The numbers of a field: packed pieces of bytes, or Python numbers."""
    if not len(values) or not isinstance(values[0], bytes):
        return np.array(values[:], dtype)
    data = values[0] if len(values) == 1 else b"".join(values)
    if len(data) % ITEM_BYTES or any(len(piece) % ITEM_BYTES for piece in values):
        raise malformed_message("stubtail.v1.ForecastRequest")
    return np.frombuffer(data, dtype)


__all__ = ["Asked", "CallError", "Placed", "read_tasks"]
