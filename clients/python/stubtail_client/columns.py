"""One feature of many rows, either numbers or strings, and how values of Python become one."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stubtail_client import wire
from stubtail_client.errors import InvalidArgument, invalid_rows

_HEAD_BYTES = 16  # tags and lengths around one column, at most
_STRING_HEAD_BYTES = 6  # tag and length of one string, at most
_NUMBER_KINDS = frozenset({float, int, bool})
_STRING_KINDS = frozenset({str})


class Column(Protocol):
    """Values of one feature."""

    @property
    def head_bytes(self) -> int:
        """The most that the column takes on the wire besides its values."""

    @property
    def bytes_bound(self) -> int:
        """The most that all values take on the wire; cheap to tell."""

    def row_bytes(self) -> npt.NDArray[np.int64] | int:
        """The most that the value of each row takes on the wire, [N] or the same for all."""

    def encoded(self, start: int, stop: int) -> bytes:
        """The values from `start` to before `stop`, as a field of NamedRows."""


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Numbers, NaN where missing.

    Attributes:
        name: the feature.
        values: [N], little-endian float64, C-contiguous.
    """

    name: str
    values: npt.NDArray[np.float64]

    @property
    def head_bytes(self) -> int:
        """Name, tags and lengths."""
        return len(self.name) * 4 + _HEAD_BYTES

    @property
    def bytes_bound(self) -> int:
        """Eight bytes each."""
        return 8 * len(self.values)

    def row_bytes(self) -> int:
        """Eight bytes each."""
        return 8

    def encoded(self, start: int, stop: int) -> bytes:
        """The values are their own wire form."""
        return wire.number_column(self.name, self.values[start:stop].tobytes())


@dataclass(frozen=True, slots=True)
class StringColumn:
    """Strings, "" where missing."""

    name: str
    values: list[str]

    @property
    def head_bytes(self) -> int:
        """Name, tags and lengths."""
        return len(self.name) * 4 + _HEAD_BYTES

    @property
    def bytes_bound(self) -> int:
        """UTF-8 takes at most four bytes a character."""
        return sum(map(len, self.values)) * 4 + len(self.values) * _STRING_HEAD_BYTES

    def row_bytes(self) -> npt.NDArray[np.int64]:
        """The true lengths in UTF-8."""
        lengths = (len(value.encode()) for value in self.values)
        return np.fromiter(lengths, np.int64, len(self.values)) + _STRING_HEAD_BYTES

    def encoded(self, start: int, stop: int) -> bytes:
        """Protobuf encodes strings faster than Python can."""
        return wire.string_column(self.name, self.values[start:stop])


def column_of(name: Any, values: Sequence[Any]) -> Column | None:
    """Makes a column of values as Python code has them.

    Args:
        name: the feature.
        values: numbers (bool is 0 or 1), or strings; missing is None, NaN, pandas' NA or NaT.

    Returns:
        The column, or None if every value is missing: then nobody can tell which kind it is.

    Raises:
        InvalidArgument: the name is no string, a value is neither a number nor a string, or
            numbers and strings are mixed.
    """
    if not isinstance(name, str):
        raise invalid_rows(f"{name!r}", "the name of a feature is a string")
    kinds = set(map(type, values))
    if kinds <= _NUMBER_KINDS:
        return number_column(name, values)
    if kinds == _STRING_KINDS:
        return string_column(name, values)
    return _mixed_column(name, values)


def number_column(name: str, values: Sequence[Any] | npt.NDArray[Any]) -> NumberColumn:
    """A column of values that are all numbers.

    Raises:
        InvalidArgument: an integer is too large for a 64-bit float.
    """
    try:
        return NumberColumn(name, np.ascontiguousarray(values, dtype="<f8"))
    except OverflowError:
        raise invalid_rows(name, "a number is too large for a 64-bit float") from None


def string_column(name: str, values: Sequence[str]) -> StringColumn:
    """A column of values that are all strings.

    Raises:
        InvalidArgument: a string has half a surrogate pair, which UTF-8 cannot write.
    """
    text = "".join(values)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise invalid_rows(name, "a string is not valid Unicode") from None
    return StringColumn(name, list(values))


def _mixed_column(name: str, values: Sequence[Any]) -> Column | None:
    """The long way, for missing values and for numbers that are not Python's own."""
    numbers = 0
    strings = 0
    plain: list[Any] = []
    for row, value in enumerate(values):
        if is_missing(value):
            plain.append(None)
        elif isinstance(value, str):
            plain.append(value)
            strings += 1
        elif isinstance(value, (Real, Decimal, np.bool_)):
            plain.append(_float(name, value))
            numbers += 1
        else:
            raise invalid_rows(name, _not_a_value(row, value))
        if numbers and strings:
            raise _both_kinds(name, row, value)
    if strings:
        return string_column(name, ["" if value is None else value for value in plain])
    if numbers:
        return number_column(name, [np.nan if value is None else value for value in plain])
    return None


def _float(name: str, value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        raise invalid_rows(name, "a number is too large for a 64-bit float") from None


def _not_a_value(row: int, value: Any) -> str:
    hint = (
        "; pass many rows as a list of dicts or as a DataFrame"
        if isinstance(value, (list, tuple, np.ndarray))
        else "; turn it into one of them"
    )
    return f"row {row} has a {type(value).__name__}, which is neither a number nor a string{hint}"


def _both_kinds(name: str, row: int, value: Any) -> InvalidArgument:
    shown = repr(value)[:40]
    return invalid_rows(
        name, f"row {row} has {shown}, but a column holds either numbers or strings, never both"
    )


def is_missing(value: Any) -> bool:
    """Whether a value stands for no value: None, NaN, or pandas' NA or NaT."""
    if value is None:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124 - only NaN and NaT differ from themselves
    except (TypeError, ValueError):  # NA refuses to be a bool; so do arrays, which are not missing
        return type(value).__name__ == "NAType"
