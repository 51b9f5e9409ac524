"""What a manifest allows in a row: checked for a whole batch at once, explained cell by cell."""

from collections.abc import Callable, Sequence
from math import isfinite, isinf
from operator import contains, itemgetter

import numpy as np
from numpy.typing import NDArray

from stubtail.models.manifest import Feature

Matrix = NDArray[np.float32]
Ends = NDArray[np.intp]
BadCell = tuple[int, str, str]  # row, name of the feature, what was expected
FLOAT32_MAX = float(np.finfo(np.float32).max)
FEW_ROWS = 4  # up to here looking at each row is cheaper than the vector operations
ROUNDING = 2.0**23  # float32 has no fractions from here on


class RowRules:
    """The rules of all features, as vectors over the columns of a row.

    A category is a code: the position of its value in the feature's list.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        self._columns = {feature.name: index for index, feature in enumerate(features)}
        self._lowest = np.array(
            [0.0 if f.type == "category" else -FLOAT32_MAX for f in features], np.float32
        )
        self._highest = np.array(
            [len(f.categories) - 1 if f.type == "category" else FLOAT32_MAX for f in features],
            np.float32,
        )
        self._nan_allowed = np.array([f.missing == "allow" for f in features])
        self._rounding = np.array(
            [ROUNDING if f.type == "category" else 0.0 for f in features], np.float32
        )
        self.defaults = tuple(_default(feature) for feature in features)
        categories = [i for i, f in enumerate(features) if f.type == "category"]
        numbers = [i for i, f in enumerate(features) if f.type == "number"]
        self._codes = [
            frozenset(map(float, range(len(features[i].categories)))) for i in categories
        ]
        self._pick_codes = _picker(categories)
        self._pick_finite = _picker([i for i in numbers if features[i].missing != "allow"])
        self._pick_nullable = _picker([i for i in numbers if features[i].missing == "allow"])

    def column(self, name: str) -> int | None:
        """The position of a feature in a row."""
        return self._columns.get(name)

    def conform(self, rows: Matrix, ends: Ends | None = None) -> tuple[Matrix, list[BadCell]]:
        """Applies the rules.

        Args:
            rows: float32 [N, features]; never written to.
            ends: where the rows of each call end; then only the first bad row of a call is told.

        Returns:
            The rows with defaults filled in, and for every bad cell its row, the name of its
            feature and what was expected, in the order of the rows (at most one for a row).
        """
        if self.accepts(rows):
            return rows, []
        return self._conform_cells(rows, ends)

    def accepts(self, rows: Matrix) -> bool:
        """Whether all rows stand as they are, which is the usual case and must cost little."""
        if len(rows) <= FEW_ROWS and all(map(self._plain, rows.tolist())):
            return True
        # In the usual batch every cell survives being moved into its range and, if it is a code,
        # to the nearest integer; NaN never does. Whether one did not is a comparison of bytes,
        # a fraction of the cost of looking at the cells. Codes are below 2**22, so adding and
        # taking away 2**23 rounds them; numbers have 0 added and stay as they are. NaN is gone by
        # then: adding to a signalling one would warn.
        moved = np.fmax(rows, self._lowest)
        np.fmin(moved, self._highest, out=moved)
        moved += self._rounding
        moved -= self._rounding
        if moved.tobytes() == rows.tobytes():
            return True
        allowed = np.isnan(rows) & self._nan_allowed
        moved[allowed] = rows[allowed]
        return bool(allowed.any()) and moved.tobytes() == rows.tobytes()

    def _plain(self, row: list[float]) -> bool:
        """Whether every cell of a row stands as it is; False also for what needs a closer look.

        Cold numpy calls cost tens of microseconds (ARCHITECTURE.md, decision 10), which a batch
        pays once, but so does a call alone. These loops run in C over the cells.
        """
        return (
            all(map(contains, self._codes, self._pick_codes(row)))
            and all(map(isfinite, self._pick_finite(row)))
            and not any(map(isinf, self._pick_nullable(row)))
        )

    def _conform_cells(self, rows: Matrix, ends: Ends | None) -> tuple[Matrix, list[BadCell]]:
        inside = (rows >= self._lowest) & (rows <= self._highest)
        filled = rows.copy()
        bad_column = np.full(len(rows), -1)  # the first wrong column of each row
        for column, feature in enumerate(self.features):
            values = rows[:, column]
            missing = np.isnan(values)
            outside = ~inside[:, column] & ~missing
            if feature.type == "category":
                outside |= ~missing & (values != np.floor(np.where(missing, 0.0, values)))
            default = self.defaults[column]
            if feature.missing == "default" and default is not None:
                filled[missing, column] = default
            elif feature.missing == "refuse":
                bad_column[missing & (bad_column < 0)] = column
            if feature.type == "category" and feature.unknown == "default" and default is not None:
                filled[outside, column] = default
            else:
                bad_column[outside & (bad_column < 0)] = column
        bad_rows = np.flatnonzero(bad_column >= 0)
        if ends is not None and len(bad_rows):
            # One wrong row of a call is enough to refuse it; the others are not looked at again.
            _, first = np.unique(np.searchsorted(ends, bad_rows, side="right"), return_index=True)
            bad_rows = bad_rows[first]
        return filled, [self._explain(rows, row, bad_column[row]) for row in bad_rows.tolist()]

    def _explain(self, rows: Matrix, row: int, column: int) -> BadCell:
        feature = self.features[column]
        problem = "is missing" if np.isnan(rows[row, column]) else _expected(feature)
        return row, feature.name, problem


def _picker(indexes: Sequence[int]) -> Callable[[list[float]], Sequence[float]]:
    """Takes the cells at these positions out of a row."""
    if len(indexes) > 1:
        return itemgetter(*indexes)
    return lambda row: [row[index] for index in indexes]


def _default(feature: Feature) -> float | None:
    """The value of a cell that is left out, as it stands in a row; None when there is none."""
    if feature.default is None:
        return None
    if feature.type == "category":
        return float(feature.categories.index(str(feature.default)))
    return float(feature.default)


def _expected(feature: Feature) -> str:
    if feature.type == "category":
        return f"must be a code from 0 to {len(feature.categories) - 1}"
    return "must be a finite 32-bit number"
