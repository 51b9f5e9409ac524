"""Decision trees in one plain form, whichever library grew them: judged, joined, calibrated."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.calibration import Platt
from training.features import Matrix

MANTISSA_BITS: Final = 24  # of a float32
BELOW_ALL: Final = float(np.finfo(np.float32).min)


@dataclass(frozen=True, slots=True)
class Split:
    """A question to a row: is `row[feature] > threshold`? `above` if so, else `below`.

    The threshold is a float32. NaN answers no: a missing value is smaller than any other.
    """

    feature: int
    threshold: float
    above: "Node"
    below: "Node"


Node = Split | float  # a float is the value of a leaf


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Trees whose leaves are summed, and what is added to the sum."""

    trees: tuple[Node, ...]
    base: float

    def staged(self, rows: Matrix) -> Iterator[npt.NDArray[np.float64]]:
        """The sum for each row after the first tree, the second and so on, [rows] each."""
        total = np.full(len(rows), self.base)
        for tree in self.trees:
            total = total + evaluate(tree, rows)
            yield total

    def scores(self, rows: Matrix) -> npt.NDArray[np.float64]:
        """The sum of all trees for each row, [rows]."""
        return sum((evaluate(tree, rows) for tree in self.trees), np.full(len(rows), self.base))


def missing_first(rows: Matrix) -> Matrix:
    """The rows as a library gets them: a missing number is smaller than any other.

    The graph follows the same rule at no cost, as NaN is not above any threshold. The libraries'
    own treatment of NaN needs a test for it at each split, which makes 256 rows 6 to 15 % slower.
    """
    return np.where(np.isnan(rows), np.float32(BELOW_ALL), rows)


def evaluate(tree: Node, rows: Matrix) -> npt.NDArray[np.float64]:
    """The leaf value of each row, [rows]: what ONNX Runtime looks up."""
    found = np.empty(len(rows))
    waiting: list[tuple[Node, npt.NDArray[np.intp]]] = [(tree, np.arange(len(rows)))]
    while waiting:
        node, some = waiting.pop()
        if isinstance(node, Split):
            above = rows[some, node.feature] > np.float32(node.threshold)
            waiting += [(node.above, some[above]), (node.below, some[~above])]
        else:
            found[some] = node
    return found


def leaves(tree: Node) -> Iterator[float]:
    """The values of all leaves of a tree."""
    if isinstance(tree, Split):
        yield from leaves(tree.above)
        yield from leaves(tree.below)
    else:
        yield tree


def vote(members: Sequence[Ensemble]) -> Ensemble:
    """Soft voting in log-odds: the mean of the members' sums is the sum of all their trees."""
    share = 1 / len(members)
    return Ensemble(
        tuple(scaled(tree, share) for member in members for tree in member.trees),
        share * sum(member.base for member in members),
    )


def fold(ensemble: Ensemble, platt: Platt) -> Ensemble:
    """The same trees with the calibration in their leaves, ready for the graph."""
    return exact(
        Ensemble(
            tuple(scaled(tree, platt.slope) for tree in ensemble.trees),
            platt.slope * ensemble.base + platt.intercept,
        )
    )


def exact(ensemble: Ensemble) -> Ensemble:
    """The same trees with leaves of which a float32 holds every partial sum exactly.

    Each leaf is rounded to a multiple of a power of two, so small that nothing visible changes
    (about 1e-7 of the largest sum): what a row gets does not depend on the order of summing, that
    is on batch and threads. Before, the middle of each tree's leaves moves into the base: the
    smaller the largest sum, the finer the rounding.
    """
    spans = [(min(leaves(tree)), max(leaves(tree))) for tree in ensemble.trees]
    base = ensemble.base + sum((low + high) / 2 for low, high in spans)
    most = abs(base) + sum((high - low) / 2 for low, high in spans)
    step = 2.0 ** (math.ceil(math.log2(max(1.001 * most, 1e-30))) - MANTISSA_BITS)  # .001: rounding

    def rounded(tree: Node, middle: float) -> Node:
        return _mapped(tree, lambda value: round((value - middle) / step) * step)

    return Ensemble(
        tuple(
            rounded(tree, (low + high) / 2)
            for tree, (low, high) in zip(ensemble.trees, spans, strict=True)
        ),
        round(base / step) * step,
    )


def scaled(tree: Node, factor: float) -> Node:
    """The tree with every leaf multiplied."""
    return _mapped(tree, lambda value: factor * value)


def _mapped(tree: Node, change: Callable[[float], float]) -> Node:
    if isinstance(tree, Split):
        above, below = _mapped(tree.above, change), _mapped(tree.below, change)
        return Split(tree.feature, tree.threshold, above, below)
    return float(change(tree))
