"""h2load, the measure of our load generators: one run of it, and a duel with one of ours."""

import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.calls import Calls
from benchmarks.errors import H2loadError
from benchmarks.figures import Spread, quantile, table
from benchmarks.processes import Server
from benchmarks.results import Promise
from benchmarks.rows import HTTP_PATH

TOLERANCE = 0.1  # how far the two may be apart
_HEAD = ["load", "calls/s", "server CPU us/call", "p50 us", "p99 us"]
_FIGURES = ("calls_per_s", "cpu_us", "p50_us", "p99_us")
_GRPC_BODY_BYTES_MIN = 6  # a prefix of five bytes and a message; a gRPC error has neither


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of one load generator: calls a second, p50 and p99 in us, server CPU us a call."""

    calls_per_s: float
    p50_us: float
    p99_us: float
    cpu_us: float


Generator = Callable[[Server, Calls, int, int, float], Turn]
"""Loads a server with calls: connections, calls in flight on each, seconds."""


@dataclass(slots=True)
class Duel:
    """What a duel found: promises, the rows of its table, and each pair of turns."""

    promises: list[Promise] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)

    def show(self) -> str:
        """The table."""
        return table(_HEAD, self.rows)


def duel(
    ours: Generator,
    name: str,
    server: Server,
    calls: Calls,
    loads: dict[str, tuple[int, int]],
    *,
    rounds: int,
    seconds: float,
) -> Duel:
    """Our generator and h2load by turns on one server; ratios are taken within each pair.

    Args:
        ours: Ours.
        name: Of ours, in tables.
        server: Running.
        calls: The first of them is sent: h2load sends one body, so ours does the same.
        loads: Connections and calls in flight on each, by title.
        rounds: Pairs of turns for each load.
        seconds: Of each turn.

    Raises:
        H2loadError: h2load did not get the answers that ours gets.
    """
    single = Calls(calls.path, calls.messages[:1])
    found = Duel()
    for title, (connections, streams) in loads.items():
        pairs = []
        for number in range(rounds):
            order = (ours, h2load) if number % 2 == 0 else (h2load, ours)
            pair = {turn: turn(server, single, connections, streams, seconds) for turn in order}
            pairs.append((pair[ours], pair[h2load]))
            mine, theirs = (asdict(turn) for turn in pairs[-1])
            found.turns.append({"load": title, name: mine, "h2load": theirs})
        for who, side in ((name, 0), ("h2load", 1)):
            found.rows.append([f"{title}, {who}", *_show([pair[side] for pair in pairs])])
        for figure in ("calls_per_s", "p50_us"):
            ratios = Spread.of([getattr(a, figure) / getattr(b, figure) for a, b in pairs])
            found.promises.append(
                Promise(
                    f"{title}: {figure}, the larger of the two : the smaller",
                    max(ratios.median, 1 / ratios.median),
                    "at most",
                    1 + TOLERANCE,
                    note=f"{name} : h2load {ratios.show()}",
                )
            )
    return found


def _show(turns: Sequence[Turn]) -> list[str]:
    return [Spread.of([getattr(turn, name) for turn in turns]).show() for name in _FIGURES]


def h2load(server: Server, calls: Calls, connections: int, streams: int, seconds: float) -> Turn:
    """One run of h2load; every reply must be HTTP 200 with as many bytes as ours had.

    Raises:
        H2loadError: A reply was missing or had no message, as a gRPC error has none.
    """
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder, "body"), Path(folder, "log")
        message = calls.messages[0]
        command = ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds * 1e3:.0f}ms"]
        command += ["-d", str(body), f"--log-file={log}"]
        if calls.path == HTTP_PATH:
            body.write_bytes(message)
            command += ["--h1", "-H", "content-type: application/octet-stream"]
        else:
            body.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
            command += ["-H", "te: trailers", "-H", "content-type: application/grpc"]
        command.append(f"http://{server.address}{calls.path}")
        cpu_s = server.cpu_s()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        cpu_s = server.cpu_s() - cpu_s
        if done.returncode or not log.exists():
            raise H2loadError(f"h2load ended with {done.returncode}: {done.stderr[-500:]}")
        lines = [line.split("\t") for line in log.read_text().splitlines()]
    data = re.search(r"\((\d+)\) data", done.stdout)
    answered = [(int(begun), int(took)) for begun, status, took in lines if status == "200"]
    least = 1 if calls.path == HTTP_PATH else _GRPC_BODY_BYTES_MIN
    if not answered or data is None or int(data[1]) < len(answered) * least:
        raise H2loadError(f"h2load got no messages back: {done.stdout[-500:]}")
    span_s = (max(begun + took for begun, took in answered) - answered[0][0]) / 1e6
    took_us = [took for _, took in answered]
    return Turn(
        len(answered) / span_s,
        quantile(took_us, 0.5),
        quantile(took_us, 0.99),
        cpu_s / len(answered) * 1e6,
    )
