"""What a model predicts for the candidates of a decision, by the names that expressions use."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stubtail.decisions.types import LOWER, OUTPUT, UPPER, Key
from stubtail.endpoints.intervals import Bounds, bounds_for
from stubtail.endpoints.outputs import OutputColumn, output_columns, score_column
from stubtail.errors import invalid_field
from stubtail.models.session import LoadedModel

MAIN = "score"  # what the main output is called, besides its own name

Outcome = NDArray[np.float64]


class Outcomes:
    """The outputs of one model, and their bounds for one coverage.

    Args:
        model: what predicts.
        coverage: the share of rows whose truth is to lie within the bounds; 0 for no bounds.

    Attributes:
        main: the main output.
        others: the other outputs, in the order of the manifest.
        has_bounds: whether there are bounds of the main output.
        no_interval: why not; empty where there are.
        variables: what expressions may read.

    Raises:
        CallError: INVALID_ARGUMENT where the model has no scores or no such interval.
    """

    def __init__(self, model: LoadedModel, coverage: float) -> None:
        columns = output_columns(model)
        main = score_column(model)
        if main is None:
            raise invalid_field(
                "model", f"{model.name} has no output that is a score, so nothing can be decided"
            )
        self.main = main
        self.others: Sequence[OutputColumn] = [c for c in columns if c.name != main.name]
        self._bounds: dict[str, Bounds] = {}
        if coverage != 0:
            for column in columns:
                bounds = bounds_for(column, coverage)
                if bounds is not None:
                    self._bounds[column.name] = bounds
            if not self._bounds:
                raise invalid_field("coverage", f"{model.name} was exported without an interval")
        self.has_bounds = main.name in self._bounds
        self.no_interval = ""
        if not self.has_bounds:
            self.no_interval = "the model has no interval" if coverage else "coverage is not set"
        # Whoever asks for the score need not know what its graph calls it.
        self._alias = MAIN if MAIN not in [column.name for column in columns] else ""
        self.variables = self._names()

    def columns(self, outputs: Sequence[Any]) -> Mapping[Key, Outcome]:
        """Their values, float64 [rows] each.

        Args:
            outputs: the outputs of a run, in the order of the signature.
        """
        found: dict[Key, Outcome] = {}
        for column in (self.main, *self.others):
            found[OUTPUT, column.name] = column.values(outputs).astype(np.float64)
        for name, bounds in self._bounds.items():
            lower, upper = bounds(outputs)
            found[LOWER, name] = lower.astype(np.float64)
            found[UPPER, name] = upper.astype(np.float64)
        if self._alias:
            mine = [key for key in found if key[1] == self.main.name]
            found |= {(kind, self._alias): found[kind, name] for kind, name in mine}
        return found

    def _names(self) -> tuple[Key, ...]:
        keys = [(OUTPUT, column.name) for column in (self.main, *self.others)]
        keys += [(side, name) for name in self._bounds for side in (LOWER, UPPER)]
        if self._alias:
            keys += [(kind, self._alias) for kind, name in keys if name == self.main.name]
        return tuple(keys)
