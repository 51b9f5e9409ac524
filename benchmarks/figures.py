"""Percentiles, spreads over rounds and ratios within a round: the arithmetic of every table."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stubtail_bench.figures import digits, table

__all__ = ["Spread", "digits", "quantile", "round_ratios", "table"]


def quantile(values: Sequence[float], part: float) -> float:
    """The smallest of `values` that at least `part` of them do not exceed; NaN for none.

    No interpolation: every percentile that is reported has been seen.
    """
    if not len(values):
        return math.nan
    return float(np.quantile(np.asarray(values), part, method="inverted_cdf"))


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the rounds: median, lowest and highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of `values`, which must not be empty."""
        return cls(statistics.median(values), min(values), max(values))

    def show(self, scale: float = 1.0) -> str:
        """`median (low-high)` with three significant digits, each times `scale`."""
        median, low, high = (digits(value * scale) for value in (self.median, self.low, self.high))
        return median if low == high else f"{median} ({low}-{high})"


def round_ratios(values: Mapping[tuple[str, int], float], of: str, to: str) -> list[float]:
    """`of` divided by `to`, within each round that has both.

    Args:
        values: A figure by (whose, round).
        of: Whose figure is divided.
        to: Whose figure divides.
    """
    rounds = sorted(number for whose, number in values if whose == of)
    return [values[of, number] / values[to, number] for number in rounds if (to, number) in values]
