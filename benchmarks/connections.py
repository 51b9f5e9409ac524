"""Are a thousand clients at once all served? Each has its own connection and a call in flight."""

import argparse
import resource
import time
from collections.abc import Callable

from benchmarks.checks import check_server
from benchmarks.client import Client
from benchmarks.figures import quantile
from benchmarks.results import Promise, machine
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of

_SPARE_DESCRIPTORS = 200
_CLOSING_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks connections`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the promise was kept."""
    about = machine()
    allow_descriptors(options.connections + _SPARE_DESCRIPTORS)
    subject = Subject(options.models / options.model)
    pool = Pool(subject, "infer", 1, seed=23)
    with server_of(options) as server:
        before = server.descriptors()
        begun = time.perf_counter()
        with Client(server.address, pool.calls, connections=options.connections) as client:
            connected_s = time.perf_counter() - begun
            load = client.closed(streams=1, seconds=options.seconds)
            open_now = server.connections()
            rss_mb = server.rss_bytes() / 1e6
        left = _descriptors_left(server.descriptors, before)
        check_server(server.address, pool, "scores", seed=2)
    pool.check(load.samples)
    print(
        f"  {options.connections:,} connections in {connected_s:.2f} s; {load.answered:,} calls "
        f"answered at {load.calls_per_s:,.0f} calls/s, p50 "
        f"{quantile(load.latencies_s, 0.5) * 1e3:.1f} ms, p99 "
        f"{quantile(load.latencies_s, 0.99) * 1e3:.1f} ms; RSS {rss_mb:.0f} MB"
    )
    lost = load.failures.total() + load.without_outcome + load.goaways
    promises = [
        Promise("calls failed or lost", lost, "at most", 0, ""),
        Promise("connections open at once", open_now, "at least", options.connections, ""),
        Promise("descriptors still open after they left", left, "at most", 0, ""),
    ]
    figures = {
        "connections": options.connections,
        "calls": load.answered,
        "calls_per_s": round(load.calls_per_s, 1),
        "p50_us": round(quantile(load.latencies_s, 0.5) * 1e6, 1),
        "p99_us": round(quantile(load.latencies_s, 0.99) * 1e6, 1),
        "rss_mb": round(rss_mb, 1),
        "failures": dict(load.failures),
    }
    return finish("connections", options, about, promises, figures)


def _descriptors_left(count: Callable[[], int], before: int) -> int:
    """How many more descriptors than `before` are open once the server has had time to close."""
    deadline = time.monotonic() + _CLOSING_S
    while (left := count() - before) > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    return max(0, left)


def allow_descriptors(count: int) -> None:
    """Raises this process's limit, which its servers inherit, as far as it may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
