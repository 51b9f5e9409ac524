"""The three forms in which scored rows are written: a table, CSV, JSON lines."""

import csv
import json
from collections.abc import Iterator
from typing import Protocol, TextIO

import numpy as np
import numpy.typing as npt

from stubtail_client.cli import tables
from stubtail_client.cli.csv_rows import CHUNK_ROWS, Chunk
from stubtail_client.details import OutputScores
from stubtail_client.scores import Row, Scores

_ANSWER_WIDTH = 40  # about what the row number, the score, the bar and the label take
_NUMBER_WIDTH = 7  # of a row's number where more rows may follow than the first chunk has


class Writer(Protocol):
    """Writes chunk after chunk."""

    def write(self, chunk: Chunk, scores: Scores) -> None:
        """Writes rows with their answers."""


class JsonWriter:
    """One JSON object a row: `row` (from 1), `score`, `label`, `probabilities` and so on.

    Args:
        output: where to write.
        levels: whether to write the level of each score.
    """

    def __init__(self, output: TextIO, *, levels: bool = False) -> None:
        self._output = output
        self._levels = levels

    def write(self, chunk: Chunk, scores: Scores) -> None:
        """Writes rows with their answers; what the model does not compute is left out."""
        for number, answer in enumerate(scores, chunk.start):
            document = {
                "row": number,
                "score": None if answer.score is None else _short(answer.score),
                "label": answer.label,
                "probabilities": answer.probabilities
                and {name: _short(value) for name, value in answer.probabilities.items()},
                "lower": None if answer.lower is None else _short(answer.lower),
                "upper": None if answer.upper is None else _short(answer.upper),
                "level": answer.level if self._levels else None,
                "outputs": answer.outputs
                and {name: _short(value) for name, value in answer.outputs.items()},
            }
            present = {key: value for key, value in document.items() if value is not None}
            self._output.write(json.dumps(present, ensure_ascii=False) + "\n")


def _short(value: float) -> float:
    """The number with the fewest digits that is the same float32."""
    return float(str(np.float32(value)))


class CsvWriter:
    """The columns of the input, and behind them `score`, `label`, `probability_<class>`, ...

    Args:
        output: where to write.
        header: the columns of the input.
        delimiter: between two cells.
        levels: whether to write the level of each score.
    """

    def __init__(
        self, output: TextIO, header: list[str], delimiter: str, *, levels: bool = False
    ) -> None:
        self._levels = levels
        self._writer = csv.writer(output, delimiter=delimiter, lineterminator="\n")
        self._header = header
        self._began = False

    def write(self, chunk: Chunk, scores: Scores) -> None:
        """Writes rows with their answers."""
        answers = list(_answer_columns(scores, levels=self._levels))
        if not self._began:
            self._began = True
            self._writer.writerow([*self._header, *(name for name, _ in answers)])
        columns = zip(*(values for _, values in answers), strict=True)
        self._writer.writerows(
            [*cells, *answer] for cells, answer in zip(chunk.cells, columns, strict=True)
        )


def _answer_columns(scores: Scores, *, levels: bool) -> Iterator[tuple[str, list[str]]]:
    """The answers as text."""
    if scores.scores.size:
        yield "score", _shortest(scores.scores)
    if scores.labels is not None:
        yield "label", scores.labels
    if scores.probabilities is not None:
        for position, name in enumerate(scores.class_names):
            yield f"probability_{name}", _shortest(scores.probabilities[:, position])
    yield from _bounds_and_level("", scores, levels=levels)
    for output in (scores.outputs or {}).values():
        yield output.name, _shortest(output.scores)
        yield from _bounds_and_level(f"{output.name}_", output, levels=levels)


def _bounds_and_level(
    prefix: str, scores: Scores | OutputScores, *, levels: bool
) -> Iterator[tuple[str, list[str]]]:
    if scores.lower is not None and scores.upper is not None:
        yield f"{prefix}lower", _shortest(scores.lower)
        yield f"{prefix}upper", _shortest(scores.upper)
    if levels and scores.levels is not None:
        yield f"{prefix}level", scores.levels


def _shortest(values: npt.NDArray[np.float32]) -> list[str]:
    """The fewest digits that are read back as the same float32: 0.17, not 0.17000000178813934."""
    return [str(text) for text in values.astype(str)]


class TableWriter:
    """Aligned columns for people; the widths come from the first chunk.

    Args:
        output: where to write.
        header: the columns of the input.
        columns: which of them to show; None shows the four that differ most.
        width: of the whole line, in characters.
        levels: whether to show the level of each score.
    """

    def __init__(
        self,
        output: TextIO,
        header: list[str],
        columns: list[str] | None,
        width: int,
        *,
        levels: bool = False,
    ) -> None:
        self._levels = levels
        self._output = output
        self._header = header
        self._columns = [header.index(name) for name in columns] if columns else []
        self._width = width
        self._unicode = tables.can_draw(output)
        self._widths: list[int] = []
        self._right: set[int] = set()

    def write(self, chunk: Chunk, scores: Scores) -> None:
        """Writes rows with their answers."""
        if not self._widths:
            self._begin(chunk, scores)
        for number, (cells, answer) in enumerate(
            zip(chunk.cells, scores, strict=True), chunk.start
        ):
            shown = [
                tables.cut(cells[column], width)
                for column, width in zip(self._columns, self._widths[1:], strict=False)
            ]
            self._line([str(number), *shown, *self._answer(answer)])

    def _begin(self, chunk: Chunk, scores: Scores) -> None:
        """Settles the widths and writes the names of the columns."""
        if not self._columns:
            room = self._width - _ANSWER_WIDTH
            self._columns = tables.shown_columns(self._header, chunk.cells, room)
        is_last = len(chunk.cells) < CHUNK_ROWS
        self._widths = [max(len("row"), len(str(len(chunk.cells)))) if is_last else _NUMBER_WIDTH]
        self._right = {0}
        for position, column in enumerate(self._columns, 1):
            self._widths.append(tables.column_width(self._header, chunk.cells, column))
            if tables.are_numbers(cells[column] for cells in chunk.cells):
                self._right.add(position)
        answers = [self._answer(answer) for answer in scores]
        names = ["score", "", "label"] if scores.labels is not None else ["score"]
        names += ["lower", "upper"] if scores.lower is not None else []
        names += ["level"] if self._levels and scores.levels is not None else []
        for position, name in enumerate(names):
            self._widths.append(max(len(name), *(len(answer[position]) for answer in answers)))
        self._right.add(len(self._columns) + 1)
        header = [tables.cut(self._header[c], tables.CELL_WIDTH_MAX) for c in self._columns]
        self._line(["row", *header, *names])

    def _answer(self, answer: Row) -> list[str]:
        """Score, bar and label; a value without classes has no scale that a bar could show."""
        details = [f"{value:.4g}" for value in (answer.lower, answer.upper) if value is not None]
        details += [answer.level] if self._levels and answer.level is not None else []
        if answer.label is None:
            return ["" if answer.score is None else f"{answer.score:.6g}", *details]
        share = answer.score
        if share is None:
            share = (answer.probabilities or {}).get(answer.label, float("nan"))
        bar = tables.bar(share, unicode=self._unicode)
        return [f"{share:.3f}", bar, answer.label, *details]

    def _line(self, cells: list[str]) -> None:
        self._output.write(tables.aligned(cells, self._widths, self._right) + "\n")
