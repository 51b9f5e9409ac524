"""What a caller passes as rows (a dict, dicts, an array, a frame), as blocks that can be sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stubtail_client import wire
from stubtail_client.columns import Column, column_of
from stubtail_client.errors import invalid_rows
from stubtail_client.frames import frame_columns, is_frame

# Any: a frame of pandas or polars is recognised by what it can do, so that neither is imported.
RowsInput = Mapping[str, Any] | Sequence[Mapping[str, Any]] | npt.NDArray[Any] | Any

_FLOAT32 = np.dtype("<f4")
_ACCEPTED = "expected a dict, a list of dicts, a numpy array of numbers or a DataFrame"


class Block(Protocol):
    """Rows in one of the forms of a ScoreRequest."""

    @property
    def count(self) -> int:
        """How many rows."""

    def encoded(self, start: int, stop: int) -> bytes:
        """The rows from `start` to before `stop`, as a field of a ScoreRequest."""

    def parts(self, rows_max: int, bytes_max: int) -> list[tuple[int, int]]:
        """The (start, stop) of consecutive parts of at most so many rows and bytes each.

        A part has at least one row: a row above the bound is sent, and the server says its limit.
        """


@dataclass(slots=True)
class OneRow:
    """One row of features by name, already encoded."""

    field: bytes
    count: int = 1

    def encoded(self, start: int, stop: int) -> bytes:  # noqa: ARG002 - there is only one part
        """The row."""
        return self.field

    def parts(self, rows_max: int, bytes_max: int) -> list[tuple[int, int]]:  # noqa: ARG002 - one row
        """One part."""
        return [(0, 1)]


@dataclass(slots=True)
class DenseBlock:
    """Rows of all features as numbers.

    Attributes:
        values: [N, F], little-endian float32, C-contiguous.
    """

    values: npt.NDArray[np.float32]

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.values)

    def encoded(self, start: int, stop: int) -> bytes:
        """The rows as `dense`."""
        return wire.dense_rows(self.values[start:stop].tobytes())

    def parts(self, rows_max: int, bytes_max: int) -> list[tuple[int, int]]:
        """Parts of equally many rows."""
        count, features = self.values.shape
        rows_max = min(rows_max, max(1, bytes_max // (4 * features)))
        if count <= rows_max:
            return [(0, count)]
        return [(start, min(start + rows_max, count)) for start in range(0, count, rows_max)]


@dataclass(slots=True)
class NamedBlock:
    """Features by name, one column each, all of the same length."""

    columns: tuple[Column, ...]
    count: int

    def encoded(self, start: int, stop: int) -> bytes:
        """The rows as `named`."""
        return wire.named_rows([column.encoded(start, stop) for column in self.columns])

    def parts(self, rows_max: int, bytes_max: int) -> list[tuple[int, int]]:
        """Parts of as many rows as fit, by the true length of their strings."""
        heads_bytes = sum(column.head_bytes for column in self.columns)
        bytes_bound = heads_bytes + sum(column.bytes_bound for column in self.columns)
        if bytes_bound <= bytes_max and self.count <= rows_max:
            return [(0, self.count)]
        sizes = np.zeros(self.count, np.int64)
        for column in self.columns:
            sizes += column.row_bytes()
        ends = np.cumsum(sizes)
        parts = []
        start = 0
        while start < self.count:
            sent_bytes = int(ends[start - 1]) if start else 0
            stop = int(np.searchsorted(ends, sent_bytes + bytes_max - heads_bytes, side="right"))
            stop = max(min(stop, start + rows_max), start + 1)
            parts.append((start, stop))
            start = stop
        return parts


def read_rows(rows: RowsInput) -> Block:
    """Recognises the form of the rows and converts them.

    Args:
        rows: a mapping from features to values (one row), a sequence of such mappings, an array
            [N, F] or [F] (one row) of numbers, or a frame of pandas or polars.

    Raises:
        InvalidArgument: the rows have another form, or a value that no feature can have.
    """
    if isinstance(rows, np.ndarray):
        return _dense_block(rows)
    if isinstance(rows, Mapping):
        encoded = wire.one_row(rows)
        return OneRow(encoded) if encoded is not None else _named_block([rows])
    if is_frame(rows):
        return _block(frame_columns(rows), len(rows))
    if isinstance(rows, Sequence) and not isinstance(rows, (str, bytes)):
        return _named_block(rows)
    one_row = "; one row is rows.to_dict()" if hasattr(rows, "to_dict") else ""  # of pandas
    raise invalid_rows("rows", f"{_ACCEPTED}, not {type(rows).__name__}{one_row}")


def _dense_block(array: npt.NDArray[Any]) -> DenseBlock:
    if array.dtype.kind not in "biuf":
        raise invalid_rows(
            "rows",
            f"an array of {array.dtype} is not an array of numbers; "
            "pass columns of several types as a list of dicts or as a DataFrame",
        )
    if isinstance(array, np.ma.MaskedArray):
        array = np.ma.filled(_as_float32(array), np.nan)
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2 or array.size == 0:
        raise invalid_rows(
            "rows", f"expected an array [rows, features] or [features], not {list(array.shape)}"
        )
    return DenseBlock(np.ascontiguousarray(_as_float32(array)))


def _as_float32(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if array.dtype == _FLOAT32:
        return array
    try:
        with np.errstate(over="raise"):
            return array.astype(_FLOAT32, copy=False)
    except FloatingPointError:
        raise invalid_rows("rows", "a number is too large for a 32-bit float") from None


def _named_block(rows: Sequence[Any]) -> NamedBlock:
    """Turns dicts into columns; a feature that a row leaves out is missing in that row."""
    names: dict[Any, None] = {}
    for row, values in enumerate(rows):
        if not isinstance(values, Mapping):
            raise invalid_rows(
                f"rows[{row}]",
                f"expected a dict of features, not {type(values).__name__}; "
                "pass rows of numbers as numpy.array(rows)",
            )
        names.update(dict.fromkeys(values))
    return _block((column_of(name, [row.get(name) for row in rows]) for name in names), len(rows))


def _block(columns: Iterable[Column | None], count: int) -> NamedBlock:
    """Leaves out the columns without any value: for the server, absent and missing are one."""
    present = tuple(column for column in columns if column is not None)
    if not present or count == 0:
        raise invalid_rows("rows", f"there is no row with a value; {_ACCEPTED}")
    return NamedBlock(present, count)
