"""Candidates as columns: what each of them changes, from a list or from a grid."""

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Final

import numpy as np

from stubtail.decisions.changes import Candidates, Change, Values, Variable
from stubtail.decisions.spelling import SHOWN_CHARACTERS_MAX, unknown_name
from stubtail.errors import CallError, invalid_field

CANDIDATES_MAX: Final = 10_000  # what one run can answer in tens of milliseconds
AXES_MAX: Final = 8
CHANGES_MAX: Final = 64  # columns of a list
VALUES_MAX: Final = 100_000  # of all columns of a list
TEXTS_MAX: Final = 20_000  # of all columns of a list: reading them takes some milliseconds
FLOAT32_MAX: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a grid.

    Attributes:
        name: of the variable.
        values: floats or strings.
        is_text: whether they are strings.
        path: where the request says so.
        form: where its values are, below the path.
    """

    name: str
    values: Sequence[float] | Sequence[str] | Values
    is_text: bool
    path: str
    form: str

    @property
    def values_path(self) -> str:
        """Where the request has the values."""
        return f"{self.path}.{self.form}"


def check_axes(count: int) -> None:
    """Raises CallError where a grid may not have so many axes; asked before they are read."""
    if not 1 <= count <= AXES_MAX:
        raise invalid_field("grid.axes", f"must be 1 to {AXES_MAX} axes, got {count}")


def check_columns(count: int) -> None:
    """Raises CallError where a list may not have so many columns; asked before they are read."""
    if not 1 <= count <= CHANGES_MAX:
        raise invalid_field("list.columns", f"must be 1 to {CHANGES_MAX}, got {count}")


def from_grid(axes: Sequence[Axis], variables: Mapping[str, Variable]) -> Candidates:
    """All combinations of the values of the axes, the last axis changing fastest.

    Args:
        axes: as many as `check_axes` allows. Their values are not touched before it is known that
            there are few enough.
        variables: what may be changed.

    Raises:
        CallError: INVALID_ARGUMENT that names the axis and what was expected.
    """
    sizes = [len(axis.values) for axis in axes]
    for axis, size in zip(axes, sizes, strict=True):
        if size == 0:
            raise invalid_field(axis.values_path, "must have at least one value")
    count = prod(sizes)
    if count > CANDIDATES_MAX:
        shape = " x ".join(map(str, sizes))
        raise invalid_field(
            "grid.axes", f"must make at most {CANDIDATES_MAX:,} candidates, got {shape} = {count:,}"
        )
    changes: list[Change] = []
    inner = count
    for axis, size in zip(axes, sizes, strict=True):
        inner //= size
        variable = _variable(axis.name, variables, f"{axis.path}.name", changes)
        change = _change(variable, axis.values, axis.values_path, is_text=axis.is_text)
        changes.append(replace(change, count=count, repeats=inner))
    return Candidates(count, tuple(changes))


def from_list(
    columns: Sequence[tuple[str, Sequence[float] | Values, Sequence[str]]],
    variables: Mapping[str, Variable],
) -> Candidates:
    """Candidates one by one; NaN and "" leave the context's value.

    Args:
        columns: as many as `check_columns` allows: name, numbers and strings of each, one of the
            two empty. Nothing is made of them before it is known that there are few enough.
        variables: what may be changed.

    Raises:
        CallError: INVALID_ARGUMENT that names the column and what was expected.
    """
    count = _rows(columns)
    changes: list[Change] = []
    for index, (name, numbers, texts) in enumerate(columns):
        path = _column_path(name, index)
        variable = _variable(name, variables, path, changes)
        is_text = bool(len(texts))
        if is_text is not variable.is_text:
            raise _wrong_kind(variable, path)
        filled: Any = texts
        if not isinstance(variable.current, str):
            filled = np.asarray(numbers, np.float64)
            filled = np.where(np.isnan(filled), variable.current, filled)
        changes.append(_change(variable, filled, path, is_text=is_text, may_keep=True))
    return Candidates(count, tuple(changes))


def _rows(columns: Sequence[tuple[str, Sized, Sized]]) -> int:
    """How long all columns are; raises CallError where they differ or are too long."""
    count = -1
    for index, (name, numbers, texts) in enumerate(columns):
        path = _column_path(name, index)
        if len(numbers) and len(texts):
            raise invalid_field(path, "has both numbers and strings")
        rows = len(numbers) or len(texts)
        if count >= 0 and rows != count:
            raise invalid_field(path, f"must have {count} values like the others, got {rows}")
        if not 1 <= rows <= CANDIDATES_MAX:
            raise invalid_field(path, f"must have 1 to {CANDIDATES_MAX:,} values, got {rows:,}")
        count = rows
    for what, most, wide in (
        ("values", VALUES_MAX, len(columns)),
        ("strings", TEXTS_MAX, sum(len(texts) > 0 for _, _, texts in columns)),
    ):
        if wide * count > most:
            problem = f"must have at most {most:,} {what}, got {wide} x {count:,}"
            raise invalid_field("list.columns", problem)
    return count


def _column_path(name: str, index: int) -> str:
    """What messages call a column."""
    return f"list.columns[{name[:SHOWN_CHARACTERS_MAX] or index}]"


def _variable(
    name: str, variables: Mapping[str, Variable], path: str, changes: Sequence[Change]
) -> Variable:
    variable = variables.get(name)
    if variable is None:
        known = list(variables)
        raise invalid_field(path, unknown_name(name, known, "a feature or a parameter"))
    if any(change.variable is variable for change in changes):
        raise invalid_field(path, f"{name!r} is there twice")
    return variable


def _change(
    variable: Variable, values: Any, path: str, *, is_text: bool, may_keep: bool = False
) -> Change:
    """The values of a variable: numbers checked, strings as they came."""
    if is_text is not variable.is_text:
        raise _wrong_kind(variable, path)
    if is_text:
        return Change(variable, values, path, may_keep, len(values))
    numbers = np.asarray(values, np.float64)
    wrong = ~np.isfinite(numbers)
    if variable.column is not None:
        with np.errstate(invalid="ignore"):
            wrong |= np.abs(numbers) > FLOAT32_MAX
    if may_keep:
        wrong &= ~np.isnan(numbers)  # of a context without that value
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        kind = "a finite number" if variable.column is None else "a finite 32-bit number"
        raise invalid_field(f"{path}[{first}]", f"must be {kind}, got {numbers[first]:g}")
    return Change(variable, numbers, path, may_keep, len(numbers))


def _wrong_kind(variable: Variable, path: str) -> CallError:
    kind = "strings" if variable.is_text else "numbers"
    return invalid_field(path, f"{variable.name!r} must be given as {kind}")
