"""What a score comes with on request or where the model has it: intervals, levels, reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Link = Literal["identity", "logit", "unknown"]
WarningKind = Literal["missing defaulted", "unknown defaulted", "clipped", "unknown"]


def names_at(
    names: Sequence[str], indexes: npt.NDArray[np.unsignedinteger] | None
) -> list[str] | None:
    """The name of each row; None where there are no names."""
    if indexes is None or not names:
        return None
    return [names[index] for index in indexes.tolist()]


class Reason(NamedTuple):
    """One contribution to one score.

    Attributes:
        name: the feature, or the group of features.
        contribution: how far it moved the score, in the unit of `Reasons.link`.
    """

    name: str
    contribution: float


@dataclass(eq=False)
class Reasons:
    """Why the scores are what they are: Shapley values against the model's background rows.

    For each row `base_value`, its contributions and its `rest` add up to the score, or to its
    log-odds where `link` is "logit". They tell what the model made of a value, not what changing
    that value would bring about.

    Attributes:
        base_value: what is expected of a row of which nothing is known.
        names: the features, or groups of features, of the model.
        indexes: [N, K] uint32, positions in `names`, the largest contribution of a row first.
        contributions: [N, K] float32.
        rest: [N] float32, the sum of the contributions that are not among the K.
        link: what is added up.
        exact: whether all subsets of the features were looked at; else orders were sampled.
    """

    base_value: float
    names: tuple[str, ...]
    indexes: npt.NDArray[np.uint32]
    contributions: Floats
    rest: Floats
    link: Link
    exact: bool

    def row(self, index: int) -> list[Reason]:
        """The contributions to one score, the largest first."""
        pairs = zip(self.indexes[index].tolist(), self.contributions[index].tolist(), strict=True)
        return [Reason(self.names[name], value) for name, value in pairs]


@dataclass(eq=False)
class OutputScores:
    """One of several outputs of a model.

    Attributes:
        name: as in the model's manifest.
        unit: such as "probability", "days" or "dollars"; "" where nothing is said.
        scores: [N] float32.
        lower: [N] float32, with `coverage`; None where this output has no interval.
        upper: [N] float32, likewise.
        level_names: from the lowest level up; empty where it has none.
        level_indexes: [N] uint32, positions in `level_names`; None where it has none.
    """

    name: str
    unit: str
    scores: Floats
    lower: Floats | None = None
    upper: Floats | None = None
    level_names: tuple[str, ...] = ()
    level_indexes: npt.NDArray[np.uint32] | None = None

    @cached_property
    def levels(self) -> list[str] | None:
        """The level of each row; None where it has none."""
        return names_at(self.level_names, self.level_indexes)


@dataclass(frozen=True, slots=True)
class ScoreWarning:
    """What was put in the place of values that the model cannot take.

    Attributes:
        feature: its name.
        kind: a missing value or an unknown category took the default, or a number was moved to the
            nearer end of its range.
        count: in how many rows.
        rows: the first of these rows, from 0.
    """

    feature: str
    kind: WarningKind
    count: int
    rows: tuple[int, ...]


@dataclass(eq=False)
class Details:
    """What the reply had besides scores and labels; `Scores` has the same fields."""

    lower: Floats | None = None
    upper: Floats | None = None
    level_names: tuple[str, ...] = ()
    level_indexes: npt.NDArray[np.uint32] | None = None
    outputs: Mapping[str, OutputScores] | None = None
    reasons: Reasons | None = None
    warnings: tuple[ScoreWarning, ...] = ()


NO_DETAILS = Details()
