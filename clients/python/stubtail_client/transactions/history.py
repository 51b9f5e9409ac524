"""Purchases sorted by customer and date, with sums and picks over each customer's part of them."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class History:
    """All purchases before a date; "x" below is a number for each purchase.

    Attributes:
        owner: the customer of each purchase, from 0, ascending, [purchases].
        date: of each purchase, ascending for each customer, [purchases].
        ago: days from the purchase to the date of the question, at least 1, [purchases].
        value: money paid, [purchases].
        items: quantity bought, [purchases].
        counts: purchases of each customer, [customers].
        starts: each customer's first purchase, [customers].
    """

    owner: Indexes
    date: npt.NDArray[np.datetime64]
    ago: Numbers
    value: Numbers
    items: Numbers
    counts: Indexes
    starts: Indexes

    @classmethod
    def of(
        cls,
        owner: npt.NDArray[Any],
        date: npt.NDArray[Any],
        value: Numbers,
        items: Numbers,
        as_of: Any,
    ) -> Self:
        """Sorts, and makes what a customer bought on one day one purchase."""
        ago = (as_of - date).astype(np.int64)
        span = int(ago.max()) + 1
        keys, merged = np.unique(owner * span + (span - ago), return_inverse=True)
        owners = (keys - 1) // span  # span - ago lies in 1..span-1
        days_ago = span - (keys - owners * span)
        counts = np.bincount(owners)
        return cls(
            owner=owners,
            date=as_of - days_ago,
            ago=days_ago.astype(np.float64),
            value=np.bincount(merged, weights=value).astype(np.float64),
            items=np.bincount(merged, weights=items).astype(np.float64),
            counts=counts,
            starts=np.append(0, np.cumsum(counts)[:-1]),
        )

    @property
    def n(self) -> Numbers:
        """Purchases of each customer, as a float."""
        return self.counts.astype(np.float64)

    @property
    def order(self) -> Indexes:
        """The place of each purchase among its customer's, from 0."""
        return np.arange(self.owner.size) - self.starts[self.owner]

    @property
    def tenure(self) -> Numbers:
        """Days since the first purchase, [customers]."""
        return np.asarray(self.ago[self.starts])

    @property
    def recency(self) -> Numbers:
        """Days since the last purchase, [customers]."""
        return np.asarray(self.ago[self.starts + self.counts - 1])

    @property
    def spend(self) -> Numbers:
        """All that a customer paid, [customers]."""
        return self.total(self.value)

    def total(self, x: Numbers) -> Numbers:
        """The sum of x, [customers]."""
        sums = np.bincount(self.owner, weights=x, minlength=self.counts.size)
        return sums.astype(np.float64, copy=False)

    def most(self, x: Numbers) -> Numbers:
        """The largest x, [customers]."""
        return np.maximum.reduceat(x, self.starts)

    def least(self, x: Numbers) -> Numbers:
        """The smallest x, [customers]."""
        return np.minimum.reduceat(x, self.starts)

    def median(self, x: Numbers) -> Numbers:
        """The median of x without NaN; NaN for customers with nothing else, [customers]."""
        known = np.flatnonzero(~np.isnan(x))
        owner = self.owner[known]
        counts = np.bincount(owner, minlength=self.counts.size)
        ordered = np.append(x[known][np.lexsort((x[known], owner))], np.nan)
        starts = np.append(0, np.cumsum(counts)[:-1])
        low = np.minimum(starts + np.maximum(counts - 1, 0) // 2, known.size)
        high = np.minimum(starts + counts // 2, known.size)
        return np.where(counts > 0, (ordered[low] + ordered[high]) / 2, np.nan)

    def first(self, x: Numbers, nth: int = 1) -> Numbers:
        """The x of the nth purchase, from 1; NaN for customers with fewer, [customers]."""
        place = np.minimum(self.starts + nth - 1, x.size - 1)
        return np.where(self.counts >= nth, x[place], np.nan)

    def last(self, x: Numbers, nth: int = 1) -> Numbers:
        """The x of the nth purchase from the end; NaN for customers with fewer, [customers]."""
        place = np.maximum(self.starts + self.counts - nth, 0)
        return np.where(self.counts >= nth, x[place], np.nan)

    def within(self, days: float, x: Numbers | None = None) -> Numbers:
        """The purchases of the last so many days, or the sum of their x, [customers]."""
        recent = (self.ago <= days).astype(np.float64)
        return self.total(recent if x is None else recent * x)

    def gaps(self) -> Numbers:
        """Days from each purchase to the customer's next; NaN for the last, [purchases]."""
        gaps = np.append(self.ago[:-1] - self.ago[1:], np.nan)
        gaps[self.starts + self.counts - 1] = np.nan
        return gaps

    def slope(self, x: Numbers, least: int) -> Numbers:
        """How much x changes from a purchase to the next, by least squares, without NaN.

        NaN for customers with fewer than `least` values, [customers].
        """
        known = ~np.isnan(x)
        n = self.total(known.astype(np.float64))
        place = self.order.astype(np.float64)
        place = np.where(known, place - (self.total(place * known) / n)[self.owner], 0.0)
        slope = self.total(place * np.where(known, x, 0.0)) / self.total(place * place)
        return np.where(n >= least, slope, np.nan)
