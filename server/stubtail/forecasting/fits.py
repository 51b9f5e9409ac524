"""Fits of ets and theta by the content of a series: asked again, they cost nothing."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from stubtail.forecasting.task import Doubles

Fit = tuple[Doubles, Doubles, str]
"""Point and standard deviation, float64 [horizon], and the name of what was fitted."""


class Fits:
    """The newest fits; the one that was not asked for the longest goes first.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, Fit] = OrderedDict()
        self.hits = 0

    def get(
        self,
        fit: Callable[[Doubles, int, int], Fit],
        values: Doubles,
        season: int,
        horizon: int,
    ) -> Fit:
        """The fit of that series, made now or before."""
        text = f"{fit.__name__} {season} {horizon} ".encode()
        key = hashlib.blake2b(
            text + np.ascontiguousarray(values).tobytes(), digest_size=16
        ).digest()
        found = self._kept.get(key)
        if found is not None:
            self.hits += 1
            self._kept.move_to_end(key)
            return found
        found = fit(values, season, horizon)
        if self._most:
            while len(self._kept) >= self._most:
                self._kept.popitem(last=False)
            self._kept[key] = found
        return found
