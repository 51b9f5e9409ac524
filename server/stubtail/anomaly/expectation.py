"""What is expected of each point of a series, from what came before it, and how far off it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stubtail.anomaly.seasons import find_season, moving_median, profile, spread

Numbers = NDArray[np.float64]

WIDTHS: Final = (1, 5, 15, 41)  # points whose median is the level: a walk, or noise around a level
PREFERENCE: Final = 0.97  # a wider level must be so much worse before a narrower one is taken
SPREAD_PHASES: Final = 0.02  # of a season on either side: their residuals tell how far one varies
SPREAD_POINTS: Final = 20  # at least so many of them
SPREAD_LEAST: Final = 0.35  # of the usual spread: a quiet hour must not make a tick an anomaly
EXACT: Final = 1e-9  # of the largest value: what numbers are exact to


@dataclass(frozen=True, slots=True)
class Expectation:
    """What was expected of a series.

    Attributes:
        season: its length in points; 1 for none.
        expected: of each point, [n].
        width: how far values usually are from that, [n]; above 0.
        residuals: (value - expected) / width, [n]; 0 where the value is missing.
        level: the values without their season, [n].
        shape: what the season adds, [n].
        seen: where there was a value, [n].
        memory: how many points before each one the level was taken from.
    """

    season: int
    expected: Numbers
    width: Numbers
    residuals: Numbers
    level: Numbers
    shape: Numbers
    seen: NDArray[np.bool_]
    memory: int


def expect(values: Numbers, season: int = 0, interval_s: float = 0.0) -> Expectation:
    """Expects each point from those before it.

    Args:
        values: [n], at least two finite; NaN is missing.
        season: its length in points; 0 finds it, 1 for none.
        interval_s: seconds between two points; 0 when not known.
    """
    seen = np.isfinite(values)
    filled = _filled(values, seen)
    if season == 0:
        season = find_season(filled, interval_s)
    if season > 1 and len(values) >= 2 * season:
        shape = profile(filled, season)[np.arange(len(values)) % season]
    else:
        season, shape = 1, np.zeros(len(values))
    level = filled - shape
    ahead, memory = _level_before(level)
    expected = ahead + shape
    residuals = filled - expected
    bias = float(np.median(residuals[seen]))  # what rises steadily is ahead of what was before
    expected = expected + bias
    residuals = np.where(seen, residuals - bias, 0.0)
    if memory == 1:
        residuals[0] = 0.0  # nothing was before it
        expected[0] = filled[0]
    width = _width(residuals, seen, season, float(np.abs(filled).max()))
    return Expectation(season, expected, width, residuals / width, level, shape, seen, memory)


def after_shifts(
    expectation: Expectation, values: Numbers, shifts: Sequence[tuple[int, float]]
) -> Expectation:
    """The same where it is known when the level shifted and to what.

    Points after a shift are expected at the new level at once, and not when the median follows.

    Args:
        expectation: as found without knowing that.
        values: [n].
        shifts: the first point of each new level, ascending, and that level without season.
    """
    expected = expectation.expected.copy()
    if not shifts:
        return expectation
    ends = [start for start, _ in shifts[1:]] + [len(values)]
    for (start, level), end in zip(shifts, ends, strict=True):
        zone = slice(start, min(start + max(expectation.memory, 1), end))
        known = level + expectation.shape[zone]
        # Some levels do not last: what came before the shift is as plausible.
        nearer = np.abs(values[zone] - known) < np.abs(values[zone] - expected[zone])
        expected[zone] = np.where(nearer, known, expected[zone])
    off = np.where(expectation.seen, values - expected, 0.0)
    return replace(expectation, expected=expected, residuals=off / expectation.width)


def _filled(values: Numbers, seen: NDArray[np.bool_]) -> Numbers:
    """Missing values as the last one before them."""
    if seen.all():
        return values
    last = np.maximum.accumulate(np.where(seen, np.arange(len(values)), -1))
    first = int(np.argmax(seen))
    return np.asarray(values[np.where(last < 0, first, last)])


def _level_before(level: Numbers) -> tuple[Numbers, int]:
    """The level of each point as the points before it tell, and the width that foretells best."""
    best, least, memory = level, np.inf, 1
    for width in reversed(WIDTHS):
        if width * 3 > len(level):
            continue
        ahead = _median_before(level, width)
        off = float(np.mean(np.sqrt(np.abs(level - ahead))))  # sqrt: jumps do not decide
        if off < PREFERENCE * least:
            best, least, memory = ahead, off, width
    return best, memory


def _median_before(level: Numbers, width: int) -> Numbers:
    """The median of the `width` points before each one; the first ones get the first median."""
    if width == 1:
        return np.concatenate((level[:1], level[:-1]))
    medians = moving_median(level, width)
    return np.concatenate((np.full(width, medians[0]), medians[:-1]))


def _width(residuals: Numbers, seen: NDArray[np.bool_], season: int, largest: float) -> Numbers:
    """How far points usually are from what is expected, by their place in the season."""
    floor = max(EXACT * largest, 1e-300)
    some = residuals[seen]
    usual = spread(some)
    if usual <= 0:  # more than half are exactly as expected
        usual = float(np.mean(np.abs(some)))
    usual = max(usual, floor)
    if season < 2 or len(residuals) < 3 * season:
        return np.full(len(residuals), usual)
    reach = max(int(SPREAD_PHASES * season), SPREAD_POINTS * season // len(residuals) // 2, 1)
    padded = np.full(-(-len(residuals) // season) * season, np.nan)
    padded[: len(residuals)] = np.where(seen, np.abs(residuals), np.nan)
    middle = 1.4826 * np.nanmedian(padded.reshape(-1, season), axis=0)
    middle = np.where(np.isfinite(middle), middle, usual)
    ring = np.concatenate((middle[-reach:], middle, middle[:reach]))
    width = np.maximum(moving_median(ring, 2 * reach + 1), SPREAD_LEAST * usual)
    return np.asarray(width[np.arange(len(residuals)) % season])
