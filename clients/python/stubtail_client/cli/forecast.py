"""The command `forecast`: a CSV file of values by time, forecast, as a table, CSV or a plot."""

import csv
import io
import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stubtail_client.cli.csv_rows import InputError
from stubtail_client.cli.forecast_plot import draw
from stubtail_client.client import Client
from stubtail_client.forecasting import Given
from stubtail_client.forecasts import Forecast

ROWS_MAX = 1_000_000  # what a server takes in one call
SHOWN = 24  # steps in the table of a terminal


def forecast_file(client: Client, arguments: Namespace) -> list[str]:
    """Forecasts one column of a file; the lines to print.

    Raises:
        InputError: the file is not as expected.
        StubtailError: the server refuses.
    """
    given = read_series(arguments.input, arguments.value, arguments.time)
    series = _Series(given) if given.times is not None else given.values
    result = client.forecast(
        series,
        arguments.horizon,
        model=arguments.model,
        levels=tuple(arguments.levels),
        frequency=arguments.frequency,
        season_lengths=tuple(arguments.season),
        non_negative=arguments.non_negative,
        integer=arguments.integer,
        timeout=max(arguments.timeout, 10.0),
    )[0]
    if arguments.plot:
        draw(given, result, Path(arguments.plot))
    if arguments.output:
        _write(result, arguments.output)
    if arguments.json:
        return [json.dumps(_document(result))]
    lines = [] if arguments.output == "-" else _table(result)
    if arguments.plot:
        lines.append(f"plot: {arguments.plot}")
    return lines


class _Series:
    """Values with times, in the form that `Client.forecast` knows from pandas."""

    def __init__(self, given: Given) -> None:
        self.index = given.times
        self.name = given.id
        self._values = given.values

    def to_numpy(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The values."""
        return self._values


def read_series(path: str, value: str | None, time: str | None) -> Given:
    """One column of numbers and, where there is one, the column of its times.

    Without names the first column whose cells are dates is the time, and the last one whose cells
    are numbers is the value. An empty cell is a missing value.

    Args:
        path: a CSV file with a line of names; - reads stdin.
        value: the column of numbers.
        time: the column of times.

    Raises:
        InputError: there is no such file or column, or a cell is no number.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if len(rows) < 2:
        raise InputError(f"{path}: expected a line of names and lines of values")
    names, body = rows[0], rows[1 : ROWS_MAX + 1]
    for number, row in enumerate(body, start=2):
        if len(row) != len(names):
            raise InputError(f"{path}, line {number}: {len(row)} cells instead of {len(names)}")
    columns = {name: [row[at].strip() for row in body] for at, name in enumerate(names)}
    for name in (value, time):
        if name is not None and name not in columns:
            raise InputError(f"{path}: no column {name}; there is {', '.join(names)}")
    time = time or next((name for name in names if _is_time(columns[name])), None)
    value = value or next(
        (name for name in reversed(names) if name != time and _is_number(columns[name])), None
    )
    if value is None:
        raise InputError(f"{path}: no column of numbers; name one with --value")
    numbers = _numbers(path, value, columns[value])
    return Given(value, numbers, _times(path, time, columns[time]) if time else None)


def _numbers(
    path: str, name: str, cells: Sequence[str]
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    found = np.full(len(cells), np.nan)
    for at, cell in enumerate(cells):
        try:
            found[at] = float(cell) if cell else np.nan
        except ValueError:
            raise InputError(f"{path}, line {at + 2}: {name} is {cell!r}, no number") from None
    return found


def _times(
    path: str, name: str, cells: Sequence[str]
) -> "np.ndarray[tuple[int], np.dtype[np.datetime64]]":
    for at, cell in enumerate(cells):
        if not _is_time([cell]):
            raise InputError(f"{path}, line {at + 2}: {name} is {cell!r}, no time")
    return np.array([cell.removesuffix("Z") for cell in cells], "datetime64[ms]")


def _is_time(cells: Sequence[str]) -> bool:
    try:
        np.datetime64(cells[0].removesuffix("Z"), "ms")
    except ValueError:
        return False
    return "-" in cells[0][1:]  # a year alone could be any number


def _is_number(cells: Sequence[str]) -> bool:
    try:
        float(cells[0] or "nan")
    except ValueError:
        return False
    return True


def _rows(result: Forecast) -> list[list[str]]:
    when = [str(at + 1) for at in range(result.horizon)]
    if result.times is not None:
        when = [str(time.astype("datetime64[s]")).replace("T00:00:00", "") for time in result.times]
    columns = [result.point, *result.quantiles.values()]
    return [[time, *(f"{column[at]:.6g}" for column in columns)] for at, time in enumerate(when)]


def _header(result: Forecast) -> list[str]:
    return ["step", "forecast", *(f"q{level:g}" for level in result.quantiles)]


def _table(result: Forecast) -> list[str]:
    rows = [_header(result), *_rows(result)[:SHOWN]]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    if result.horizon > SHOWN:
        lines.append(f"and {result.horizon - SHOWN} more steps; --output FILE writes all of them")
    lengths = ", ".join(f"{length:g}" for length in result.season_lengths)
    seasons = f"{lengths} steps" if lengths else "none"
    low, high = result.slope_interval
    lines += [
        f"model: {result.model}: {result.reason}",
        f"seasons: {seasons}; trend: {result.slope:.4g} a step ({low:.4g} to {high:.4g})",
    ]
    return lines + [f"note: {note}" for note in result.notes]


def _write(result: Forecast, path: str) -> None:
    rows = [_header(result), *_rows(result)]
    if path == "-":
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return
    try:
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    except OSError as error:
        raise InputError(f"{path}: {error}") from None


def _document(result: Forecast) -> dict[str, object]:
    return {
        "id": result.id,
        "model": result.model,
        "reason": result.reason,
        "times": None if result.times is None else [str(time) for time in result.times],
        "forecast": result.point.tolist(),
        "quantiles": {f"{level:g}": v.tolist() for level, v in result.quantiles.items()},
        "season_lengths": result.season_lengths,
        "slope": result.slope,
        "notes": result.notes,
    }
