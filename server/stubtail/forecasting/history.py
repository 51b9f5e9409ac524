"""A series made ready for models: missing values filled, old ones cut off, its size known."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from stubtail.forecasting.task import Doubles, SeriesError

# Four weeks of five-minute values, or eleven months of hours: two of the longest season and more.
HISTORY_MAX: Final = 8192
NOTHING_SAYS: Final = "all values are missing (NaN); send at least one number"


@dataclass(frozen=True, slots=True)
class History:
    """The part of a series that models look at.

    Attributes:
        values: float64 [n], finite, n from 1 to HISTORY_MAX; the last one is the newest.
        missing: how many of them were filled.
        cut: how many older ones were left out.
        trailing: how many of the newest ones were missing.
    """

    values: Doubles
    missing: int
    cut: int
    trailing: int


def prepare(values: Doubles, season: int = 0) -> History:
    """Cuts and fills a series; an unobserved start is left out.

    Args:
        values: float64 [n], NaN where missing.
        season: steps of a known season: a gap takes the values of the season before it; 0
            draws a line through it.

    Raises:
        SeriesError: no value is there, or one is infinite.
    """
    infinite = np.isinf(values)
    if infinite.any():
        raise SeriesError(f"values[{int(np.argmax(infinite))}]", "must be a finite number, or NaN")
    seen = ~np.isnan(values)
    if not seen.any():
        raise SeriesError("values", NOTHING_SAYS)
    first = max(int(np.argmax(seen)), len(values) - HISTORY_MAX)
    kept, known = values[first:], seen[first:]
    if not known.any():
        raise SeriesError("values", f"the last {HISTORY_MAX} values are all missing (NaN)")
    missing = int(np.count_nonzero(~known))
    trailing = int(np.argmax(known[::-1]))
    if missing:
        kept = _filled(kept, known, season)
    return History(np.ascontiguousarray(kept, np.float64), missing, first, trailing)


def _filled(values: Doubles, known: np.ndarray, season: int) -> Doubles:
    where = np.arange(len(values))
    lines: Doubles = np.interp(where, where[known], values[known])
    if season < 2 or len(values) < 2 * season:
        return lines
    filled: Doubles = lines.copy()
    for index in where[~known]:
        if index >= season:
            filled[index] = filled[index - season]
    return filled
