"""Tells what happens again and again, on a schedule or not, from anomalies; pure.

A season finds what repeats to the point. A job that starts a few minutes earlier or later every
night is no season and no anomaly either, and nor is what happens every other day at any time.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

EVENTS_MIN: Final = 5  # so many at about equal distances are a schedule
JITTER: Final = 0.1  # of the distance
HABIT_MIN: Final = 4  # events that are alike, on a schedule or not: fewer tell nothing of a chance
ALIKE: Final = 0.5  # of the size of an event: others at least so large are as good as it


def on_schedule(starts: Sequence[int]) -> list[bool]:
    """Which events are part of a schedule.

    Args:
        starts: the first point of each event, ascending.
    """
    count = len(starts)
    if count < EVENTS_MIN:
        return [False] * count
    places = np.array(starts)
    distance = float(np.median(np.diff(places)))
    partners = _reached(places, distance) | _reached(-places[::-1], distance)[::-1]
    if distance < EVENTS_MIN or int(partners.sum()) < max(EVENTS_MIN, 0.6 * count):
        return [False] * count
    # One event every so often is expected; a second one close to it is not.
    kept = np.flatnonzero(partners)
    regular = [False] * count
    last = -np.inf
    for place in kept.tolist():
        if places[place] - last >= (1 - 2 * JITTER) * distance:
            regular[place] = True
            last = places[place]
    return regular


def habits(sizes: NDArray[np.float64], points: int, rate: float) -> NDArray[np.bool_]:
    """Which events are usual by their number: k of them in n points have a chance of k / n.

    Args:
        sizes: how far off each event is, above 0, [events]; all of one kind and direction.
        points: of the series.
        rate: the chance from which on something is usual.
    """
    alike = len(sizes) - np.searchsorted(np.sort(sizes), ALIKE * sizes, side="left")
    return np.asarray((alike >= HABIT_MIN) & (alike > rate * points))


def _reached(places: NDArray[np.int64], distance: float) -> NDArray[np.bool_]:
    """Which of ascending places have another one about `distance` after them."""
    near = np.searchsorted(places, places + (1 - JITTER) * distance, side="left")
    far = np.searchsorted(places, places + (1 + JITTER) * distance, side="right")
    return near < far
