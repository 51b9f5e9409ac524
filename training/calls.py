"""How long a call to a shipped model takes: a real server, a real client, one row at a time."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stubtail_client import Client
from training.records import Record

Rows = npt.NDArray[np.float32]

CALLS: Final = 200
ROUNDS: Final = 3  # of so many calls each; the quietest counts, as others may use the machine
WARM_UP: Final = 100
TIMEOUT_S: Final = 60.0
_READY: Final = re.compile(r"ready on (\S+:\d+)")


def p50_us(models: Path, records: Sequence[Record], calls: int = CALLS) -> dict[str, float]:
    """The median time of a call with one row, in microseconds, by the name of the model.

    The calls come one after the other, each with another row than the last, from this process over
    a socket to `stubtail serve` in a process of its own. Of three rounds, the quietest counts.
    Models without rows are left out.

    Raises:
        RuntimeError: the server does not start.
    """
    found = {}
    with _server(models) as address, Client(address, timeout=TIMEOUT_S) as client:
        for record in records:
            rows = _rows(record.document)
            if rows is not None:
                found[record.name] = _median_us(client, record.name, rows, calls)
    return found


def _rows(document: Mapping[str, Any]) -> Rows | None:
    """Rows that the model may be asked about, [rows, features]; None where none are known.

    Those are the background of its explanations, or else quantiles of the training rows: all
    features low, all a little higher, and so on.
    """
    rows = document.get("explanation", {}).get("background")
    if rows is not None:
        return np.array([[np.nan if v is None else v for v in row] for row in rows], np.float32)
    seen = document.get("statistics", {}).get("features", {})
    columns = [
        list(seen.get(feature["name"], {}).get("quantiles", {}).values())
        for feature in document.get("features", [])
    ]
    return np.array(columns, np.float32).T if columns and all(columns) else None


def _median_us(client: Client, name: str, rows: Rows, calls: int) -> float:
    """The least median of all rounds."""
    return min(_round_us(client, name, rows, calls) for _ in range(ROUNDS))


def _round_us(client: Client, name: str, rows: Rows, calls: int) -> float:
    times = []
    for index in range(WARM_UP + calls):
        row = rows[index % len(rows)]
        started = time.perf_counter()
        client.score(name, row)
        times.append(time.perf_counter() - started)
    return median(times[WARM_UP:]) * 1e6


@contextmanager
def _server(models: Path) -> Iterator[str]:
    """The address of a server of these models, which ends with the block."""
    command = [sys.executable, "-m", "stubtail", "serve", "--models", str(models)]
    process = subprocess.Popen(  # noqa: S603 - our own server
        [*command, "--port", "0", "--http-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)


def _address(process: subprocess.Popen[str]) -> str:
    """What the ready line of the server says."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        if found := _READY.search(line):
            return found[1]
    raise RuntimeError(f"stubtail serve did not start: {''.join(said[-5:]).strip()}")
