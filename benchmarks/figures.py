"""Percentiles, spreads over rounds and ratios within a round: the arithmetic of every table."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


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


def digits(value: float) -> str:
    """`value` with three significant digits, without an exponent, with thousands marked."""
    if math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def round_ratios(values: Mapping[tuple[str, int], float], of: str, to: str) -> list[float]:
    """`of` divided by `to`, within each round that has both.

    Args:
        values: A figure by (whose, round).
        of: Whose figure is divided.
        to: Whose figure divides.
    """
    rounds = sorted(number for whose, number in values if whose == of)
    return [values[of, number] / values[to, number] for number in rounds if (to, number) in values]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A Markdown table that also reads well on a terminal.

    Args:
        head: The names of the columns.
        rows: As many cells each.
        left: Columns of words, aligned left; the others are figures, aligned right.
    """
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = [
        "-" * width if at < left else "-" * (width - 1) + ":" for at, width in enumerate(widths)
    ]
    text = []
    for line in (lines[0], rule, *lines[1:]):
        cells = [
            value.ljust(width) if at < left else value.rjust(width)
            for at, (value, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text)
