"""Piecewise-linear maps of columns, as numpy and as ONNX nodes: ranks, tails and quantiles."""

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

    def nodes(self, prefix: str, source: str, result: str) -> tuple[list[NodeProto], list[Any]]:
        """The same as nodes and constants; names begin with `prefix`, shapes are as above."""
        names = {key: f"{prefix}_{key}" for key in ("axis", "least", "starts", "slopes", "rises")}
        steps = [f"{prefix}_{key}" for key in ("wide", "apart", "scaled", "capped", "cut", "risen")]
        wide, apart, scaled, capped, cut, risen = steps
        node = helper.make_node
        nodes = [
            node("Unsqueeze", [source, names["axis"]], [wide]),
            node("Sub", [wide, names["starts"]], [apart]),
            node("Mul", [apart, names["slopes"]], [scaled]),
            node("Min", [scaled, f"{prefix}_caps"], [capped]),
            node("Relu", [capped], [cut]),
            node("Mul", [cut, names["rises"]], [risen]),
            node("ReduceSum", [risen, names["axis"]], [f"{prefix}_sum"], keepdims=0),
            node("Add", [f"{prefix}_sum", names["least"]], [result]),
        ]
        arrays: dict[str, npt.NDArray[Any]] = {
            names["axis"]: np.array([2], np.int64),
            names["least"]: self.least[None, :].astype(np.float32),
            names["starts"]: self.starts[None].astype(np.float32),
            names["slopes"]: (1.0 / self.widths)[None].astype(np.float32),
            names["rises"]: self.rises[None].astype(np.float32),
            f"{prefix}_caps": self._caps[None].astype(np.float32),
        }
        return nodes, constants(arrays)


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
