"""Does our load generator measure what h2load measures? Both on one server, by turns."""

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.calls import Calls
from benchmarks.client import Client
from benchmarks.errors import H2loadError
from benchmarks.figures import Spread, quantile, table
from benchmarks.processes import Server, echo
from benchmarks.results import Promise, machine
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of

_LOADS = {"64 in flight": (8, 8), "one at a time": (1, 1)}
_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of one load generator: calls a second, p50 and p99 in us, server CPU us a call."""

    calls_per_s: float
    p50_us: float
    p99_us: float
    cpu_us: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks crosscheck`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--server", choices=["echo", "stubtail"], default="echo")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the two agree within a tenth."""
    about = machine()
    if shutil.which("h2load") is None:
        raise SystemExit("h2load is missing: apt-get install nghttp2-client")
    pool = Pool(Subject(options.models / options.model), "infer", 1, seed=25)
    # h2load sends one body, so here ours does the same.
    single = Calls(pool.calls.path, pool.calls.messages[:1])
    promises, rows = [], []
    turns: list[dict[str, object]] = []
    with echo("bytes") if options.server == "echo" else server_of(options) as server:
        for title, (connections, streams) in _LOADS.items():
            pairs = []
            for number in range(options.rounds):
                order = (_ours, h2load) if number % 2 == 0 else (h2load, _ours)
                pair = {
                    turn: turn(server, single, connections, streams, options.seconds)
                    for turn in order
                }
                pairs.append((pair[_ours], pair[h2load]))
                turns.append(
                    {"load": title, "ours": asdict(pair[_ours]), "h2load": asdict(pair[h2load])}
                )
            for name, side in (("ours", 0), ("h2load", 1)):
                rows.append([f"{title}, {name}", *_show([pair[side] for pair in pairs])])
            for figure in ("calls_per_s", "p50_us"):
                ratios = Spread.of([getattr(a, figure) / getattr(b, figure) for a, b in pairs])
                promises.append(
                    Promise(
                        f"{title}: {figure}, the larger of the two : the smaller",
                        max(ratios.median, 1 / ratios.median),
                        "at most",
                        1 + _TOLERANCE,
                        note=f"ours : h2load {ratios.show()}",
                    )
                )
    print(table(["load", "calls/s", "server CPU us/call", "p50 us", "p99 us"], rows))
    return finish(
        f"crosscheck-{options.server}",
        options,
        about,
        promises,
        {"server": options.server, "turns": turns},
    )


def _show(turns: Sequence[Turn]) -> list[str]:
    return [
        Spread.of([getattr(turn, name) for turn in turns]).show()
        for name in ("calls_per_s", "cpu_us", "p50_us", "p99_us")
    ]


def _ours(server: Server, calls: Calls, connections: int, streams: int, seconds: float) -> Turn:
    with Client(server.address, calls, connections=connections) as client:
        cpu_s = server.cpu_s()
        load = client.closed(streams=streams, seconds=seconds)
        cpu_s = server.cpu_s() - cpu_s
    if load.failures or load.without_outcome:
        raise H2loadError(f"our own calls failed: {dict(load.failures)}")
    return Turn(
        load.calls_per_s,
        quantile(load.latencies_s, 0.5) * 1e6,
        quantile(load.latencies_s, 0.99) * 1e6,
        cpu_s / load.answered * 1e6,
    )


def h2load(server: Server, calls: Calls, connections: int, streams: int, seconds: float) -> Turn:
    """One run of h2load; every reply must be HTTP 200 with as many bytes as ours had.

    Raises:
        H2loadError: A reply was missing or had no message, as a gRPC error has none.
    """
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder, "body"), Path(folder, "log")
        message = calls.messages[0]
        body.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
        command = ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds * 1e3:.0f}ms"]
        command += ["-d", str(body), f"--log-file={log}", "-H", "te: trailers"]
        command += ["-H", "content-type: application/grpc", f"http://{server.address}{calls.path}"]
        cpu_s = server.cpu_s()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        cpu_s = server.cpu_s() - cpu_s
        if done.returncode or not log.exists():
            raise H2loadError(f"h2load ended with {done.returncode}: {done.stderr[-500:]}")
        lines = [line.split("\t") for line in log.read_text().splitlines()]
    data = re.search(r"\((\d+)\) data", done.stdout)
    answered = [(int(begun), int(took)) for begun, status, took in lines if status == "200"]
    if not answered or data is None or int(data[1]) < len(answered) * 6:
        raise H2loadError(f"h2load got no messages back: {done.stdout[-500:]}")
    span_s = (max(begun + took for begun, took in answered) - answered[0][0]) / 1e6
    took_us = [took for _, took in answered]
    return Turn(
        len(answered) / span_s,
        quantile(took_us, 0.5),
        quantile(took_us, 0.99),
        cpu_s / len(answered) * 1e6,
    )
