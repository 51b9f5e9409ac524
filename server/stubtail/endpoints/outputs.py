"""The outputs of a model that callers get: where they are in a run, and their levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stubtail.models.outputs import Interval, Levels
from stubtail.models.session import LoadedModel

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LevelScale:
    """Names for ranges of a score.

    Attributes:
        names: from the lowest level up.
        thresholds: float32 [names - 1], ascending: where the next level begins.
    """

    names: tuple[str, ...]
    thresholds: Floats = field(compare=False)

    @classmethod
    def of(cls, levels: Levels | None) -> "LevelScale | None":
        """The scale of a manifest's levels; None without."""
        if levels is None:
            return None
        return cls(levels.names, np.array(levels.thresholds, np.float32))

    def indexes(self, values: Floats) -> NDArray[np.uint8]:
        """The level of each value, as a position in `names`; NaN is in the last."""
        return np.searchsorted(self.thresholds, values, side="right").astype(np.uint8)


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One output with one number for each row.

    Attributes:
        name: in the graph, in the manifest and in replies.
        unit: of the numbers; empty when nothing is said.
        position: among the outputs of a run.
        levels: names for ranges of it; None without.
        interval: how far the truth may be from it; None without.
        positions: of all outputs of the graph by name, for those that the interval needs.
    """

    name: str
    unit: str
    position: int
    levels: LevelScale | None
    interval: Interval | None
    positions: Mapping[str, int] = field(repr=False)

    def values(self, outputs: Sequence[Any]) -> Floats:
        """Its numbers in a run's outputs, float32 [rows]."""
        return flat(outputs[self.position])


def output_columns(model: LoadedModel) -> tuple[OutputColumn, ...]:
    """The outputs that callers of a model get, in the order of its manifest.

    Without a manifest that names them, and for the probabilities of many classes: none. The main
    score is the one that `score_column` finds.
    """
    positions = {spec.name: index for index, spec in enumerate(model.signature.outputs)}
    shapes = {spec.name: spec.shape for spec in model.signature.outputs}
    manifest = model.manifest
    return tuple(
        OutputColumn(
            name=output.name,
            unit=output.unit,
            position=positions[output.name],
            levels=LevelScale.of(output.levels),
            interval=output.interval,
            positions=positions,
        )
        for output in (manifest.outputs if manifest is not None else ())
        if output.name in positions and shapes[output.name][1:] in ((), (1,))
    )


def score_column(model: LoadedModel) -> OutputColumn | None:
    """The main score of a model; None where it has none with one number for each row."""
    output = model.manifest.output if model.manifest is not None else None
    name = output.score if output is not None else None
    return next((column for column in output_columns(model) if column.name == name), None)


def flat(array: Any) -> Floats:
    """An output of [rows] or [rows, 1] as float32 [rows]."""
    return np.asarray(array, np.float32).reshape(len(array))
