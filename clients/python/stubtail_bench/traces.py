"""Recorded arrivals: requests a second (one number a line) and tables of times of requests.

Public ones that fit are described in benchmarks/README.md. A name without a suffix is looked for in
a folder of traces under its known file name.
"""

import csv
import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from stubtail_bench import arrivals
from stubtail_bench.errors import LoadError

KNOWN = {
    "nasa": "nasa_http_rps.tbz2",
    "azure_conversations": "azure_llm_conv.csv.gz",
    "azure_code": "azure_llm_code.csv.gz",
}
_SECONDS_SUFFIXES = (".tbz2", ".tar.bz2", ".txt")
_TIME = re.compile(r"([^.]*?)(\.\d+)?(Z|[+-]\d\d:?\d\d)?")  # to the second, its part, zone


class TraceMissingError(LoadError):
    """The trace is not on this machine."""


def path_of(name: str, folder: Path) -> Path:
    """The file of a trace, named by `KNOWN` or by its path.

    Raises:
        TraceMissingError: There is no such file.
    """
    path = folder / KNOWN[name] if name in KNOWN else Path(name)
    if not path.is_file():
        advice = "; --traces names the folder of known ones" if name in KNOWN else ""
        raise TraceMissingError(f"trace {name!r}: there is no {path}{advice}")
    return path


def replay(
    path: Path,
    seconds: float,
    rng: np.random.Generator,
    *,
    start_s: float = 0.0,
    speed: float = 1.0,
    scale: float = 1.0,
) -> arrivals.Times:
    """A part of a recorded trace as a schedule of `seconds`.

    Args:
        path: Requests a second, or a table whose first column has the time of each request.
        seconds: Of the load; `seconds * speed` of the trace.
        rng: Draws the times within a recorded second, and what is left out or comes twice.
        start_s: Where in the trace to begin, in seconds of the trace.
        speed: How much faster than recorded; this too makes more calls a second.
        scale: How many times the recorded calls.

    Raises:
        LoadError: The file cannot be read, or the trace has nothing there.
    """
    span = seconds * speed
    try:
        if path.name.endswith(_SECONDS_SUFFIXES):
            rates = requests_by_second(path)
            first = int(start_s)
            part = rates[first : first + int(np.ceil(span)) + 1]
            times = arrivals.by_second(part * scale, rng) - (start_s - first)
            times = times[(times >= 0) & (times < span)]
        else:
            recorded = request_times(path)
            inside = (recorded >= start_s) & (recorded < start_s + span)
            times = arrivals.scaled(recorded[inside] - start_s, scale, rng, until_s=span)
    except (ValueError, EOFError, zlib.error, tarfile.TarError) as error:
        raise LoadError(f"{path.name} is no trace: {error}") from error
    if not len(times):
        raise LoadError(f"{path.name} has no request from {start_s:g} s on for {span:g} s")
    return times / speed


def requests_by_second(path: Path) -> arrivals.Times:
    """The numbers of a text file, packed in a tar archive or not; float64 [seconds]."""
    if path.suffix == ".txt":
        text = path.read_text(encoding="ascii")
    else:
        with tarfile.open(path) as archive:
            member = next((one for one in archive.getmembers() if one.isfile()), None)
            packed = archive.extractfile(member) if member is not None else None
            text = packed.read().decode("ascii") if packed is not None else ""
    return np.array(text.split(), np.float64)


def request_times(path: Path) -> arrivals.Times:
    """Seconds from the first request, ascending; of a CSV, gzipped or not, with a head."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        found = np.sort(np.fromiter(_first_column(csv.reader(lines)), np.float64))
    return found - found[0] if len(found) else found


def _first_column(rows: Iterator[list[str]]) -> Iterator[float]:
    next(rows, None)
    for row in rows:
        if row:
            yield _seconds(row[0])


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        # Azure writes seven digits of a second, one more than datetime knows.
        found = _TIME.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no time") from None
        whole, part, zone = found.groups("")
        return datetime.fromisoformat(f"{whole}{zone or '+00:00'}").timestamp() + float(f"0{part}0")
