"""Is the server after ten million calls what it was at first? Memory, speed, and a leak that shows.

Callers have little patience, so that refusals and time-outs go on all the time: queues that fill
and expire are where servers have been seen to slow down over minutes.

A machine that others share drifts by more than such a server would. So there is a second one, which
hardly does anything: at the begin and at the end both take turns, and their ratio is compared.
"""

import argparse
import sys
from contextlib import ExitStack
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
_TURNS = 30  # of each of the two servers, at the begin and at the end
_TURN_S = 0.7
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
    with server_of(options) as server, server_of(options) as rested:
        both = (server, rested)
        begin = _beside(both, pool, options.deadline_ms)
        slices = _load(server, pool, options.calls, options.deadline_ms)
        end = _beside(both, pool, options.deadline_ms)
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
    promises = [*_same(begin, end), *_promises(slices, leaking)]
    figures = {
        "deadline_ms": options.deadline_ms,
        "beside a rested server": {
            name: {"answers_per_s": round(found.answers, 4), "cpu_us": round(found.cpu, 4)}
            for name, found in (("begin", begin), ("end", end))
        },
        "slices": [one.document() for one in slices],
        "leaking": [one.document() for one in leaking],
    }
    return finish("steady", options, about, promises, figures)


def _load(server: Server, pool: Pool, calls: int, deadline_ms: float) -> list[_Slice]:
    """A closed loop in slices, after a warm-up of one slice that does not count."""
    check_server(server.address, pool, "scores", seed=1)
    hurried = _hurried(pool, deadline_ms)
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


@dataclass(frozen=True, slots=True)
class _Ratios:
    """A server's figures to those of the rested one: medians of their turns."""

    answers: float
    cpu: float


def _beside(both: tuple[Server, Server], pool: Pool, deadline_ms: float) -> _Ratios:
    """Both servers in short turns, which a slower moment of the machine meets alike."""
    hurried = _hurried(pool, deadline_ms)
    answers, cpu = [], []
    with ExitStack() as stack:
        clients = [
            stack.enter_context(Client(one.address, hurried, connections=_CONNECTIONS))
            for one in both
        ]
        for client in clients:
            client.closed(streams=_STREAMS, seconds=_TURN_S)
        for turn in range(_TURNS):
            found: dict[int, tuple[float, float]] = {}
            for index in (0, 1) if turn % 2 else (1, 0):
                cpu_s = both[index].cpu_s()
                load = clients[index].closed(streams=_STREAMS, seconds=_TURN_S)
                found[index] = (load.calls_per_s, (both[index].cpu_s() - cpu_s) / load.issued)
            answers.append(found[0][0] / found[1][0])
            cpu.append(found[0][1] / found[1][1])
    return _Ratios(_median(answers), _median(cpu))


def _hurried(pool: Pool, deadline_ms: float) -> Calls:
    timeout = ("grpc-timeout", f"{deadline_ms * 1e3:.0f}u")
    return Calls(pool.calls.path, pool.calls.messages, extra=[timeout])


def _same(begin: _Ratios, end: _Ratios) -> list[Promise]:
    note = "each to a server that rested meanwhile"
    return [
        Promise(
            "answers/s at the end : at the begin",
            end.answers / begin.answers,
            "at least",
            0.97,
            note=note,
        ),
        Promise("CPU a call at the end : at the begin", end.cpu / begin.cpu, "at most", 1.03),
    ]


def _promises(slices: list[_Slice], leaking: list[_Slice]) -> list[Promise]:
    grown = _growth(slices)
    return [
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
