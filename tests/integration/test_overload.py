"""More work than time or places: refused at once and with advice, in the order of importance."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.oip import inference_pb2
from tests import model_files
from tests.integration import odd_models, plugs
from tests.integration.calls import (
    INFER,
    OIP,
    SCORE,
    TIMEOUT_S,
    Code,
    Refusal,
    call,
    dense,
    infer_request,
    refusal,
    start,
)
from tests.integration.conftest import UNBOUNDED, assert_answers, defects
from tests.server_process import ServerProcess

PLACES = 4
SHORT = 1_000  # trips of a run of some milliseconds
CRITICAL, HIGH, NORMAL, LOW = 1, 2, 3, 4


@pytest.fixture(scope="module")
def tight_server(
    transport: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server with four places in its queue, one call at a time, and times that callers choose."""
    folder = tmp_path_factory.mktemp("tight")
    model_files.write_model(folder / "solo" / "1", odd_models.patient("echo", rows=1))
    model_files.write_model(folder / "affine" / "1", model_files.affine())
    settings = {
        "limits.queue_jobs_max": PLACES,
        "scheduling.pool_threads": 1,
        "scheduling.inline_run_ms_max": 0,
        # Nothing but the class decides who is first: neither what classes had of the last second,
        # nor who came some milliseconds before.
        **{f"scheduling.share_{name}": 0 for name in ("critical", "high", "normal", "low")},
        "scheduling.slack_high_ms": 4000,
        "scheduling.slack_normal_ms": 8000,
        "scheduling.slack_low_ms": 10_000,
    }
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    with ServerProcess(folder, transport, *options) as process:
        yield process
    assert not defects(process.output)


@pytest.fixture
def tight(tight_server: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to it; after the test everybody is served."""
    with grpc.insecure_channel(tight_server.address, UNBOUNDED) as channel:
        yield channel
        assert_answers(channel)


def solo(trips: int, **parameters: Any) -> Any:
    """A request that runs alone, for so many trips; parameters as (kind, value)."""
    request = infer_request("solo", x=plugs.row(trips))
    for name, (kind, value) in parameters.items():
        setattr(request.parameters[name], kind, value)
    return request


@pytest.fixture(scope="module")
def long_trips(tight_server: ServerProcess) -> int:
    """The trips of a run of 0.2 s or more."""
    with grpc.insecure_channel(tight_server.address, UNBOUNDED) as channel:
        return plugs.trips_for(channel, "solo", 0.2)


@pytest.fixture
def running(tight: grpc.Channel, long_trips: int) -> Any:
    """A call that is running now, and for long enough to see what happens meanwhile."""
    return plugs.begin(tight, INFER, solo(3 * long_trips))


def ended(started: Any) -> Refusal | None:
    """How a call failed, or None when it was answered."""
    error = started.exception(TIMEOUT_S)
    return None if error is None else refusal(error)


def runs(channel: grpc.Channel) -> int:
    """How many calls of the model have run so far."""
    request = inference_pb2.ModelStatisticsRequest(name="solo")
    reply = inference_pb2.ModelStatisticsResponse.FromString(
        call(channel, OIP + "ModelStatistics", request)
    )
    return int(reply.model_stats[0].inference_count)


def assert_shed(found: Refusal, reason: str, retry_s: float, transport: str) -> None:
    """Refused for lack of room or time, with advice when to come again."""
    assert (found.code, found.reason) == (Code.RESOURCE_EXHAUSTED, reason)
    assert found.metadata == {"model": "solo"}
    assert list(found.quota) == ["model:solo"]
    assert found.retry_s == pytest.approx(retry_s)
    # The native front reserves this key; RetryInfo carries the same advice on both transports.
    assert found.pushback_ms == (round(retry_s * 1000) if transport == "grpcio" else None)


@pytest.mark.parametrize("calls", [PLACES, PLACES + 1, 40])
def test_a_full_queue_refuses_at_once_with_advice(
    tight: grpc.Channel, running: Any, transport: str, calls: int
) -> None:
    """As many wait as there are places; all others are told at once, and when to come again."""
    waiting = [start(tight, INFER, solo(10)) for _ in range(calls)]
    while sum(started.done() for started in waiting) < calls - PLACES:
        assert not running.done(), "the refusals did not come while the first call ran"
        time.sleep(0.002)

    refusals = [found for started in waiting if (found := ended(started)) is not None]
    assert len(refusals) == calls - PLACES
    for found in refusals:
        assert_shed(found, "QUEUE_FULL", 0.1, transport)
    assert ended(running) is None


def test_a_deadline_that_cannot_be_kept_is_refused_or_expires_but_never_starts(
    tight: grpc.Channel, long_trips: int, transport: str
) -> None:
    """Calls behind a long queue with little time are not run for nobody."""
    before = runs(tight)
    running = plugs.begin(tight, INFER, solo(5 * long_trips))
    queue = [running, *(start(tight, INFER, solo(10)) for _ in range(PLACES - 1))]
    late = [start(tight, INFER, solo(10), timeout=0.05) for _ in range(3)]

    for started in late:
        found = ended(started)
        assert found is not None
        assert found.code in {Code.RESOURCE_EXHAUSTED, Code.DEADLINE_EXCEEDED}
        if found.reason == "DEADLINE_UNREACHABLE":
            assert_shed(found, "DEADLINE_UNREACHABLE", 0.02, transport)
    assert not running.done(), "they were told before the run ahead of them ended"
    answered = sum(ended(started) is None for started in queue)
    assert runs(tight) - before == answered, "a call ran after its deadline"


def test_a_timeout_parameter_is_a_deadline(tight: grpc.Channel, long_trips: int) -> None:
    """Microseconds, in int64 or uint64; the server itself says that it expired in the queue."""
    before = runs(tight)
    running = plugs.begin(tight, INFER, solo(3 * long_trips))
    kinds = ("int64_param", "uint64_param")
    waiting = [start(tight, INFER, solo(10, timeout=(kind, 120_000))) for kind in kinds]
    patient = start(tight, INFER, solo(10, timeout=("int64_param", 0)))

    for started in waiting:
        found = ended(started)
        assert found is not None
        if found.code is Code.DEADLINE_EXCEEDED:
            assert found.reason == "EXPIRED_IN_QUEUE"
            assert found.metadata == {"model": "solo"}
            assert found.retry_s is None
        else:
            assert found.reason == "DEADLINE_UNREACHABLE"
    assert not running.done(), "they were answered before the run ahead of them ended"
    assert ended(running) is None
    assert ended(patient) is None, "0 is no deadline"
    assert runs(tight) - before == 2


def oip_priority(kind: str) -> Callable[[int], tuple[str, Any]]:
    """ModelInfer with the priority in a parameter of this kind."""
    return lambda level: (INFER, solo(SHORT, priority=(kind, level)))


def score_priority(level: int) -> tuple[str, Any]:
    """Score with the priority in its field."""
    return SCORE, dense("solo", plugs.row(SHORT), priority=level)


WAYS = [
    pytest.param(oip_priority("uint64_param"), id="uint64"),
    pytest.param(oip_priority("int64_param"), id="int64"),
    pytest.param(score_priority, id="Score"),
]


class Answers:
    """The levels of calls in the order in which they are answered, noted from their start on."""

    def __init__(self) -> None:
        self._order: list[int] = []
        self._started: list[Any] = []

    def note(self, level: int, started: Any) -> None:
        """A call of this level has begun."""
        self._started.append(started)
        started.add_done_callback(lambda _: self._order.append(level))  # by one thread, in order

    def order(self) -> list[int]:
        """When all have been answered."""
        for started in self._started:
            assert ended(started) is None
        end_s = time.monotonic() + TIMEOUT_S
        while len(self._order) < len(self._started) and time.monotonic() < end_s:
            time.sleep(0.005)  # callbacks come a moment after results
        return self._order


@pytest.mark.parametrize("way", WAYS)
def test_urgent_calls_overtake(
    tight: grpc.Channel, tight_server: ServerProcess, running: Any, way: Callable[[int], Any]
) -> None:
    """What waits is run by importance: an OIP level of 1, or PRIORITY_CRITICAL, goes first."""
    answers = Answers()
    os.kill(tight_server.pid, signal.SIGSTOP)  # the run before them goes on when all have been sent
    try:
        for level in (LOW, NORMAL, HIGH, CRITICAL):
            path, request = way(level)
            answers.note(level, start(tight, path, request))
            time.sleep(0.002)
    finally:
        os.kill(tight_server.pid, signal.SIGCONT)

    assert answers.order() == [CRITICAL, HIGH, NORMAL, LOW]
    assert ended(running) is None


@pytest.mark.parametrize("way", WAYS)
def test_urgent_calls_push_out_lesser_ones_when_the_queue_is_full(
    tight: grpc.Channel, running: Any, transport: str, way: Callable[[int], Any]
) -> None:
    """Places are lent: the latest low call gives its place to a critical one, and is told so."""
    low = []
    for _ in range(PLACES):
        low.append(start(tight, *way(LOW)))
        time.sleep(0.005)
    critical = start(tight, *way(CRITICAL))

    found = ended(low[-1])
    assert found is not None
    assert_shed(found, "QUEUE_FULL", 0.1, transport)
    assert not running.done()
    assert [ended(started) for started in (critical, *low[:-1])] == [None] * PLACES


@pytest.mark.parametrize(
    ("name", "kind", "value", "problem"),
    [
        ("priority", "uint64_param", 5, "must be 0 to 4, got 5"),
        ("priority", "uint64_param", 2**64 - 1, "must be 0 to 4, got 18446744073709551615"),
        ("priority", "int64_param", -1, "must be 0 to 4, got -1"),
        ("priority", "string_param", "1", "must be an int64_param or a uint64_param"),
        ("timeout", "int64_param", -5, "must be microseconds, not negative"),
        ("timeout", "double_param", 1.0, "must be an int64_param or a uint64_param"),
    ],
)
def test_wrong_parameters_are_refused(
    tight: grpc.Channel, name: str, kind: str, value: Any, problem: str
) -> None:
    """A parameter with a meaning is not guessed at."""
    found = ended(start(tight, INFER, solo(1, **{name: (kind, value)})))
    assert found is not None
    assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert found.fields == {f"parameters[{name}]": problem}


def test_deadlines_and_timeouts_of_any_size_are_taken(tight: grpc.Channel) -> None:
    """The server's own bound is applied to what is beyond it."""
    rows = np.zeros((1, 3), np.float32)
    for kind, value in (("int64_param", 2**63 - 1), ("uint64_param", 2**64 - 1)):
        request = infer_request("affine", x=rows)
        setattr(request.parameters["timeout"], kind, value)
        assert ended(start(tight, INFER, request, timeout=1e6)) is None
    assert ended(start(tight, INFER, infer_request("affine", x=rows), timeout=None)) is None


def test_an_expired_call_is_answered_like_one(tight: grpc.Channel) -> None:
    """A deadline of a microsecond never reaches a model."""
    for _ in range(5):
        found = ended(start(tight, INFER, solo(10), timeout=1e-6))
        assert found is not None
        assert found.code in {Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED}
