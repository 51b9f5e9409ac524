"""How far apart the values of a series are: by name, by timestamps, and on the calendar."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stubtail.forecasting.task import SeriesError

Times = NDArray[np.int64]

MONTH_S: Final = 365.25 / 12 * 86_400
_SECONDS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0, "D": 86_400.0, "W": 7 * 86_400.0}
_MONTHS: Final = {"M": 1, "Q": 3, "Y": 12}
_PATTERN: Final = re.compile(r"([1-9][0-9]{0,5})?(s|min|h|D|W|M|Q|Y)")
EXPECTED: Final = (
    'must be a whole number and a unit, such as "5min", "h", "D", "W", "M", "Q" or "Y"'
)
# The seasons that people and machines have, in seconds.
_CYCLES_S: Final = (3600.0, 86_400.0, 7 * 86_400.0, 365.25 * 86_400.0)
SEASON_MAX: Final = 2048  # as many steps as a model looks at: a longer season is never seen twice


@dataclass(frozen=True, slots=True)
class Frequency:
    """The distance of two values.

    Attributes:
        seconds: of one step; of an average one for months.
        months: calendar months of one step; 0 where steps have a fixed length.
    """

    seconds: float
    months: int = 0

    def cycles(self) -> tuple[float, ...]:
        """The seasons that such a series may have, in steps, the shortest first."""
        lengths = [cycle_s / self.seconds for cycle_s in _CYCLES_S]
        return tuple(length for length in lengths if 1.9 < length <= SEASON_MAX)

    def future(self, last_ms: int, horizon: int) -> Times:
        """The times of the steps after `last_ms`, int64 milliseconds since 1970 [horizon]."""
        ahead = np.arange(1, horizon + 1)
        if not self.months:
            return np.asarray(last_ms + ahead * round(self.seconds * 1000), np.int64)
        last = np.datetime64(last_ms, "ms")
        month = last.astype("datetime64[M]")
        within = last - month.astype("datetime64[ms]")
        is_month_end = (last.astype("datetime64[D]") + 1).astype("datetime64[M]") > month
        months = month + ahead * self.months
        starts = months.astype("datetime64[ms]")
        ends = (months + 1).astype("datetime64[ms]")
        day = np.timedelta64(86_400_000, "ms")
        times = ends - day + within % day if is_month_end else np.minimum(starts + within, ends - 1)
        return np.asarray(times.astype(np.int64))


def parse(text: str, field: str = "frequency") -> Frequency | None:
    """The frequency of that name; None for an empty one.

    Raises:
        SeriesError: there is no such frequency.
    """
    if not text:
        return None
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise SeriesError(field, f'{EXPECTED}, got "{text[:32]}"')
    count = int(found[1] or 1)
    if found[2] in _MONTHS:
        months = count * _MONTHS[found[2]]
        return Frequency(months * MONTH_S, months)
    return Frequency(count * _SECONDS[found[2]])


def infer(times_ms: Times) -> Frequency | None:
    """The frequency of ascending times; None for fewer than two."""
    if len(times_ms) < 2:
        return None
    step_s = float(np.median(np.diff(times_ms))) / 1000
    for months in (1, 3, 6, 12):
        # Calendar months differ by 10 %, quarters by 3 %, years by a day.
        if abs(step_s / (months * MONTH_S) - 1) < (0.1 if months == 1 else 0.03):
            return Frequency(months * MONTH_S, months)
    return Frequency(step_s)


def positions(times_ms: Times, frequency: Frequency) -> NDArray[np.int64]:
    """The step of each time, the first one being 0: steps that were left out are skipped.

    Raises:
        SeriesError: times are not ascending, not unique, or not at whole steps.
    """
    steps = np.diff(times_ms)
    if (steps <= 0).any():
        index = int(np.argmax(steps <= 0)) + 1
        problem = "is the same time as" if steps[index - 1] == 0 else "is before"
        raise SeriesError(
            f"timestamps_ms[{index}]", f"{problem} the one before it; times must ascend"
        )
    if frequency.months:
        months = times_ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
        exact = (months - months[0]) / frequency.months
    else:
        exact = (times_ms - times_ms[0]) / (frequency.seconds * 1000)
    whole: Times = np.rint(exact).astype(np.int64)
    # A quarter of a step is jitter of clocks; more is another frequency.
    off = np.abs(exact - whole) > 0.25
    off[1:] |= np.diff(whole) == 0
    if off.any():
        index = int(np.argmax(off))
        raise SeriesError(
            f"timestamps_ms[{index}]",
            f"is {exact[index]:.6g} steps of {frequency.seconds:g} s after the first one; steps "
            "must have equal lengths: resample the series, or name its `frequency`",
        )
    return whole
