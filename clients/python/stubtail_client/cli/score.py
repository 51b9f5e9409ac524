"""The command `score`: a CSV file in, a table, CSV or JSON lines out, chunk by chunk."""

import shutil
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stubtail_client.cli.csv_rows import Chunk, CsvRows, InputError, open_input
from stubtail_client.cli.writers import CsvWriter, JsonWriter, TableWriter, Writer
from stubtail_client.client import Client
from stubtail_client.errors import StubtailError
from stubtail_client.scores import Scores

_ERASE_LINE = "\r\x1b[K"


def score_file(client: Client, arguments: Namespace) -> None:
    """Scores a file from its first row to its last, all by one version of the model.

    Raises:
        InputError: the file does not fit the model, or cannot be read or written.
        StubtailError: a call failed; its notes say for which rows.
    """
    _check_output(arguments)
    model = client.model(arguments.model)
    name = f"{model.name}@{model.version}" if model.version else arguments.model
    with open_input(arguments.input) as file:
        shown_name = "stdin" if arguments.input == "-" else arguments.input
        rows = CsvRows(file, shown_name, arguments.delimiter, model)
        if rows.ignored:
            _tell(f"not sent: {', '.join(rows.ignored)} (no features of {model.name})")
        with _open_output(arguments.output) as output:
            writer = _writer(arguments, output, rows.header)
            progress = Progress(shown=_shows_progress(output))
            try:
                for chunk in rows.chunks(arguments.limit):
                    scores = _score_chunk(client, name, chunk, arguments)
                    writer.write(chunk, scores)
                    progress.add(scores)
            finally:
                progress.erase()
    if not progress.rows:
        raise InputError(f"{shown_name} has no rows below the names of the columns")
    _tell(progress.summary())


def _score_chunk(client: Client, name: str, chunk: Chunk, arguments: Namespace) -> Scores:
    try:
        return client.score(
            name, chunk.rows, priority=arguments.priority, coverage=arguments.coverage
        )
    except StubtailError as error:
        last = chunk.start + len(chunk.cells) - 1
        error.add_note(f"in rows {chunk.start:,} to {last:,} (positions count from 0 there)")
        if chunk.start > 1:
            error.add_note(f"rows 1 to {chunk.start - 1:,} are scored and written")
        raise


class Progress:
    """Counts what is done, and says so on stderr while somebody is looking.

    Args:
        shown: whether there is a terminal to write to, and nothing else on it.
    """

    def __init__(self, *, shown: bool) -> None:
        self.rows = 0
        self._shown = shown
        self._began = time.monotonic()
        self._labels: Counter[str] = Counter()
        self._answered_by = ""

    def add(self, scores: Scores) -> None:
        """Counts the rows of one chunk."""
        self.rows += len(scores)
        self._labels.update(scores.labels or ())
        self._answered_by = f"{scores.model} {scores.version}"
        if self._shown:
            rate = self.rows / max(self._seconds(), 1e-9)
            sys.stderr.write(f"{_ERASE_LINE}{self.rows:,} rows, {rate:,.0f} a second")
            sys.stderr.flush()

    def erase(self) -> None:
        """Leaves the line to whatever comes next."""
        if self._shown:
            sys.stderr.write(_ERASE_LINE)

    def summary(self) -> str:
        """One line about all rows."""
        noun = "row" if self.rows == 1 else "rows"
        line = f"{self.rows:,} {noun} scored by {self._answered_by} in {self._seconds():.2f} s"
        shares = [
            f"{label} {count:,} ({100 * count / self.rows:.1f} %)"
            for label, count in self._labels.most_common(5)
        ]
        return ": ".join([line, ", ".join(shares)] if shares else [line])

    def _seconds(self) -> float:
        return time.monotonic() - self._began


def _tell(line: str) -> None:
    """A remark to the person, apart from the output."""
    sys.stdout.flush()
    sys.stderr.write(f"{line}\n")


def _writer(arguments: Namespace, output: TextIO, header: list[str]) -> Writer:
    if arguments.json:
        return JsonWriter(output, levels=arguments.levels)
    if arguments.output:
        return CsvWriter(output, header, arguments.delimiter, levels=arguments.levels)
    unknown = [name for name in arguments.columns or () if name not in header]
    if unknown:
        raise InputError(f"--columns: the file has no column {unknown[0]!r}")
    width = shutil.get_terminal_size().columns if output.isatty() else 100
    return TableWriter(output, header, arguments.columns, width, levels=arguments.levels)


def _shows_progress(output: TextIO) -> bool:
    return sys.stderr.isatty() and not output.isatty()


def _check_output(arguments: Namespace) -> None:
    """Refuses to write over the file that is being read."""
    if arguments.output in (None, "-") or arguments.input == "-":
        return
    paths = (Path(arguments.output), Path(arguments.input))
    if all(path.exists() for path in paths) and paths[0].samefile(paths[1]):
        raise InputError("--output is the input file; name another one")


@contextmanager
def _open_output(name: str | None) -> Iterator[TextIO]:
    if name in (None, "-"):
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        file = Path(str(name)).open("w", encoding="utf-8", newline="")  # noqa: SIM115 - closed below
    except OSError as error:
        raise InputError(f"{name} cannot be written: {error.strerror}") from None
    with file:
        yield file
