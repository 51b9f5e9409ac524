"""The command `detect`: what is unusual in the columns of a CSV file, or in its rows by a model."""

import argparse
import csv
import dataclasses
import json
from argparse import Namespace
from datetime import datetime
from typing import Any

import numpy as np

from stubtail_client.cli import tables
from stubtail_client.cli.csv_rows import NO_NUMBER, CsvRows, InputError, open_input
from stubtail_client.client import Client
from stubtail_client.detect_answers import RowAnomalies, SeriesAnomalies

DRIVERS_SHOWN = 3
_EPILOG = """\
Without --model each column of numbers is a series, from the first line to the last; a column of
times (--time) gives the time of each line. With --model each line is a row for that model.

examples:
  what is unusual in a metric, no training:
    {program} detect --input cpu.csv --time timestamp
  two columns as one incident with likely causes:
    {program} detect --input services.csv --time timestamp --group
  unusual customers, by a model of kind anomaly, and why:
    {program} detect --model anomaly --input customers.csv

{exit_codes}"""


def add_detect(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    common: argparse.ArgumentParser,
    program: str,
    exit_codes: str,
) -> None:
    """Adds the command to the parser."""
    detect = commands.add_parser(
        "detect",
        parents=[common],
        help="find what is unusual in a CSV file",
        description="Find what is unusual in the columns or in the rows of a CSV file.",
        epilog=_EPILOG.format(program=program, exit_codes=exit_codes),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    detect.add_argument("--input", required=True, metavar="FILE", help="a CSV file; - reads stdin")
    detect.add_argument("--model", metavar="NAME", help="judge rows by this model")
    detect.add_argument("--time", metavar="COLUMN", help="the column of times, ISO 8601 or seconds")
    detect.add_argument(
        "--rate",
        type=float,
        default=None,
        metavar="SHARE",
        help="the share of usual points or rows that is flagged all the same (default: 0.001)",
    )
    detect.add_argument(
        "--season", type=int, default=0, metavar="POINTS", help="season length (default: found)"
    )
    detect.add_argument("--group", action="store_true", help="the columns belong together")
    detect.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    detect.add_argument("--delimiter", default=",", help="between two cells (default: a comma)")


def detect_file(client: Client, arguments: Namespace) -> list[str]:
    """Judges the file; the lines to print.

    Raises:
        InputError: the file does not fit.
        StubtailError: the call failed.
    """
    if arguments.model is not None:
        return _rows(client, arguments)
    series, times = _columns(arguments)
    sent: dict[str, Any] = (
        series
        if times is None
        else {name: _Timed(values, times) for name, values in series.items()}
    )
    found = client.detect_series(
        sent, false_alarm_rate=arguments.rate, season=arguments.season, group=arguments.group
    )
    if arguments.json:
        return [json.dumps(_document(found))]
    return _series_page(found)


def _rows(client: Client, arguments: Namespace) -> list[str]:
    model = client.model(arguments.model)
    top = min(DRIVERS_SHOWN, len(model.features))
    found: list[tuple[int, RowAnomalies]] = []
    with open_input(arguments.input) as file:
        rows = CsvRows(file, arguments.input, arguments.delimiter, model)
        for chunk in rows.chunks(None):
            answer = client.detect(
                f"{model.name}@{model.version}",
                chunk.rows,
                false_alarm_rate=arguments.rate,
                top=top,
            )
            found.append((chunk.start, answer))
    if arguments.json:
        return [
            json.dumps(
                {
                    "row": start + at,
                    "score": round(float(answer.scores[at]), 6),
                    "p_value": float(answer.p_values[at]),
                    "severity": str(answer.severities[at]),
                    "flagged": bool(answer.flagged[at]),
                    "drivers": [dataclasses.asdict(one) for one in answer.drivers[at]],
                }
            )
            for start, answer in found
            for at in range(len(answer))
        ]
    return _rows_page(found)


def _rows_page(found: list[tuple[int, RowAnomalies]]) -> list[str]:
    """The flagged rows with their drivers, and how many there were."""
    total = sum(len(answer) for _, answer in found)
    cells = []
    for start, answer in found:
        for at in np.flatnonzero(answer.flagged).tolist():
            reasons = "; ".join(
                f"{one.feature} {one.value:g} (expected {one.lower:.4g} to {one.upper:.4g})"
                for one in answer.drivers[at]
            )
            severity = str(answer.severities[at])
            cells.append([str(start + at), severity, f"{answer.p_values[at]:.1e}", reasons])
    head = f"{len(cells)} of {total:,} rows are flagged"
    if not cells:
        return [head]
    return [head, *tables.table(["row", "severity", "p-value", "drivers"], cells)]


def _series_page(found: SeriesAnomalies) -> list[str]:
    cells = []
    for one in found.series:
        for anomaly in one.anomalies:
            when = "" if anomaly.timestamp is None else _shown(anomaly.timestamp)
            span = str(anomaly.start)
            if anomaly.end > anomaly.start + 1:
                span = f"{anomaly.start}-{anomaly.end - 1}"
            cells.append(
                [
                    one.name, span, when, str(anomaly.kind), str(anomaly.severity),
                    f"{anomaly.value:.6g}", f"{anomaly.lower:.6g} to {anomaly.upper:.6g}",
                ]
            )  # fmt: skip
    names = ["series", "points", "time", "kind", "severity", "value", "expected"]
    lines = tables.table(names, cells) if cells else ["nothing unusual"]
    for incident in found.incidents:
        likely = ", ".join(f"{one.component} {one.weight:.0%}" for one in incident.causes[:3])
        lines.append(
            f"incident at points {incident.start}-{incident.end - 1}, {incident.severity}, "
            f"in {incident.series_count} series; likely causes: {likely}"
        )
    return lines


def _document(found: SeriesAnomalies) -> dict[str, Any]:
    return {
        "series": [
            {
                "name": one.name,
                "season_length": one.season_length,
                "anomalies": [dataclasses.asdict(anomaly) for anomaly in one.anomalies],
            }
            for one in found.series
        ],
        "incidents": [dataclasses.asdict(one) for one in found.incidents],
    }


class _Timed:
    """Values with an index of times, in the form that the client reads of a pandas Series."""

    def __init__(self, values: list[float], times: Any) -> None:
        self._values = np.array(values)
        self.index = times

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """The values, as numpy asks for them."""
        return np.array(self._values, dtype)


class _Times:
    """Times as the client reads them of a DatetimeIndex."""

    def __init__(self, stamps: Any) -> None:
        self._stamps = stamps
        self.dtype = stamps.dtype

    def to_numpy(self) -> Any:
        """The times, datetime64."""
        return self._stamps


def _columns(arguments: Namespace) -> tuple[dict[str, list[float]], Any]:
    """The columns of numbers by name, and the times."""
    name = arguments.input
    with open_input(name) as file:
        lines = [line for line in csv.reader(file, delimiter=arguments.delimiter) if line]
    if len(lines) < 2:
        raise InputError(f"{name} has no line of values below the names of its columns")
    header = [cell.strip() for cell in lines[0]]
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(header):
            raise InputError(f"{name}, line {number}: {len(line)} cells, {len(header)} columns")
    if arguments.time is not None and arguments.time not in header:
        raise InputError(f"{name} has no column {arguments.time!r}, only {', '.join(header)}")
    columns = dict(zip(header, map(list, zip(*lines[1:], strict=True)), strict=True))
    times = None
    if arguments.time is not None:
        times = _Times(_stamps(name, arguments.time, columns.pop(arguments.time)))
    series = {column: values for column, cells in columns.items() if (values := _numbers(cells))}
    if not series:
        raise InputError(f"{name} has no column of numbers")
    return series, times


def _numbers(cells: list[str]) -> list[float]:
    """The numbers of a column; empty where it has another cell."""
    numbers = []
    for cell in cells:
        try:
            numbers.append(float(cell))
        except ValueError:
            if cell.strip().lower() not in NO_NUMBER:
                return []
            numbers.append(np.nan)
    return numbers


def _stamps(name: str, column: str, cells: list[str]) -> Any:
    stamps = []
    for number, cell in enumerate(cells, start=2):
        try:
            seconds = float(cell) if _is_number(cell) else _seconds(cell)
        except ValueError:
            raise InputError(
                f"{name}, line {number}, column {column}: {cell!r} is no time"
            ) from None
        stamps.append(round(seconds * 1e9))
    return np.array(stamps, "datetime64[ns]")


def _seconds(text: str) -> float:
    """Seconds since 1970; a time without a zone is UTC, on every machine."""
    return float(np.datetime64(datetime.fromisoformat(text.strip()), "us").astype(np.int64)) / 1e6


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdigit()


def _shown(seconds: float) -> str:
    return str(np.datetime64(round(seconds), "s"))
