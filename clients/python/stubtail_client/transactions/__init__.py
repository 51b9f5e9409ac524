"""Turns purchase histories into the features of the models `lead`, `ltv` and `segments`.

Training calls this very function, so that a caller who uses it sends what the models learned from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stubtail_client.transactions.behaviour import cohort, rhythm, season, trend
from stubtail_client.transactions.history import History, Numbers
from stubtail_client.transactions.rfm import frequency, recency, value

_GROUPS: Final[dict[str, Callable[[History], dict[str, Numbers]]]] = {
    "recency": recency,
    "frequency": frequency,
    "value": value,
    "rhythm": rhythm,
    "trend": trend,
    "season": season,
    "cohort": cohort,
}


@dataclass(frozen=True, slots=True)
class TransactionFeatures:
    """Features of some customers on one date.

    Attributes:
        customers: who, in ascending order, [customers].
        names: of the features, in the order of the models' input.
        groups: the names by what they look at: recency, frequency, value, rhythm, trend, season,
            cohort.
        rows: float32 [customers, features]; NaN where a customer has too few purchases to say.
    """

    customers: npt.NDArray[Any]
    names: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    rows: npt.NDArray[np.float32]


def transaction_features(
    customers: npt.ArrayLike,
    dates: npt.ArrayLike,
    values: npt.ArrayLike,
    quantities: npt.ArrayLike,
    as_of: str | np.datetime64,
) -> TransactionFeatures:
    """The features of every customer with a purchase before `as_of`.

    What happened on `as_of` or later is not looked at. Purchases of one customer on one day count
    as one. Money is in the unit of `values`, time in days; days ago are counted from `as_of`, so
    that yesterday is 1. No feature looks at another customer, so that a customer has the same
    features alone and among others.

    Args:
        customers: who bought, one entry for each purchase; anything that sorts.
        dates: when, ISO dates or datetime64.
        values: what was paid, 0 or more; take returns off beforehand.
        quantities: how many items, above 0.
        as_of: the date of the question.

    Raises:
        ValueError: the four differ in length, a value is no such number, or nobody bought before.
    """
    date = np.asarray(as_of, dtype="datetime64[D]")[()]
    who, when = np.asarray(customers), np.asarray(dates, dtype="datetime64[D]")
    paid = np.asarray(values, dtype=np.float64)
    items = np.asarray(quantities, dtype=np.float64)
    shapes = [column.shape for column in (who, when, paid, items)]
    if len(set(shapes)) != 1 or who.ndim != 1:
        raise ValueError(f"expected four columns of one length, got the shapes {shapes}")
    if not (np.isfinite(paid) & (paid >= 0)).all():
        raise ValueError("values must be numbers from 0; take returns off beforehand")
    if not (np.isfinite(items) & (items > 0)).all():
        raise ValueError("quantities must be numbers above 0")
    if np.isnat(when).any():
        raise ValueError("every purchase needs a date")
    known = when < date
    if not known.any():
        raise ValueError(f"there is no purchase before {date}")
    names, owner = np.unique(who[known], return_inverse=True)
    history = History.of(owner, when[known], paid[known], items[known], date)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 says "too few to tell": NaN
        groups = {group: compute(history) for group, compute in _GROUPS.items()}
    columns = {name: x for members in groups.values() for name, x in members.items()}
    rows = np.column_stack([np.where(np.isfinite(x), x, np.nan) for x in columns.values()])
    return TransactionFeatures(
        customers=names,
        names=tuple(columns),
        groups={group: tuple(members) for group, members in groups.items()},
        rows=rows.astype(np.float32),
    )
