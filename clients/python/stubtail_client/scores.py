"""What `score` returns: the answers as columns, with rows, labels and frames on demand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from stubtail_client.details import Details, OutputScores, Reason, names_at


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time of a call went inside the server, in microseconds.

    For an input that was sent in several parts: the sums, and the largest batch.

    Attributes:
        queue_us: waiting for its turn.
        decode_us: reading the request.
        run_us: running the model, for the whole batch that the rows were in.
        encode_us: writing the reply.
        batch_rows: rows in that batch.
    """

    queue_us: float
    decode_us: float
    run_us: float
    encode_us: float
    batch_rows: int


@dataclass(frozen=True, slots=True)
class Row:
    """The answer for one row.

    Attributes:
        score: the probability of the last of two classes, or the predicted value; None for a
            model of more than two classes.
        label: the predicted class; None where the model has no classes with names.
        probabilities: one for each class (by position, "0", "1", .. where they have no names);
            None where the model does not compute them.
        lower: with `coverage`, the lower bound of the true value; None without.
        upper: with `coverage`, the upper bound of the true value; None without.
        level: the level of the score, such as "high"; None where the model has no levels.
        outputs: every output by name, where the model has several; None where it has one.
        reasons: with `explain`, the largest contributions to the score; None without.
    """

    score: float | None
    label: str | None
    probabilities: Mapping[str, float] | None
    lower: float | None = None
    upper: float | None = None
    level: str | None = None
    outputs: Mapping[str, float] | None = None
    reasons: tuple[Reason, ...] | None = None


@dataclass(eq=False, kw_only=True)
class Scores(Details):
    """The answers for N rows, in the order of the rows. One dict gives N = 1.

    Attributes:
        model: the model that answered.
        version: the version that answered; one version answers all rows.
        scores: [N] float32: the probability of the last of two classes, or the predicted value.
            [0] for a model of more than two classes.
        classes: the names of the classes; empty where the model has none.
        label_indexes: [N] uint32, the predicted class as a position in `classes`; None where the
            model has no classes.
        probabilities: [N, C] float32, one for each class; None where the model does not compute
            them.
        timing: where the time went; None unless the call asked with `timing=True`.
        count: N.
        lower: [N] float32, with `coverage` the lower bounds of the true values (of the outcome, 0
            or 1, for a yes/no model); None without.
        upper: [N] float32, the upper bounds, likewise.
        level_names: the names of the levels of the score, from the lowest up; empty without.
        level_indexes: [N] uint32, positions in `level_names`; None without.
        outputs: every output by name, where the model has several; None where it has one.
        reasons: the contributions to the scores; None unless the call asked with `explain`.
        warnings: what was put in the place of values that the model cannot take.
    """

    model: str
    version: str
    scores: npt.NDArray[np.float32]
    classes: tuple[str, ...]
    label_indexes: npt.NDArray[np.uint32] | None
    probabilities: npt.NDArray[np.float32] | None
    timing: Timing | None
    count: int

    @cached_property
    def labels(self) -> list[str] | None:
        """The predicted class of each row; None where the model has no classes with names."""
        return names_at(self.classes, self.label_indexes)

    @cached_property
    def levels(self) -> list[str] | None:
        """The level of each score, such as "high"; None where the model has no levels."""
        return names_at(self.level_names, self.level_indexes)

    @property
    def class_names(self) -> tuple[str, ...]:
        """What `probabilities` are of: the classes, or their positions where they have no names."""
        if self.classes or self.probabilities is None:
            return self.classes
        return tuple(map(str, range(self.probabilities.shape[1])))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Row:
        """The answer for one row; a negative index counts from the end.

        Raises:
            IndexError: there is no such row.
            TypeError: the index is a slice; take one of a column, such as `scores.scores[:9]`.
        """
        if isinstance(index, slice):
            raise TypeError("a row has one position; for several take columns, scores.scores[a:b]")
        if not -self.count <= index < self.count:
            raise IndexError(f"row {index} of {self.count}")
        return Row(
            score=float(self.scores[index]) if self.scores.size else None,
            label=self.labels[index] if self.labels is not None else None,
            probabilities=self._named_probabilities(index),
            lower=float(self.lower[index]) if self.lower is not None else None,
            upper=float(self.upper[index]) if self.upper is not None else None,
            level=self.levels[index] if self.levels is not None else None,
            outputs={name: float(output.scores[index]) for name, output in self.outputs.items()}
            if self.outputs is not None
            else None,
            reasons=tuple(self.reasons.row(index)) if self.reasons is not None else None,
        )

    def __iter__(self) -> Iterator[Row]:
        return (self[index] for index in range(self.count))

    def __repr__(self) -> str:
        answer = f", answer={_short(self[0])}" if self.count == 1 else ""
        return f"Scores(model={self.model!r}, version={self.version!r}, rows={self.count}{answer})"

    def to_frame(self) -> Any:
        """The answers as a pandas DataFrame, one column for each kind of answer.

        `score`, `label`, `probability_<class>`, `lower`, `upper`, `level`; for a model of several
        outputs `<output>`, `<output>_lower`, `<output>_upper` and `<output>_level`. Its index is
        0 to N-1. Columns that the model does not compute are left out.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - an optional dependency of this method alone
        except ImportError as error:
            raise ImportError("to_frame() needs pandas: pip install pandas") from error
        columns: dict[str, Any] = {}
        if self.scores.size:
            columns["score"] = self.scores
        if self.labels is not None:
            columns["label"] = self.labels
        if self.probabilities is not None:
            for position, name in enumerate(self.class_names):
                columns[f"probability_{name}"] = self.probabilities[:, position]
        columns |= _columns("", self)
        for output in (self.outputs or {}).values():
            columns[output.name] = output.scores
            columns |= _columns(f"{output.name}_", output)
        return pd.DataFrame(columns, index=range(self.count))

    def _named_probabilities(self, index: int) -> Mapping[str, float] | None:
        if self.probabilities is None:
            return None
        values = self.probabilities[index].tolist()
        return dict(zip(self.class_names, values, strict=True))


def _short(row: Row) -> str:
    """A row without what the model does not give."""
    given = [(name.name, getattr(row, name.name)) for name in fields(row)]
    shown = [
        f"{name}={value!r}"
        for position, (name, value) in enumerate(given)
        if value is not None or position < 3
    ]
    return f"Row({', '.join(shown)})"


def _columns(prefix: str, scores: Scores | OutputScores) -> dict[str, Any]:
    """Bounds and levels, where there are any."""
    found = {"lower": scores.lower, "upper": scores.upper, "level": scores.levels}
    return {prefix + name: values for name, values in found.items() if values is not None}
