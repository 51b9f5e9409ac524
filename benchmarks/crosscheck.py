"""Do our closed loops measure what h2load measures? Both on one server, by turns.

gRPC on a bare grpc.aio echo or on stubtail; HTTP/1.1, which only peers are measured by, on a bare
echo over asyncio.
"""

import argparse
import shutil
from contextlib import AbstractContextManager

from benchmarks.calls import Calls
from benchmarks.client import Client
from benchmarks.errors import H2loadError
from benchmarks.figures import quantile
from benchmarks.h2load import Turn, duel
from benchmarks.http1 import HttpClient
from benchmarks.load import Load
from benchmarks.measure import ClosedLoop
from benchmarks.processes import Server, echo, http_echo
from benchmarks.results import machine
from benchmarks.rows import HTTP_PATH, Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of

_GRPC_LOADS = {"64 in flight": (8, 8), "one at a time": (1, 1)}
_HTTP_LOADS = {"64 in flight": (64, 1), "one at a time": (1, 1)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks crosscheck`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--server", choices=["echo", "stubtail", "http"], default="echo")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the two agree within a tenth."""
    about = machine()
    if shutil.which("h2load") is None:
        raise SystemExit("h2load is missing: apt-get install nghttp2-client")
    http = options.server == "http"
    pool = Pool(Subject(options.models / options.model), "raw" if http else "infer", 1, seed=25)
    loads = _HTTP_LOADS if http else _GRPC_LOADS
    with _server(options) as server:
        found = duel(
            _ours, "ours", server, pool.calls, loads, rounds=options.rounds, seconds=options.seconds
        )
    print(found.show())
    figures = {"server": options.server, "turns": found.turns}
    return finish(f"crosscheck-{options.server}", options, about, found.promises, figures)


def _server(options: argparse.Namespace) -> Server:
    if options.server == "http":
        return http_echo()
    return echo("bytes") if options.server == "echo" else server_of(options)


def _ours(server: Server, calls: Calls, connections: int, streams: int, seconds: float) -> Turn:
    client: AbstractContextManager[ClosedLoop]
    if calls.path == HTTP_PATH:
        client = HttpClient(server.address, calls, connections)
    else:
        client = Client(server.address, calls, connections=connections)
    with client as opened:
        cpu_s = server.cpu_s()
        load: Load = opened.closed(streams=streams, seconds=seconds)
        cpu_s = server.cpu_s() - cpu_s
    if load.failures or load.without_outcome:
        raise H2loadError(f"our own calls failed: {dict(load.failures)}")
    return Turn(
        load.calls_per_s,
        quantile(load.latencies_s, 0.5) * 1e6,
        quantile(load.latencies_s, 0.99) * 1e6,
        cpu_s / load.answered * 1e6,
    )
