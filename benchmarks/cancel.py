"""Do callers who give up cost the others anything? Every third call is cancelled on its way."""

import argparse
from math import nan

from benchmarks.checks import check_server
from benchmarks.client import Client
from benchmarks.figures import quantile
from benchmarks.load import Cancels, Load
from benchmarks.processes import Server
from benchmarks.results import Promise, machine
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of

_CONNECTIONS, _STREAMS = 8, 8
_EVERY = 3
_STOP_S = 2.0  # far less than the grace that open calls get
_SAMPLES = 200  # of the server's memory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks cancel`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--calls", type=int, default=100_000, help="sent in all")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when the promise was kept."""
    about = machine()
    subject = Subject(options.models / options.model)
    pool = Pool(subject, "infer", 1, seed=22)
    with server_of(options) as server:
        check_server(server.address, pool, "scores", seed=1)
        with Client(server.address, pool.calls, connections=_CONNECTIONS) as client:
            warm = client.closed(streams=_STREAMS, count=max(1, options.calls // 5))
            # A cancel comes anywhere between the request's first byte and a little after the usual
            # reply, so that it meets the call on the wire, in the queue, in the run and too late.
            within_s = 1.2 * quantile(warm.latencies_s, 0.5)
            memory = _Memory(server, options.calls)
            load = client.closed(
                streams=_STREAMS,
                count=options.calls,
                cancels=Cancels(_EVERY, within_s),
                watch=memory.watch,
            )
            check_server(server.address, pool, "scores", seed=2)
        # A call that the server still believed in would hold up its drain for the whole grace.
        stop_s, status = server.stop()
    pool.check(load.samples)
    print(
        f"  {load.issued:,} calls in {load.seconds:.1f} s: {load.answered:,} answered, "
        f"{load.cancelled:,} cancelled, {load.failures.total():,} failed; "
        f"{load.goaways} connections closed by the server, {load.retried} calls sent again"
    )
    if load.failures:
        print(f"  failures: {dict(load.failures.most_common(3))}")
    promises = _promises(options.calls, load, memory.growth(), stop_s if status == 0 else nan)
    figures = {
        "calls": load.issued,
        "answered": load.answered,
        "cancelled": load.cancelled,
        "failures": dict(load.failures),
        "connections_closed": load.goaways,
        "calls_sent_again": load.retried,
        "rss_mb": [round(one / 1e6, 2) for one in memory.samples],
    }
    return finish("cancel", options, about, promises, figures)


def _promises(calls: int, load: Load, growth: float, stop_s: float) -> list[Promise]:
    """What is promised of `calls` calls; `stop_s` is NaN when the server did not exit with 0."""
    return [
        Promise(
            "calls without an outcome, or failed because others were cancelled",
            load.failures.total() + load.without_outcome,
            "at most",
            0,
            "",
        ),
        Promise(
            "time to drain and stop afterwards",
            stop_s,
            "at most",
            _STOP_S,
            " s",
            "an open call would hold it up",
        ),
        Promise("RSS of the second half : first half", 1 + growth, "at most", 1.02),
        Promise(
            "calls cancelled before their answer",
            load.cancelled,
            "at least",
            calls // _EVERY // 4,
            "",
            "fewer would not test much",
        ),
    ]


class _Memory:
    """The server's resident memory at even steps through a load."""

    def __init__(self, server: Server, calls: int) -> None:
        self._server = server
        self._step = max(1, calls // _SAMPLES)
        self._next = 0
        self.samples: list[int] = []

    def watch(self, load: Load) -> None:
        """Samples when the next step is reached."""
        if load.issued >= self._next:
            self._next += self._step
            self.samples.append(self._server.own_rss_bytes())

    def growth(self) -> float:
        """Median of the second half over that of the first, minus 1."""
        half = len(self.samples) // 2
        first, second = self.samples[:half], self.samples[half:]
        return quantile(second, 0.5) / quantile(first, 0.5) - 1
