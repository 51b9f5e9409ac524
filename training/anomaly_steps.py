"""Piecewise maps of columns, as numpy and as ONNX nodes: ranks, tails and quantiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

Numbers = npt.NDArray[np.float64]

LAST: Final = 1e30  # the last piece goes on for ever


@dataclass(frozen=True, slots=True)
class Curves:
    """One non-descending curve for each column, through knots; beyond the last one it goes on.

    Attributes:
        least: the value below the first knot, [columns].
        starts: of each piece, [columns, pieces].
        widths: of each piece, above 0, [columns, pieces].
        rises: what each piece adds, [columns, pieces].
    """

    least: Numbers
    starts: Numbers
    widths: Numbers
    rises: Numbers

    @classmethod
    def through(cls, knots: Numbers, values: Numbers, least: float = 0.0) -> Self:
        """Curves through points; knots that are equal become one step.

        Args:
            knots: [columns, pieces + 1], each row ascending or equal.
            values: [columns, pieces + 1], each row ascending or equal.
            least: the width of a step at least, in units of the knots.
        """
        reach = np.maximum(np.abs(knots).max(axis=1, keepdims=True), 1e-6)
        # Pieces that float32 could not tell apart from a step.
        widths = np.maximum(np.diff(knots, axis=1), np.maximum(1e-6 * reach, least))
        return cls(values[:, 0], knots[:, :-1], widths, np.diff(values, axis=1))

    def __call__(self, columns: Numbers) -> Numbers:
        """The values of [rows, columns]."""
        parts = (columns[:, :, None] - self.starts) / self.widths
        return np.asarray((np.clip(parts, 0.0, self._caps) * self.rises).sum(axis=2) + self.least)

    @property
    def _caps(self) -> Numbers:
        caps = np.ones(self.starts.shape)
        caps[:, -1] = LAST
        return caps

    def nodes(
        self, prefix: str, source: str, result: str, scale: float = 1.0
    ) -> tuple[list[NodeProto], list[TensorProto]]:
        """The same, `scale` times, as nodes and constants whose names begin with `prefix`.

        One node of trees finds the piece that each value is in, whatever their number: where it
        starts, the value there and the slope.
        """
        count = len(self.least)
        columns = []
        for at in range(count):
            starts = np.unique(np.concatenate((self.starts[at], self._ends(at)))).astype(np.float32)
            edges = np.unique(starts).astype(np.float64)
            values, slopes = self._line(at, edges)
            columns.append(
                (
                    edges,
                    {
                        at: np.concatenate((edges[:1], edges)),
                        count + at: scale * np.concatenate((values[:1], values)),
                        2 * count + at: scale * np.concatenate(([0.0], slopes)),
                    },
                )
            )
        names = [f"{prefix}_{key}" for key in ("pieces", "starts", "values", "slopes")]
        pieces, starts_of, values_of, slopes_of = names
        inside, risen, widths = f"{prefix}_inside", f"{prefix}_risen", f"{prefix}_widths"
        node = helper.make_node
        nodes = [
            step_node(prefix, source, pieces, columns, 3 * count),
            node("Split", [pieces, widths], [starts_of, values_of, slopes_of], axis=1),
            node("Sub", [source, starts_of], [inside]),
            node("Mul", [inside, slopes_of], [risen]),
            node("Add", [risen, values_of], [result]),
        ]
        return nodes, constants({widths: np.array([count] * 3, np.int64)})

    def _ends(self, at: int) -> Numbers:
        """Where the pieces of a column end, but for the last, which does not."""
        return np.asarray(self.starts[at, :-1] + self.widths[at, :-1])

    def _line(self, at: int, edges: Numbers) -> tuple[Numbers, Numbers]:
        """The value of a column at its edges, and its slope beyond each of them."""
        starts, rises = self.starts[at], self.rises[at] / self.widths[at]
        ends = np.concatenate((self._ends(at), [np.inf]))
        middles = np.concatenate(((edges[1:] + edges[:-1]) / 2, edges[-1:] + 1.0))[:, None]
        slopes = ((starts <= middles) & (middles < ends)) @ rises
        parts = np.clip((edges[:, None] - starts) / self.widths[at], 0.0, self._caps[at])
        return parts @ self.rises[at] + self.least[at], np.asarray(slopes)


def step_node(
    name: str,
    source: str,
    result: str,
    columns: Sequence[tuple[Numbers, Mapping[int, Numbers]]],
    targets: int,
) -> NodeProto:
    """One node for steps of all columns: a balanced tree for each, whatever the number of steps.

    Args:
        name: of the node.
        source: the input, float32 [rows, columns].
        result: the output, float32 [rows, targets].
        columns: of each its edges, ascending, [n], and by target the values, [n + 1]: value k + 1
            holds above edge k.
        targets: how many there are; those of several columns are summed.
    """
    split: list[tuple[Any, ...]] = []
    leaves: list[tuple[Any, ...]] = []
    for column, (edges, values) in enumerate(columns):
        waiting = [(0, len(edges))]  # steps from the first to the last of each node
        for at, (first, last) in enumerate(waiting):  # grows while it is read
            if first == last:
                split.append((column, at, "LEAF", 0, 0.0, 0, 0))
                leaves += [(column, at, target, float(of[first])) for target, of in values.items()]
            else:
                middle = (first + last) // 2  # steps above lie beyond the edge `middle`
                above, below = len(waiting), len(waiting) + 1
                waiting += [(middle + 1, last), (first, middle)]
                edge = float(edges[middle])
                split.append((column, at, "BRANCH_GT", column, edge, above, below))
    keys = ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids")
    lists: dict[str, Any] = {
        f"nodes_{key}": list(some) for key, some in zip(keys, zip(*split, strict=True), strict=True)
    }
    of_leaf = ("treeids", "nodeids", "ids", "weights")
    lists |= {
        f"target_{key}": list(some)
        for key, some in zip(of_leaf, zip(*leaves, strict=True), strict=True)
    }
    return helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [result],
        name=name,
        domain="ai.onnx.ml",
        n_targets=targets,
        aggregate_function="SUM",
        post_transform="NONE",
        **lists,
    )


def constants(arrays: dict[str, npt.NDArray[Any]]) -> list[TensorProto]:
    """Arrays as constants of a graph."""
    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


def quantile_parts(pieces: int, rows: int) -> Numbers:
    """Where knots stand among sorted values: evenly, and ever closer towards the largest."""
    even = np.linspace(0.0, 1.0, pieces // 2 + 1)
    tail = 1.0 - np.logspace(-1, np.log10(1.0 / max(rows, 20)), pieces // 2)
    return np.unique(np.concatenate((even, tail)))


def surprise_curves(columns: Numbers, pieces: int, least: float = 0.0) -> Curves:
    """Curves from a value to -ln of the share of rows at or above it, [rows, columns] each.

    Beyond the largest value they go on with the slope of the top twentieth, as an exponential
    tail does. `least` is as for `Curves.through`.
    """
    rows = len(columns)
    parts = quantile_parts(pieces, rows)
    ordered = np.sort(columns, axis=0)
    places = parts * (rows - 1)
    low = np.floor(places).astype(np.intp)
    high = np.minimum(low + 1, rows - 1)
    share = (places - low)[:, None]
    knots = (ordered[low] * (1 - share) + ordered[high] * share).T
    surprise = -np.log((rows - places) / (rows + 1.0))
    values = np.tile(surprise, (columns.shape[1], 1))
    top = ordered[-max(rows // 20, 2) :]
    scale = np.maximum(top.mean(axis=0) - top[0], 1e-9 * (1 + np.abs(top[-1])))
    knots = np.column_stack((knots, knots[:, -1] + scale))
    values = np.column_stack((values, values[:, -1] + 1.0))
    # Of equal values the share at or above is that of the first: ties are not unusual.
    first = np.array([np.searchsorted(row, row, side="left") for row in knots])
    values = np.take_along_axis(values, first, axis=1)
    return Curves.through(knots, values, least)
