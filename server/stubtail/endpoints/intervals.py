"""Conformal intervals: lower and upper bounds of an output for the coverage that a call wants."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stubtail.endpoints.outputs import Floats, OutputColumn, flat
from stubtail.errors import CallError, invalid_field
from stubtail.models.outputs import Interval

SAME_COVERAGE = 1e-9  # 0.9 is 0.9, however a caller came by it


class Bounds:
    """The bounds of one output for one coverage; `models/outputs.py` has the formula.

    Args:
        column: the output, which has an interval.
        at: the position of the coverage in its grid.
    """

    __slots__ = (
        "_above",
        "_below",
        "_column",
        "_inward",
        "_lower",
        "_maximum",
        "_minimum",
        "_scale",
        "_upper",
    )

    def __init__(self, column: OutputColumn, at: int) -> None:
        interval = column.interval
        assert interval is not None
        self._column = column
        self._below, self._above = interval.below[at], interval.above[at]
        self._lower, self._upper, self._scale = (
            None if name is None else column.positions[name]
            for name in (interval.lower, interval.upper, interval.scale)
        )
        self._minimum = -np.inf if interval.minimum is None else interval.minimum
        self._maximum = np.inf if interval.maximum is None else interval.maximum
        # Quantiles that were too wide are moved towards each other, and may pass.
        self._inward = self._below + self._above < 0 or self._lower is not None

    def __call__(self, outputs: Sequence[Any]) -> tuple[Floats, Floats]:
        """The bounds, float32 [rows] each, lower never above upper.

        Where corrected quantiles have passed each other, both are the point half way.

        Args:
            outputs: all outputs of a run, in the order of the signature.
        """
        with np.errstate(invalid="ignore", over="ignore"):  # of a model that answers with infinity
            return self._bounds(outputs)

    def _bounds(self, outputs: Sequence[Any]) -> tuple[Floats, Floats]:
        lower = self._base(outputs, self._lower) - self._below * self._scales(outputs)
        upper = self._base(outputs, self._upper) + self._above * self._scales(outputs)
        if self._inward:
            middle = (lower + upper) / 2
            lower, upper = np.minimum(lower, middle), np.maximum(upper, middle)
        return self._cut(lower), self._cut(upper)

    def _base(self, outputs: Sequence[Any], position: int | None) -> NDArray[np.float64]:
        array = outputs[self._column.position if position is None else position]
        return flat(array).astype(np.float64)

    def _scales(self, outputs: Sequence[Any]) -> Any:
        return 1.0 if self._scale is None else flat(outputs[self._scale])

    def _cut(self, values: NDArray[np.float64]) -> Floats:
        return np.clip(values, self._minimum, self._maximum).astype(np.float32)


def bounds_for(column: OutputColumn, coverage: float, field: str = "coverage") -> Bounds | None:
    """The bounds of an output for a coverage; None where it has no interval.

    Args:
        column: the output.
        coverage: the share of rows whose truth is to lie within, such as 0.9.
        field: names the coverage in an error.

    Raises:
        CallError: INVALID_ARGUMENT where the coverage is not in the grid, which it names.
    """
    interval = column.interval
    if interval is None:
        return None
    for at, known in enumerate(interval.coverages):
        if abs(known - coverage) <= SAME_COVERAGE:
            return Bounds(column, at)
    raise _not_in_grid(column, interval, coverage, field)


def _not_in_grid(
    column: OutputColumn, interval: Interval, coverage: float, field: str
) -> CallError:
    grid = ", ".join(f"{known:g}" for known in interval.coverages)
    return invalid_field(
        field, f"must be one of {grid}, which {column.name} was calibrated for, got {coverage:g}"
    )
