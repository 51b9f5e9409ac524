"""Finds the season of a series and what it looks like, robustly; pure."""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

LEAST: Final = 4  # a shorter season is not told from noise
CYCLES_MIN: Final = 3  # to find one; of a given one two must be there
CORRELATION_MIN: Final = 0.25  # of the series with itself one season later
GAIN_MIN: Final = 0.12  # a season must take so much off the residuals of points it has not seen
CANDIDATES: Final = 3
CLIP: Final = 4.0  # spreads; what lies beyond must not make a season
WINDOW_NUMBERS_MAX: Final = 1 << 20  # copied at once for medians: 8 MB, whatever the width
DAYS_S: Final = (86_400.0, 604_800.0)  # people make series repeat by the day and by the week


def spread(values: Numbers) -> float:
    """The standard deviation by the median of absolute deviations, as for a normal sample."""
    if not len(values):
        return 0.0
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def moving_median(values: Numbers, width: int) -> Numbers:
    """Medians of `width` values each, [n - width + 1]; the first is that of values 0 to width."""
    windows = sliding_window_view(values, width)
    rows = max(WINDOW_NUMBERS_MAX // width, 1)
    parts = [
        np.median(windows[first : first + rows], axis=1) for first in range(0, len(windows), rows)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def find_season(values: Numbers, interval_s: float = 0.0) -> int:
    """The season length in points; 1 for none.

    Args:
        values: finite, [n].
        interval_s: seconds between two points; 0 when not known.
    """
    count = len(values)
    most = count // CYCLES_MIN
    if most < LEAST:
        return 1
    best, gain_best = 1, GAIN_MIN
    for length in _candidates(values, most, interval_s):
        gain = _gain(values, length)
        if gain > gain_best + 0.02:  # a multiple of a season explains as much, with less data
            best, gain_best = length, gain
    return best


def profile(values: Numbers, length: int) -> Numbers:
    """What each place of a season adds to the level, [length]: medians, their middle is 0."""
    flat = values - _trend(values, length)
    padded = np.full(-(-len(flat) // length) * length, np.nan)
    padded[: len(flat)] = flat
    found = np.nanmedian(padded.reshape(-1, length), axis=0)
    return np.asarray(found - np.median(found))


def _candidates(values: Numbers, most: int, interval_s: float) -> list[int]:
    """Lengths worth a try: of days and weeks, then the peaks of the autocorrelation."""
    found = []
    if interval_s > 0:
        lengths = [round(seconds / interval_s) for seconds in DAYS_S]
        found = [length for length in lengths if LEAST <= length <= most]
    width = max(spread(values), 1e-12 + 1e-9 * float(np.abs(values).max()))
    clipped = np.clip((values - np.median(values)) / width, -CLIP, CLIP)
    times = np.arange(len(values)) - (len(values) - 1) / 2
    clipped = clipped - clipped.mean()
    clipped -= times * (times @ clipped) / (times @ times)
    power = np.abs(np.fft.rfft(clipped, 1 << (2 * len(values) - 1).bit_length())) ** 2
    correlation = np.fft.irfft(power)[: most + 2]
    if correlation[0] <= 0:
        return found
    lags = np.arange(len(correlation))
    correlation = correlation / correlation[0] * len(values) / (len(values) - lags)
    inner = correlation[1:-1]
    peaks = (inner >= correlation[:-2]) & (inner > correlation[2:]) & (inner > CORRELATION_MIN)
    places = 1 + np.flatnonzero(peaks)
    places = places[places >= LEAST]
    if not len(places):
        return found
    # Its multiples correlate as well: the shortest that is nearly as good as the best goes first.
    good = places[correlation[places] >= 0.85 * correlation[places].max()]
    best = places[np.argsort(-correlation[places], kind="stable")]
    order = [*found, *good[:CANDIDATES].tolist(), *best[:CANDIDATES].tolist()]
    return list(dict.fromkeys(order))


def _gain(values: Numbers, length: int) -> float:
    """The part of the residuals of the later half that the season of the earlier half takes off."""
    half = max(len(values) // 2, 2 * length)
    if len(values) - half < length:
        half = len(values) - length
    seen = profile(values[:half], length)
    rest = values[half:]
    places = np.arange(half, len(values)) % length
    without = float(np.mean(np.abs(rest - np.median(rest))))
    if without <= 0:
        return 0.0
    left = rest - seen[places]
    return 1.0 - float(np.mean(np.abs(left - np.median(left)))) / without


def _trend(values: Numbers, length: int) -> Numbers:
    """The level of each point: the mean of the season around it, clipped against spikes."""
    width = length
    middle, wide = float(np.median(values)), spread(values)
    if wide > 0:
        values = np.clip(values, middle - 6 * wide, middle + 6 * wide)
    total = np.concatenate(([0.0], np.cumsum(values)))
    means = (total[width:] - total[:-width]) / width
    before = width // 2
    after = len(values) - len(means) - before
    return np.concatenate((np.full(before, means[0]), means, np.full(after, means[-1])))
