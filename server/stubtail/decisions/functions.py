"""The functions of the expression language, on whole columns of doubles."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np

Column = Any
"""A numpy array [N], or one value that stands for all rows."""

ARGUMENTS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Function:
    """How many numbers a function takes, what it makes of them, and what that costs.

    `cost` is of one row at worst, as `types.Checked.cost`: subnormal numbers take `pow` 141 ns
    instead of 2, exponents near the end of the range take `exp` 40 ns instead of 1.
    """

    least: int
    most: int
    apply: Callable[..., Column]
    cost: int = 1


def _minimum(*columns: Column) -> Column:
    return reduce(np.minimum, columns)


def _maximum(*columns: Column) -> Column:
    return reduce(np.maximum, columns)


def _clip(column: Column, lowest: Column, highest: Column) -> Column:
    return np.minimum(np.maximum(column, lowest), highest)


def _round(column: Column) -> Column:
    """To the nearest integer, halves away from zero as CEL's math.round (numpy: to even)."""
    size = np.abs(column)
    whole = np.floor(size)
    return np.copysign(whole + (size - whole >= 0.5), column)


FUNCTIONS: Final[dict[str, Function]] = {
    "abs": Function(1, 1, np.abs),
    "ceil": Function(1, 1, np.ceil),
    "clip": Function(3, 3, _clip),
    "exp": Function(1, 1, np.exp, cost=16),
    "floor": Function(1, 1, np.floor),
    "log": Function(1, 1, np.log, cost=4),
    "max": Function(1, ARGUMENTS_MAX, _maximum),
    "min": Function(1, ARGUMENTS_MAX, _minimum),
    "pow": Function(2, 2, np.power, cost=64),
    "round": Function(1, 1, _round),
    "sqrt": Function(1, 1, np.sqrt),
}
"""All take and give doubles; NaN in gives NaN out, but pow(1, NaN) and pow(NaN, 0) are 1."""
