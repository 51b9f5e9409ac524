"""One measurement: one server under one load, checked before, during and after."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from benchmarks.calls import Calls
from benchmarks.checks import Ask, Expect, ask, check_load, check_server
from benchmarks.client import Client
from benchmarks.figures import quantile
from benchmarks.load import Load
from benchmarks.processes import Server
from benchmarks.rows import Pool, Subject

_WARM_UP_PART = 0.25  # of the measured time


class ClosedLoop(Protocol):
    """Connections that keep a number of calls in flight."""

    def closed(self, *, streams: int, seconds: float) -> Load:
        """Keeps `streams` calls in flight on each connection for `seconds`."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server is talked to.

    Attributes:
        ask: Asks for some calls of a pool, through somebody else's client: it must not share a
            mistake with the load generator.
        client: The load generator: address, calls and `connections`; a context manager.
    """

    ask: Ask
    client: Callable[[str, Calls, int], AbstractContextManager[ClosedLoop]]


def _grpc_client(address: str, calls: Calls, connections: int) -> Client:
    return Client(address, calls, connections=connections)


GRPC = Dialect(ask, _grpc_client)


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of load.

    Attributes:
        name: For `--case` and the results, such as `infer-1x64`: form, rows, calls in flight.
        title: In words.
        form: A key of `rows.FORMS`.
        rows: Rows in each call.
        connections: TCP connections.
        streams: Calls in flight on each of them.
    """

    name: str
    title: str
    form: str
    rows: int
    connections: int
    streams: int


CASES = (
    Case("infer-1x64", "ModelInfer, 1 row, 64 calls in flight", "infer", 1, 8, 8),
    Case("infer-1x1", "ModelInfer, 1 row, one call at a time", "infer", 1, 1, 1),
    Case("infer-256x64", "ModelInfer, 256 rows, 64 calls in flight", "infer", 256, 8, 8),
    Case("infer-256x1", "ModelInfer, 256 rows, one call at a time", "infer", 256, 1, 1),
    Case("dense-1x64", "Score, 1 dense row, 64 calls in flight", "dense", 1, 8, 8),
    Case("named-1x64", "Score, 1 row of named columns, 64 calls in flight", "named", 1, 8, 8),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one server did under one load in one round.

    Attributes:
        server: Name of the contestant.
        case: Name of the case.
        round: From 1.
        calls_per_s: Calls answered with OK and the right bytes, a second.
        cpu_us: Processor time of the server's whole process tree, microseconds a call.
        p50_us: Median latency, microseconds.
        p99_us: 99th percentile of the latency, microseconds.
        rss_mb: Resident memory of the process tree after the load, 10^6 bytes.
        client_busy: Processor time of the load generator as a part of one core; near 1 the client
            and not the server was the limit.
        calls: Number of calls in these figures.
        bare_p50_us: Bare onnxruntime on the same rows right after, for one call at a time.
    """

    server: str
    case: str
    round: int
    calls_per_s: float
    cpu_us: float
    p50_us: float
    p99_us: float
    rss_mb: float
    client_busy: float
    calls: int
    bare_p50_us: float | None = None

    def document(self) -> dict[str, Any]:
        """As it is kept in JSON, rounded to what means something."""
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


def measure(
    server: Server,
    name: str,
    case: Case,
    pool: Pool,
    *,
    expect: Expect,
    number: int,
    seconds: float,
    dialect: Dialect = GRPC,
) -> Measurement:
    """Loads `server` for `seconds` after a warm-up.

    Raises:
        WrongAnswerError: It did not do what is measured; such a run has no figures.
        LoadError: It cannot be reached or refuses the first call.
    """
    sizes = check_server(server.address, pool, expect, number, dialect.ask)
    with dialect.client(server.address, pool.calls, case.connections) as client:
        client.closed(streams=case.streams, seconds=seconds * _WARM_UP_PART)
        cpu_s = server.cpu_s()
        load = client.closed(streams=case.streams, seconds=seconds)
        cpu_s = server.cpu_s() - cpu_s
    rss = server.rss_bytes()
    check_load(pool, load, sizes, expect)
    check_server(server.address, pool, expect, number + 1, dialect.ask)
    return Measurement(
        server=name,
        case=case.name,
        round=number,
        calls_per_s=load.calls_per_s,
        cpu_us=cpu_s / load.answered * 1e6,
        p50_us=quantile(load.latencies_s, 0.5) * 1e6,
        p99_us=quantile(load.latencies_s, 0.99) * 1e6,
        rss_mb=rss / 1e6,
        client_busy=load.client_cpu_s / load.seconds,
        calls=load.answered,
    )


def bare_run_us(subject: Subject, pool: Pool, seconds: float = 0.3) -> float:
    """Median time of one run of bare onnxruntime over the blocks of `pool`, microseconds."""
    run, name = subject.session.run, subject.input_name
    times: list[float] = []
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop:
        for block in pool.blocks[len(times) % len(pool.blocks) :][:32]:
            begun = time.perf_counter()
            run(None, {name: block})
            times.append(time.perf_counter() - begun)
    return quantile(times, 0.5) * 1e6
