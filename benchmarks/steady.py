"""Is the server after ten million calls what it was at first? Memory, speed, and a leak that shows.

Callers have little patience, so that refusals and time-outs go on all the time: queues that fill
and expire are where servers have been seen to slow down over minutes.
"""

import argparse
import sys
from dataclasses import dataclass

from benchmarks.calls import Calls
from benchmarks.checks import check_server
from benchmarks.client import Client
from benchmarks.figures import quantile
from benchmarks.processes import Server
from benchmarks.results import Promise, machine
from benchmarks.rows import Pool, Subject
from benchmarks.scenario import add_common, add_transport, finish, server_of

_CONNECTIONS, _STREAMS = 8, 8
_SLICES = 40
_ENDS = 4  # slices at either end that are compared
_LEAK_BYTES = 64
_LEAK_PART = 0.1  # of the calls, to the leaking server


@dataclass(frozen=True, slots=True)
class _Slice:
    """One part of a run."""

    begun_s: float
    answered_per_s: float
    cpu_us: float
    answered: int
    ended_otherwise: int
    rss_mb: float

    def show(self) -> str:
        return (
            f"  {self.begun_s:6.0f} s  {self.answered_per_s:8,.0f} answers/s"
            f"  {self.cpu_us:5.1f} us CPU  {self.ended_otherwise:6,} not answered"
            f"  RSS {self.rss_mb:.1f} MB"
        )

    def document(self) -> dict[str, float]:
        return {
            "begun_s": round(self.begun_s, 1),
            "answered_per_s": round(self.answered_per_s),
            "cpu_us_a_call": round(self.cpu_us, 2),
            "answered": self.answered,
            "not_answered": self.ended_otherwise,
            "rss_mb": round(self.rss_mb, 2),
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m benchmarks steady`."""
    add_common(parser)
    add_transport(parser)
    parser.add_argument("--calls", type=int, default=10_000_000, help="in all")
    parser.add_argument("--deadline-ms", type=float, default=3.0, help="of each call")


def run(options: argparse.Namespace) -> int:
    """Measures, prints and saves; 0 when every promise was kept."""
    about = machine()
    pool = Pool(Subject(options.models / options.model), "infer", 1, seed=23)
    with server_of(options) as server:
        slices = _load(server, pool, options.calls, options.deadline_ms)
    leaky = Server(
        [
            *(sys.executable, "-m", "benchmarks.servers.leaky", str(_LEAK_BYTES), "serve"),
            *("--port", "0", "--http-port", "0", "--models", str(options.models)),
            *("--transport", options.transport),
        ]
    )
    print(f"the control: a server that keeps {_LEAK_BYTES} bytes of each call")
    with leaky:
        leaking = _load(leaky, pool, round(options.calls * _LEAK_PART), options.deadline_ms)
    promises = _promises(slices, leaking)
    figures = {
        "deadline_ms": options.deadline_ms,
        "slices": [one.document() for one in slices],
        "leaking": [one.document() for one in leaking],
    }
    return finish("steady", options, about, promises, figures)


def _load(server: Server, pool: Pool, calls: int, deadline_ms: float) -> list[_Slice]:
    """A closed loop in slices, after a warm-up of one slice that does not count."""
    check_server(server.address, pool, "scores", seed=1)
    timeout = ("grpc-timeout", f"{deadline_ms * 1e3:.0f}u")
    hurried = Calls(pool.calls.path, pool.calls.messages, extra=[timeout])
    count = max(calls // _SLICES, _CONNECTIONS * _STREAMS)
    slices: list[_Slice] = []
    begun_s = 0.0
    with Client(server.address, hurried, connections=_CONNECTIONS) as client:
        client.closed(streams=_STREAMS, count=count)
        for _ in range(_SLICES):
            cpu_s = server.cpu_s()
            load = client.closed(streams=_STREAMS, count=count)
            cpu_s = server.cpu_s() - cpu_s
            pool.check(load.samples)
            one = _Slice(
                begun_s,
                load.calls_per_s,  # refusals are quick: counted, they would hide a slower server
                cpu_s / load.issued * 1e6,
                load.answered,
                load.failures.total() + load.without_outcome,
                server.own_rss_bytes() / 1e6,
            )
            print(one.show(), flush=True)
            slices.append(one)
            begun_s += load.seconds
    return slices


def _promises(slices: list[_Slice], leaking: list[_Slice]) -> list[Promise]:
    first, last = slices[:_ENDS], slices[-_ENDS:]
    grown = _growth(slices)
    return [
        Promise(
            "answers/s of the last tenth : of the first tenth",
            _median([one.answered_per_s for one in last])
            / _median([one.answered_per_s for one in first]),
            "at least",
            0.97,
        ),
        Promise(
            "CPU a call of the last tenth : of the first tenth",
            _median([one.cpu_us for one in last]) / _median([one.cpu_us for one in first]),
            "at most",
            1.03,
        ),
        Promise(
            "RSS of the second half : first half",
            grown,
            "at most",
            1.02,
            note=f"{sum(one.answered + one.ended_otherwise for one in slices):,} calls",
        ),
        Promise(
            "the same of a server with a leak, which must show",
            _growth(leaking),
            "at least",
            1.02,
            note=f"{_LEAK_BYTES} bytes a call",
        ),
    ]


def _growth(slices: list[_Slice]) -> float:
    half = len(slices) // 2
    first, second = slices[:half], slices[half:]
    return _median([one.rss_mb for one in second]) / _median([one.rss_mb for one in first])


def _median(values: list[float]) -> float:
    return quantile(values, 0.5)
