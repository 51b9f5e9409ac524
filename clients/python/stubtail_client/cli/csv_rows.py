"""A CSV file as rows for a model: the model's features say which cells are numbers."""

import csv
import difflib
import io
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from stubtail_client.models import Model

CHUNK_ROWS = 1000  # large enough that the call is a small part of the work, small for a server
NO_NUMBER = frozenset({"", "na", "n/a", "nan", "null", "none"})  # cells of a missing number


class InputError(Exception):
    """The input file, or what was asked of it, is wrong; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of the file.

    Attributes:
        start: the number of the first row, from 1; the line of names is not counted.
        cells: the text of each cell, by row.
        rows: the same in the form that `Client.score` takes.
    """

    start: int
    cells: list[list[str]]
    rows: Any


@contextmanager
def open_input(name: str) -> Iterator[TextIO]:
    """The file for reading, or stdin for "-".

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    if name == "-":
        stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="")
        try:
            yield stream
        finally:
            stream.detach()
        return
    try:
        file = Path(name).open(encoding="utf-8-sig", newline="")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        raise InputError(f"there is no file {name}{_similar_file(name)}") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None
    with file:
        yield file


class CsvRows:
    """Reads the names of the columns at once, and the rows chunk by chunk.

    Args:
        file: the text of the file.
        name: what messages call it.
        delimiter: between two cells.
        model: says which columns are features, and of which type.

    Raises:
        InputError: the first line does not fit the model.
    """

    def __init__(self, file: TextIO, name: str, delimiter: str, model: Model) -> None:
        self._name = name
        self._reader = csv.reader(file, delimiter=delimiter, strict=True)
        self._model = model
        header = next(self._lines(), None)
        if not header:
            raise InputError(f"{name} is empty; its first line names the columns")
        self.header = [cell.strip() for cell in header]
        self._check_header(delimiter)
        features = {feature.name: feature for feature in model.features}
        self._columns = [
            (position, column, features[column].type == "number")
            for position, column in enumerate(self.header)
            if column in features
        ]

    @property
    def ignored(self) -> list[str]:
        """The columns that are not sent, because they are no features."""
        if not self._model.features:
            return []
        sent = {column for _, column, _ in self._columns}
        return [column for column in self.header if column not in sent]

    def chunks(self, limit: int | None) -> Iterator[Chunk]:
        """The rows, at most `limit`, in chunks of 1,000.

        Raises:
            InputError: a line has too many or too few cells, or a cell should be a number.
        """
        lines = islice(self._numbered_lines(), limit)
        start = 1
        while numbered := list(islice(lines, CHUNK_ROWS)):
            cells = [line for _, line in numbered]
            rows = self._named(numbered) if self._model.features else self._dense(numbered)
            yield Chunk(start, cells, rows)
            start += len(cells)

    def _named(self, numbered: list[tuple[int, list[str]]]) -> list[dict[str, Any]]:
        return [
            {
                column: self._number(line, column, cells[position])
                if is_number
                else cells[position] or None
                for position, column, is_number in self._columns
            }
            for line, cells in numbered
        ]

    def _dense(self, numbered: list[tuple[int, list[str]]]) -> Any:
        """A model without a manifest takes all columns as numbers, in the order of the file."""
        return np.array(
            [
                [
                    self._number(line, column, cell)
                    for column, cell in zip(self.header, cells, strict=True)
                ]
                for line, cells in numbered
            ],
            np.float32,
        )

    def _number(self, line: int, column: str, cell: str) -> float:
        try:
            return float(cell)
        except ValueError:
            if cell.strip().lower() in NO_NUMBER:
                return math.nan
            raise InputError(
                f"{self._name}, line {line}, column {column}: {cell[:40]!r} is not a number"
            ) from None

    def _numbered_lines(self) -> Iterator[tuple[int, list[str]]]:
        for cells in self._lines():
            if not cells:
                continue  # an empty line, which files often end with
            if len(cells) != len(self.header):
                raise InputError(
                    f"{self._name}, line {self._reader.line_num}: {len(cells)} cells, "
                    f"but the first line names {len(self.header)} columns"
                )
            yield self._reader.line_num, cells

    def _lines(self) -> Iterator[list[str]]:
        try:
            yield from self._reader
        except UnicodeDecodeError:
            raise InputError(f"{self._name} is not UTF-8 text") from None
        except csv.Error as error:
            raise InputError(
                f"{self._name}, line {self._reader.line_num} is not CSV: {error}"
            ) from None

    def _check_header(self, delimiter: str) -> None:
        """Tells at once what the server would tell after the first thousand rows."""
        twice = sorted({column for column in self.header if self.header.count(column) > 1})
        if twice:
            raise InputError(f"{self._name} has two columns named {twice[0]!r}")
        features = [feature.name for feature in self._model.features]
        if features and not set(features) & set(self.header):
            raise InputError(
                f"no column of {self._name} is a feature of {self._model.name}"
                f"{_other_delimiter(self.header[0], delimiter)}; "
                f"it takes: {', '.join(features)}"
            )
        absent = [
            feature.name
            for feature in self._model.features
            if not feature.optional and feature.name not in self.header
        ]
        if absent:
            hints = "".join(f"\n  - {name}{_similar(name, self.header)}" for name in absent)
            raise InputError(
                f"{self._name} lacks columns that {self._model.name} cannot do without:{hints}"
            )


def _similar(name: str, header: list[str]) -> str:
    """A column of the file that may be meant, whatever its case."""
    by_fold = {_fold(column): column for column in header}
    close = difflib.get_close_matches(_fold(name), by_fold, n=1)
    return f" (the file has {by_fold[close[0]]!r})" if close else ""


def _fold(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _similar_file(name: str) -> str:
    try:
        names = [path.name for path in islice(Path(name).parent.iterdir(), 1000)]
    except OSError:
        return ""
    close = difflib.get_close_matches(Path(name).name, names, n=1)
    return f"; there is {Path(name).parent / close[0]}" if close else ""


def _other_delimiter(line: str, delimiter: str) -> str:
    for other, shown in ((";", "';'"), ("\t", "tab"), (",", "','"), ("|", "'|'")):
        if other != delimiter and other in line:
            return f" (is it separated by {shown}? then add --delimiter {shown})"
    return ""
