"""Finds the season lengths of a series: on the calendar where its frequency is known."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from stubtail.forecasting.task import Doubles

SEASONS_MAX: Final = 2  # a day and a week; a third one is rarely seen often enough
CYCLES_MIN: Final = 2.0  # a season that was seen less than twice is a guess
STRENGTH_MIN: Final = 0.2  # autocorrelation at a season that counts as one
GAIN_MIN: Final = 0.05  # what a longer season must add to the shorter one
PEAKS_MAX: Final = 8
PEAK_MIN: Final = 0.02  # what the top of a peak must stand out by
UNUSUAL_MIN: Final = 0.2  # the same where a wandering level, or noise, may have made it
PART_HEIGHT_MIN: Final = 0.25  # of the height of a season, for a part of it to be one
WANDERS: Final = 0.02  # variance of steps over that of the series


def detect(values: Doubles, cycles: Sequence[float] = ()) -> tuple[int, ...]:
    """The season lengths in steps, the strongest first; none where there is no season.

    A season is where the autocorrelation of the series without its trend has a peak of 0.2 or
    more. With a known frequency only the calendar is tried: hour, day, week, year; on the series
    less a line and on its differences, as a wandering level hides a season in the one, and noise
    a slow one in the other.

    Args:
        values: float64 [n], finite.
        cycles: the lengths that the calendar allows, in steps; empty where nothing is known.
    """
    count = len(values)
    if count < 8 or np.ptp(values) == 0:
        return ()
    most = int(count / CYCLES_MIN)
    line, changes = _less_line(values), np.diff(values, prepend=values[0])
    # A random walk has large swings and small steps: its own level hides every season.
    wanders = changes.var() < WANDERS * line.var()
    if not cycles:
        correlation = autocorrelation(changes if wanders else line)
        found = _seasons(correlation, _peaks(correlation, most), most)
        return (_shortest(found, correlation),) if found else ()
    tried = [round(cycle) for cycle in cycles]
    best: tuple[float, tuple[int, ...]] = (0.0, ())
    for course, is_usual in ((line, not wanders), (changes, wanders)):
        correlation = autocorrelation(course)
        found = _seasons(correlation, tried, most)
        height = max((_height(correlation, length) for _, length in found), default=0.0)
        if height > max(best[0], 0.0 if is_usual else UNUSUAL_MIN):
            best = height, _calendar(found, correlation)
    return best[1]


def _seasons(correlation: Doubles, tried: Sequence[int], most: int) -> list[tuple[float, int]]:
    """The lengths whose autocorrelation is high and a peak, with it."""
    noise = 2.0 / np.sqrt(len(correlation))  # two standard errors of white noise
    limit = max(STRENGTH_MIN, noise)
    return [
        (float(correlation[length]), length)
        for length in tried
        if 2 <= length <= most
        and correlation[length] >= limit
        and _height(correlation, length) > PEAK_MIN
    ]


def _less_line(values: Doubles) -> Doubles:
    count = len(values)
    steps = np.arange(count) - (count - 1) / 2
    centred = values - values.mean()
    return np.asarray(centred - steps * (steps @ centred) / (steps @ steps))


def autocorrelation(values: Doubles) -> Doubles:
    """The autocorrelation at every lag, float64 [n], by the Fourier transform."""
    centred = values - values.mean()
    size = 1 << (2 * len(values) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    power = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[: len(values)]
    if power[0] <= 0:
        return np.zeros(len(values))
    # Each lag by the number of pairs that it has, so that long seasons are not held small.
    pairs = len(values) / np.maximum(len(values) - np.arange(len(values)), 1)
    return np.asarray(power / power[0] * pairs)


def _height(correlation: Doubles, length: int) -> float:
    """How far it is above a quarter of a season before and after: a wandering level only falls."""
    away = max(1, length // 4)
    before = float(correlation[length - away])
    after = float(correlation[min(length + away, len(correlation) - 1)])
    return float(correlation[length]) - max(before, after)


def _peaks(correlation: Doubles, most: int) -> list[int]:
    inner = correlation[1:-1]
    tops = (inner > correlation[:-2]) & (inner >= correlation[2:])
    lengths = np.flatnonzero(tops[: max(most - 1, 0)]) + 1
    lengths = lengths[lengths >= 2]
    best = lengths[np.argsort(correlation[lengths])[::-1][:PEAKS_MAX]]
    return [int(length) for length in best]


def _calendar(found: list[tuple[float, int]], correlation: Doubles) -> tuple[int, ...]:
    """The shortest season, and a longer one where it explains more than repeats of the shorter."""
    found.sort(key=lambda one: one[1])
    strength, length = found[0]
    kept = [(strength, length)]
    for more, longer in found[1:]:
        shorter = kept[-1][1]
        repeats = [lag for lag in range(shorter, longer, shorter) if lag < longer - shorter // 2]
        rival = max(float(correlation[lag]) for lag in repeats[-3:]) if repeats else 0.0
        if more > rival + GAIN_MIN:
            kept.append((more, longer))
    kept.sort(reverse=True)
    return tuple(length for _, length in kept[:SEASONS_MAX])


def _shortest(found: list[tuple[float, int]], correlation: Doubles) -> int:
    """Of peaks that are nearly as high, the shortest: two seasons are a season as well.

    A long series has more repeats of its season than peaks are looked at, all of them about as
    high, so that the season itself may not be among them: parts of the length are tried as well.
    """
    best = max(strength for strength, _ in found)
    enough = 0.9 * best - 0.02
    length = min(length for strength, length in found if strength >= enough)
    stands_out = max(PEAK_MIN, PART_HEIGHT_MIN * _height(correlation, length))
    for parts in range(length // 2, 1, -1):
        part = round(length / parts)
        if correlation[part] >= enough and _height(correlation, part) > stands_out:
            return part
    return length
