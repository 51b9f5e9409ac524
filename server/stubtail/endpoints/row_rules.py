"""What a manifest allows in a row: checked for a whole batch at once, explained cell by cell."""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from math import isfinite, isinf
from operator import contains, itemgetter, le
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stubtail.models.features import Feature

Matrix = NDArray[np.float32]
Ends = NDArray[np.intp]
BadCell = tuple[int, str, str]  # row, name of the feature, what was expected
FLOAT32_MAX = float(np.finfo(np.float32).max)
FEW_ROWS = 4  # up to here looking at each row is cheaper than the vector operations
ROUNDING = 2.0**23  # float32 has no fractions from here on


class Change(Enum):
    """Why a cell is not as it came."""

    MISSING = auto()  # it took the default
    UNKNOWN = auto()  # it was no category, and took the default
    CLIPPED = auto()  # it was outside the range, and took the nearer end


class ChangedCells(NamedTuple):
    """The cells of one column that were changed for one reason.

    Attributes:
        feature: the name of the column.
        change: why.
        rows: the rows, ascending.
    """

    feature: str
    change: Change
    rows: NDArray[np.intp]


class Conformed(NamedTuple):
    """Rows after the rules were applied.

    Attributes:
        rows: float32 [N, features].
        bad: the cells that no rule mends, in the order of the rows, at most one for a row.
        changes: what was mended, in the order of the features.
    """

    rows: Matrix
    bad: list[BadCell]
    changes: list[ChangedCells]


class RowRules:
    """The rules of all features, as vectors over the columns of a row.

    A category is a code: the position of its value in the feature's list.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        self._columns = {feature.name: index for index, feature in enumerate(features)}
        self._lowest = np.array([_range(feature)[0] for feature in features], np.float32)
        self._highest = np.array([_range(feature)[1] for feature in features], np.float32)
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
        bounded = [i for i in numbers if features[i].outside != "allow"]
        self._pick_bounded = _picker(bounded)
        self._bounds = (self._lowest[bounded].tolist(), self._highest[bounded].tolist())
        # Chosen once, so that models without such features do not pay for a look.
        self._is_plain = self._plain_in_range if bounded else self._plain

    def column(self, name: str) -> int | None:
        """The position of a feature in a row."""
        return self._columns.get(name)

    def conform(self, rows: Matrix, ends: Ends | None = None) -> Conformed:
        """Applies the rules: fills in defaults, clips, and finds what cannot be mended.

        Args:
            rows: float32 [N, features]; never written to.
            ends: where the rows of each call end; then only the first bad row of a call is told.
        """
        if self.accepts(rows):
            return Conformed(rows, [], [])
        return self._conform_cells(rows, ends)

    def accepts(self, rows: Matrix) -> bool:
        """Whether all rows stand as they are, which is the usual case and must cost little."""
        if len(rows) <= FEW_ROWS and all(map(self._is_plain, rows.tolist())):
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

    def _plain_in_range(self, row: list[float]) -> bool:
        """The same, where some numbers must keep to their range."""
        cells = self._pick_bounded(row)
        lowest, highest = self._bounds
        return all(map(le, lowest, cells)) and all(map(le, cells, highest)) and self._plain(row)

    def _conform_cells(self, rows: Matrix, ends: Ends | None) -> Conformed:
        # Only columns with a cell that needs a look are looked at.
        missing_cells = np.isnan(rows)
        strange = ~((rows >= self._lowest) & (rows <= self._highest))
        with np.errstate(invalid="ignore"):  # of a signalling NaN, which is strange already
            strange |= (self._rounding > 0) & (rows != np.floor(rows))  # a code is whole
        filled = rows.copy()
        bad_column = np.full(len(rows), -1)  # the first wrong column of each row
        changes: list[ChangedCells] = []
        for column in np.flatnonzero(strange.any(axis=0)).tolist():
            feature = self.features[column]
            values, missing = rows[:, column], missing_cells[:, column]
            outside = strange[:, column] & ~missing
            default = self.defaults[column]
            if feature.missing == "default" and default is not None:
                filled[missing, column] = default
                _note(changes, feature, Change.MISSING, missing)
            elif feature.missing == "refuse":
                bad_column[missing & (bad_column < 0)] = column
            if feature.type == "category" and feature.unknown == "default" and default is not None:
                filled[outside, column] = default
                _note(changes, feature, Change.UNKNOWN, outside)
                continue
            if feature.outside == "clip":
                beyond = outside & np.isfinite(values)
                least, most = self._lowest[column], self._highest[column]
                filled[beyond, column] = np.clip(values[beyond], least, most)
                _note(changes, feature, Change.CLIPPED, beyond)
                outside &= ~beyond
            bad_column[outside & (bad_column < 0)] = column
        bad_rows = np.flatnonzero(bad_column >= 0)
        if ends is not None and len(bad_rows):
            # One wrong row of a call is enough to refuse it; the others are not looked at again.
            _, first = np.unique(np.searchsorted(ends, bad_rows, side="right"), return_index=True)
            bad_rows = bad_rows[first]
        bad = [self._explain(rows, row, bad_column[row]) for row in bad_rows.tolist()]
        return Conformed(filled, bad, changes)

    def _explain(self, rows: Matrix, row: int, column: int) -> BadCell:
        feature = self.features[column]
        cell = rows[row, column]
        if np.isnan(cell):
            problem = "is missing"
        elif feature.type == "category":
            problem = f"must be a code from 0 to {len(feature.categories) - 1}"
        elif np.isinf(cell):
            problem = "must be a finite 32-bit number"
        else:
            problem = f"must be {_shown_range(feature)}, got {cell:.9g}"
        return row, feature.name, problem


def _note(
    changes: list[ChangedCells], feature: Feature, change: Change, cells: NDArray[np.bool_]
) -> None:
    rows = np.flatnonzero(cells)
    if len(rows):
        changes.append(ChangedCells(feature.name, change, rows))


def _range(feature: Feature) -> tuple[float, float]:
    """The smallest and the largest cell that stands as it is."""
    if feature.type == "category":
        return 0.0, float(len(feature.categories) - 1)
    bounded = feature.outside != "allow"
    least, most = feature.minimum, feature.maximum
    return (
        least if bounded and least is not None else -FLOAT32_MAX,
        most if bounded and most is not None else FLOAT32_MAX,
    )


def _shown_range(feature: Feature) -> str:
    if feature.minimum is None:
        return f"at most {feature.maximum:g}"
    if feature.maximum is None:
        return f"at least {feature.minimum:g}"
    return f"from {feature.minimum:g} to {feature.maximum:g}"


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
