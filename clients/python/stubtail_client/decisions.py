"""What `decide` returns: candidates with what is predicted for them, as columns and one by one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stubtail_client.details import ScoreWarning

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Option:
    """One candidate. `option["price"]` is the value that it gives a feature or parameter.

    Attributes:
        position: of the candidate in the request, from 0; None for the context as it is.
        changes: the values of the features and parameters that candidates change.
        predicted: the main output of the model.
        lower: its lower bound; None without `coverage`.
        upper: its upper bound; None without `coverage`.
        objective: what candidates are ranked by.
        slacks: by the name of each constraint, by how much it is kept; negative where it is not.
        outputs: the other outputs of the model, where it has any.
    """

    position: int | None
    changes: Mapping[str, float | str]
    predicted: float
    lower: float | None
    upper: float | None
    objective: float
    slacks: Mapping[str, float]
    outputs: Mapping[str, float]

    def __getitem__(self, name: str) -> float | str:
        """The value of a feature or parameter that candidates change; raises KeyError."""
        return self.changes[name]


@dataclass(eq=False)
class Outcomes:
    """N candidates as columns; iterate or index for one after the other.

    Attributes:
        positions: [N], of the candidates in the request, from 0.
        changes: for each feature or parameter that changes its values: float64 [N], or strings.
        predicted: float64 [N], the main output of the model.
        lower: float64 [N], its lower bounds; None without `coverage`.
        upper: float64 [N], its upper bounds; None without `coverage`.
        objective: float64 [N].
        slacks: for each constraint float64 [N].
        outputs: for each other output of the model float64 [N].
        feasible: bool [N], whether all constraints are kept; all True for ranked candidates.
    """

    positions: npt.NDArray[np.uint32]
    changes: Mapping[str, Doubles | list[str]]
    predicted: Doubles
    lower: Doubles | None
    upper: Doubles | None
    objective: Doubles
    slacks: Mapping[str, Doubles]
    outputs: Mapping[str, Doubles]
    feasible: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.predicted)

    def __getitem__(self, index: int) -> Option:
        """One candidate; a negative index counts from the end.

        Raises:
            IndexError: there is no such candidate.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"candidate {index} of {len(self)}")
        return Option(
            position=int(self.positions[index]) if len(self.positions) else None,
            changes={name: _plain(values[index]) for name, values in self.changes.items()},
            predicted=float(self.predicted[index]),
            lower=None if self.lower is None else float(self.lower[index]),
            upper=None if self.upper is None else float(self.upper[index]),
            objective=float(self.objective[index]),
            slacks={name: float(values[index]) for name, values in self.slacks.items()},
            outputs={name: float(values[index]) for name, values in self.outputs.items()},
        )

    def __iter__(self) -> Iterator[Option]:
        return (self[index] for index in range(len(self)))

    def to_frame(self) -> Any:
        """The columns as a pandas DataFrame; slacks are called `slack of <constraint>`.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - an optional dependency of this method alone
        except ImportError as error:
            raise ImportError("to_frame() needs pandas: pip install pandas") from error
        columns: dict[str, Any] = {"position": self.positions, **self.changes}
        columns["predicted"] = self.predicted
        if self.lower is not None:
            columns |= {"lower": self.lower, "upper": self.upper}
        columns |= {"objective": self.objective, "feasible": self.feasible, **self.outputs}
        columns |= {f"slack of {name}": values for name, values in self.slacks.items()}
        return pd.DataFrame(columns)


def _plain(value: Any) -> float | str:
    return value if isinstance(value, str) else float(value)


class Violation(NamedTuple):
    """A constraint that the nearest candidate does not keep.

    Attributes:
        constraint: its name; "" for the range of training or an objective without a value.
        slack: negative, or NaN.
        reason: in words.
    """

    constraint: str
    slack: float
    reason: str


@dataclass(eq=False)
class Decision:
    """The best candidates, and what became of the others.

    This is a what-if: what the model expects of rows like the candidates, as it learned it from
    past rows. That is association, not cause.

    Attributes:
        model: the model that answered.
        version: the version that answered.
        feasible: whether any candidate keeps all constraints.
        candidate_count: how many there were.
        feasible_count: how many keep all constraints.
        ranked: the best of those, best first; empty if there are none.
        baseline: the context as it is.
        nearest: the candidate that violates least; None if any is feasible.
        violations: what `nearest` violates.
        curve: all candidates in the order of the request; None unless asked for.
        exclusions: how many candidates each reason excluded.
        excluded: the reason of each excluded candidate, by position; None unless asked for.
        constraints: the names of the constraints, in the order of the request.
        warnings: what was put in the place of values in the context.
    """

    model: str
    version: str
    feasible: bool
    candidate_count: int
    feasible_count: int
    ranked: Outcomes
    baseline: Option
    nearest: Option | None
    violations: Sequence[Violation]
    curve: Outcomes | None
    exclusions: Mapping[str, int]
    excluded: Mapping[int, str] | None
    constraints: Sequence[str]
    warnings: Sequence[ScoreWarning]

    @property
    def best(self) -> Option | None:
        """The best candidate; None when nothing is feasible."""
        return self.ranked[0] if len(self.ranked) else None

    def __repr__(self) -> str:
        found = f"best={self.best}" if self.feasible else f"nearest={self.nearest}"
        return (
            f"Decision(model={self.model!r}, version={self.version!r}, "
            f"{self.feasible_count} of {self.candidate_count} feasible, {found})"
        )
