"""Named columns to the rows of a model: numbers and strings in, float32 rows out.

One row is the usual call, and parsing its columns into objects would cost more than all the rest
of it. But a column of one row has few forms: a category's column is one of a known set of byte
strings, a number's column is a known head and eight bytes. Each is recognised by one dict look-up,
exactly, because equal bytes are equal messages; every other form is parsed.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from struct import Struct
from struct import error as PackError  # noqa: N812 - what struct calls it says nothing here
from typing import Any

import numpy as np

from stubtail import wire
from stubtail.endpoints.method import parse
from stubtail.endpoints.row_rules import RowRules
from stubtail.errors import CallError, invalid_field, malformed_message
from stubtail.models.features import Feature
from stubtail.v1 import scoring_pb2

COLUMNS_MAX = 1024
CELLS_MAX = 4 << 20  # 16 MiB, as large as a message may be by default
DOUBLE = Struct("<d")
NO_CATEGORY = -1.0  # the row rules put the default in its place, and warn
CLOSE_CHARACTERS, CLOSE_OF_MAX = 3, 64  # words compared with a wrong one: 3 us each
SHOWN_CHARACTERS_MAX = 64  # of a wrong value, in a message


class NamedColumns:
    """Reads the columns of one model's features.

    Args:
        rules: the features of the model.
    """

    def __init__(self, rules: RowRules) -> None:
        self._rules = rules
        self._names = [feature.name for feature in rules.features]
        self._index = {name: index for index, name in enumerate(self._names)}
        self._codes = [
            {value: float(code) for code, value in enumerate(feature.categories)}
            for feature in rules.features
        ]
        self._row = Struct(f"<{len(self._names)}f")
        self._category_columns: dict[bytes, tuple[int, float]] = {}
        self._number_heads: dict[bytes, int] = {}
        for index, feature in enumerate(rules.features):
            if feature.type == "number":
                column = scoring_pb2.Column(name=feature.name, numbers=[0.0])
                self._number_heads[column.SerializeToString()[: -DOUBLE.size]] = index
            for value, code in self._codes[index].items():
                column = scoring_pb2.Column(name=feature.name, strings=[value])
                self._category_columns[column.SerializeToString()] = (index, code)

    def knows(self, name: str) -> bool:
        """Whether a column of this name is a feature."""
        return name in self._index

    def rows(self, columns: Sequence[bytes], rows_max: int) -> tuple[Any, int]:
        """The rows as a buffer of float32 [N, features], with NaN for missing values, and N.

        A category that is not known, but has a default, is -1.

        Args:
            columns: serialised `Column` messages.
            rows_max: bound of N.

        Raises:
            CallError: INVALID_ARGUMENT that names the column, and the row where it is one.
        """
        row = self._known_row(columns)
        if row is not None:
            return row, 1
        matrix = self._matrix(columns, rows_max)
        return matrix, len(matrix)

    def _known_row(self, columns: Sequence[bytes]) -> bytes | None:
        """The row when every feature is there once, as one value in its usual form; else None."""
        row: list[float | None] = [None] * len(self._names)
        categories, heads, unpack = self._category_columns, self._number_heads, DOUBLE.unpack
        for column in columns:
            known = categories.get(column)
            if known is not None:
                row[known[0]] = known[1]
                continue
            index = heads.get(column[:-8])
            if index is None:
                return None
            (row[index],) = unpack(column[-8:])
        if len(columns) != len(row):
            return None
        try:
            return self._row.pack(*row)
        except (PackError, OverflowError):
            # A feature twice and another one missing, or a number beyond float32.
            return None

    def _matrix(self, columns: Sequence[bytes], rows_max: int) -> Any:
        """All other forms; the work in Python is per column, values are converted as columns."""
        if not columns:
            raise invalid_field("named.columns", f"must be 1 to {COLUMNS_MAX} columns, got 0")
        values: dict[int, Any] = {}
        rows = -1
        for column in columns:
            message = parse_column(column)
            index = self._index.get(message.name)
            if index is None:
                raise self._unknown_column(message.name)
            if index in values:
                raise invalid_field(f"named.columns[{message.name}]", "is there twice")
            column_values = self._column(index, message)
            if len(column_values) != rows:
                if rows >= 0 or not 1 <= len(column_values) <= rows_max:
                    raise self._wrong_count(message, index, rows, rows_max)
                rows = len(column_values)
            values[index] = column_values
        self._refuse_absent(values)
        if rows * len(self._names) > CELLS_MAX:
            raise invalid_field(
                "named.columns", f"must make at most {CELLS_MAX} cells (rows times features)"
            )
        matrix = np.full((rows, len(self._names)), np.nan, np.float32)
        with np.errstate(over="ignore"):  # becomes infinite, which the rules refuse by name
            for index, column_values in values.items():
                matrix[:, index] = column_values
        return matrix

    def _column(self, index: int, message: Any) -> Any:
        feature = self._rules.features[index]
        if feature.type == "number":
            data = b"".join(message.numbers)
            if len(data) % DOUBLE.size:
                raise malformed_message("stubtail.v1.ScoreRequest")
            return np.frombuffer(data, "<f8")
        lookup, strings = self._codes[index], message.strings
        codes = list(map(lookup.get, strings))
        if None in codes:
            return [
                self._code(index, row, strings[row]) if code is None else code
                for row, code in enumerate(codes)
            ]
        return codes

    def _code(self, index: int, row: int, value: str) -> float:
        """The code of a string that is no category: missing when empty, else the unknown rule."""
        feature = self._rules.features[index]
        if not value:
            return float("nan")
        if feature.unknown == "default":
            return NO_CATEGORY
        raise _unknown_value(feature, row, value)

    def _refuse_absent(self, given: dict[int, Any]) -> None:
        absent = [
            feature.name
            for index, feature in enumerate(self._rules.features)
            if index not in given and feature.missing == "refuse"
        ]
        if absent:
            raise invalid_field(
                f"named.columns[{absent[0]}]",
                f"is required and was not sent; missing: {', '.join(absent[:20])}",
            )

    def _unknown_column(self, name: str) -> CallError:
        close = _closest(name[:SHOWN_CHARACTERS_MAX], self._names)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        shown = name[:SHOWN_CHARACTERS_MAX]
        return invalid_field(f"named.columns[{shown}]", f"is not a feature of the model{hint}")

    def _wrong_count(self, message: Any, index: int, rows: int, rows_max: int) -> CallError:
        feature = self._rules.features[index]
        field = f"named.columns[{feature.name}]"
        kind, other = ("numbers", "strings") if feature.type == "number" else ("strings", "numbers")
        if getattr(message, other) and not getattr(message, kind):
            return invalid_field(field, f"is a {feature.type} and must be sent as {kind}")
        count = len(message.strings) if kind == "strings" else sum(map(len, message.numbers)) // 8
        if rows >= 0:
            return invalid_field(field, f"must have {rows} values like the others, got {count}")
        return invalid_field(field, f"must have 1 to {rows_max} values, got {count}")


def parse_column(column: bytes) -> Any:
    """The column with its numbers as packed bytes, however they were sent."""
    message = parse(wire.Column, column)
    if message.numbers and message.strings:
        name = message.name[:SHOWN_CHARACTERS_MAX]
        raise invalid_field(f"named.columns[{name}]", "has both numbers and strings")
    if not message.numbers and not message.strings:
        # Nothing where the packed form was expected: perhaps a sender that does not pack.
        packed = parse(scoring_pb2.Column, column).SerializeToString()
        message = parse(wire.Column, packed)
    return message


def _closest(shown: str, known: Sequence[str]) -> list[str]:
    """The known word most like a wrong one; looked for only among a few, because it takes long."""
    near = [word for word in known if abs(len(word) - len(shown)) <= CLOSE_CHARACTERS]
    return get_close_matches(shown, near, n=1) if len(near) <= CLOSE_OF_MAX else []


def _unknown_value(feature: Feature, row: int, value: str) -> CallError:
    shown = value[:SHOWN_CHARACTERS_MAX]
    close = _closest(shown, feature.categories)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    allowed = ", ".join(repr(category) for category in feature.categories[:10])
    more = ", ..." if len(feature.categories) > 10 else ""
    return invalid_field(
        f"rows[{row}].{feature.name}", f"{shown!r} is not one of {allowed}{more}{hint}"
    )
