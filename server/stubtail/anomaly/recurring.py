"""Tells what happens again and again on a schedule, such as a nightly job, from anomalies; pure.

A season finds what repeats to the point. A job that starts a few minutes earlier or later every
night is no season and no anomaly either.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

EVENTS_MIN: Final = 5  # so many at about equal distances are a schedule
JITTER: Final = 0.1  # of the distance


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
    apart = places[None, :] - places[:, None]
    near = np.abs(np.abs(apart) - distance) <= JITTER * distance
    partners = near.any(axis=1)
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
