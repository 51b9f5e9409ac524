"""Which candidates are best, and of equally good ones which change least."""

from collections.abc import Sequence
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray


def best(
    goodness: NDArray[np.float64],
    distance: NDArray[np.float64],
    feasible: NDArray[np.bool_],
    top: int,
) -> NDArray[np.intp]:
    """The positions of the best feasible candidates, best first.

    Equally good ones are in the order of their distance from the context, and equally distant ones
    in the order of the request.

    Args:
        goodness: [N], finite where feasible; more is better.
        distance: [N], see `distances`.
        feasible: [N], who is ranked.
        top: how many at most.
    """
    positions = np.flatnonzero(feasible)
    order = np.lexsort((distance[positions], -goodness[positions]))
    return positions[order[:top]]


def distances(changes: Sequence[tuple[float | str, NDArray[Any]]]) -> NDArray[np.float64]:
    """How far each candidate is from the context: the sum over what changes, float64 [N].

    A number counts as the share of the largest change among the candidates, a string as 0 or 1.

    Args:
        changes: for each variable its value in the context, and in the candidates [N].
    """
    total = np.zeros(len(changes[0][1]))
    for current, values in changes:
        if isinstance(current, str):
            total += np.asarray(values != current, np.bool_)
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            moved = np.abs(values - (0.0 if isnan(current) else current))
        moved = np.minimum(np.nan_to_num(moved, nan=0.0), np.finfo(np.float64).max)
        farthest = float(moved.max())
        if farthest > 0:
            total += moved / farthest
    return total
