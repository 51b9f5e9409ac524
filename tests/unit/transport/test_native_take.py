"""Pins what the native transport does with the events of one trip, with a front made of notes."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.rpc import error_details_pb2, status_pb2

from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.method import Immediate, parse
from stubtail.errors import CallError
from stubtail.lane.job import Job
from stubtail.lane.policy import Policy
from stubtail.standard import health_pb2
from tests.unit.lane.puppets import MISSING, Stage

native = pytest.importorskip("stubtail.transport.native")
CALL, CANCEL = 0, 1
HOT, PROBE = 0, 1
DETAILS: tuple[Any, ...] = ((), "peer", None)


class Front:
    """Notes answers, and refuses the metadata that the real front refuses."""

    def __init__(self) -> None:
        self.answers: dict[int, bytes] = {}
        self.errors: dict[int, tuple[int, list[Any]]] = {}

    def respond(self, call: int, payload: bytes, initial: Any = None, trailing: Any = None) -> bool:
        """An answer."""
        assert call not in self.answers
        self.answers[call] = payload
        return True

    def fail(self, call: int, code: int, message: str, trailing: Any) -> bool:
        """An error."""
        assert call not in self.errors
        for key, _ in trailing or ():
            reserved = key.startswith("grpc-") and key != "grpc-status-details-bin"
            assert not reserved, f'metadata key "{key}" is reserved'
        status = status_pb2.Status.FromString(dict(trailing)["grpc-status-details-bin"])
        self.errors[call] = (code, list(status.details))
        return True

    def reason(self, call: int) -> str:
        """The reason of an error."""
        info = error_details_pb2.ErrorInfo()
        assert any(detail.Unpack(info) for detail in self.errors[call][1])
        return str(info.reason)


class Rows:
    """A hot method whose payload is its rows."""

    path = "/test/Hot"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def decode(
        self, payload: bytes, arrived_s: float, remaining_s: float | None, permit: None = None
    ) -> Job:
        """A job of the rows between the commas."""
        if payload == b"bug":
            raise RuntimeError("a defect")
        if payload.startswith(b"slow"):
            self._stage.clock.now += native.TAKE_S_MAX * 2
        return self._stage.job(None, *payload.decode().split(","))


@pytest.fixture
def stage() -> Iterator[Stage]:
    """The lane, with two places in its queue; at rest after the test."""
    stage = Stage(Policy(jobs_max=2))
    yield stage
    assert stage.at_rest


@pytest.fixture
def transport(stage: Stage) -> Any:
    """The transport over the notes."""
    hot: LaneMethod = Rows(stage)  # type: ignore[assignment]  # as far as the transport looks
    probe = Immediate(
        "/test/Probe",
        lambda payload: bytes(parse(health_pb2.HealthCheckRequest, payload).service, "ascii"),
    )
    made = native.NativeTransport(
        native.NativeOptions("127.0.0.1", 0, reuse_port=False, io_threads=1, message_bytes_max=64,
                             metadata_bytes_max=1024, streams_max=10),
        stage.lane, [hot], [probe], [], "", lambda *_: None, stage.clock,
    )  # fmt: skip
    made._front = Front()
    return made


def take(transport: Any, stage: Stage, *events: Any) -> Front:
    """Hands over events, runs everything, and tells what became of it."""
    trip = iter([(kind, call, method, payload, None, DETAILS)
                 for kind, call, method, payload in events])  # fmt: skip
    more = True
    while more:
        jobs: list[Job] = []
        more = transport._take(trip, stage.clock(), jobs)
        if jobs:
            transport._lane.serve(jobs)
    stage.run_all()
    assert transport.in_flight == 0
    front: Front = transport._front
    return front


def test_every_call_of_a_trip_ends_once(transport: Any, stage: Stage) -> None:
    """Good ones, wrong ones, probes and a defect side by side."""
    front = take(
        transport,
        stage,
        (CALL, 1, HOT, b"a"),
        (CALL, 2, HOT, MISSING.encode()),
        (CALL, 3, PROBE, b"\x0a\x02ok"),
        (CALL, 4, PROBE, b"\xff"),
        (CALL, 5, HOT, b"bug"),
        (CALL, 6, HOT, b"x" * 65),
    )
    assert front.answers == {1: b"A", 3: b"ok"}
    assert {call: front.reason(call) for call in front.errors} == {
        2: "INVALID_FIELD",
        4: "MALFORMED_MESSAGE",
        5: "SERVER_DEFECT",
        6: "MESSAGE_TOO_LARGE",
    }


def test_refusals_with_a_push_back_reach_their_callers(transport: Any, stage: Stage) -> None:
    """The front raises on that key; the advice is in RetryInfo as well."""
    front = take(transport, stage, *((CALL, call, HOT, b"a") for call in range(4)))
    assert sorted(front.answers) == [0, 1]
    for call in (2, 3):
        assert front.reason(call) == "QUEUE_FULL"
        retry = error_details_pb2.RetryInfo()
        assert any(detail.Unpack(retry) for detail in front.errors[call][1])
        assert retry.retry_delay.ToMilliseconds() == 100


def test_a_call_that_ends_in_the_trip_that_brought_it_does_not_run(
    transport: Any, stage: Stage
) -> None:
    """It was never offered, so it has to be taken back before."""
    front = take(transport, stage, (CALL, 1, HOT, b"a"), (CALL, 2, HOT, b"b"), (CANCEL, 1, 0, None))
    assert stage.model.runs == [["b"]]
    assert (front.answers, front.errors) == ({2: b"B"}, {})


def test_what_is_slow_to_read_does_not_hold_up_what_came_before(
    transport: Any, stage: Stage
) -> None:
    """A batch is run after each of them, and everything of the trip is answered."""
    events = [(CALL, 1, HOT, b"a"), (CALL, 2, HOT, b"slow1"), (CALL, 3, HOT, b"b"),
              (CALL, 4, HOT, b"c"), (CALL, 5, HOT, b"slow2"), (CANCEL, 5, 0, None),
              (CALL, 6, HOT, b"d")]  # fmt: skip
    front = take(transport, stage, *events)
    assert stage.model.runs[0] == ["a", "slow1"]
    assert sorted(front.answers) == [1, 2, 3, 4, 6]


def test_while_draining_probes_are_answered_and_calls_refused(transport: Any, stage: Stage) -> None:
    """A wrong probe too; none of them takes the others with it."""
    transport.refuse()
    front = take(
        transport,
        stage,
        (CALL, 1, PROBE, b"\xff"),
        (CALL, 2, HOT, b"a"),
        (CALL, 3, PROBE, b"\x0a\x02ok"),
        (CALL, 4, HOT, b"x" * 65),
    )
    assert front.answers == {3: b"ok"}
    assert {call: front.reason(call) for call in front.errors} == {
        1: "MALFORMED_MESSAGE",
        2: "DRAINING",
        4: "MESSAGE_TOO_LARGE",
    }


def test_the_end_of_an_unknown_call_is_no_event(transport: Any, stage: Stage) -> None:
    """It was answered a moment ago."""
    front = take(transport, stage, (CANCEL, 99, 0, None))
    assert (front.answers, front.errors) == ({}, {})


class Sleeper(Front):
    """Hands over nothing when it is only looked at; a sleep ends after a while, with one call."""

    def __init__(self, stage: Stage, *sleeps_s: float) -> None:
        super().__init__()
        self._stage = stage
        self._sleeps_s = list(sleeps_s)
        self.waits_ms: list[int] = []

    def recv_batch_details(self, most: int, wait_ms: int) -> list[str]:
        """A look takes 10 us."""
        self.waits_ms.append(wait_ms)
        self._stage.clock.now += self._sleeps_s.pop(0) if wait_ms else 10e-6
        return ["call"] if wait_ms else []


def test_the_lane_looks_before_it_sleeps_while_that_is_worth_it(
    transport: Any, stage: Stage
) -> None:
    """After a call that came at once it looks for 100 us; after one that took long it does not."""
    front = transport._front = Sleeper(stage, 0.2, 50e-6, 0.2, 0.2)
    for _ in range(4):
        assert transport._receive(250) == ["call"]
    looks = [0] * round(native.LOOK_S / 10e-6)
    assert front.waits_ms == [250, 250, *looks, 250, 250]


def test_a_busy_lane_neither_sleeps_nor_looks(transport: Any, stage: Stage) -> None:
    """With work at hand it asks once."""
    front = transport._front = Sleeper(stage, 50e-6)
    transport._receive(250)
    assert transport._receive(0) == []
    assert front.waits_ms == [250, 0]


def test_errors_name_what_is_wrong_in_any_language() -> None:
    """The trailing metadata of an error is built once and has the details last."""
    error = CallError(code=3, reason="X", message="naïve 料金\n", retry_after_s=0.5)  # type: ignore[arg-type]
    assert error.trailing_metadata is error.trailing_metadata
    assert [key for key, _ in error.trailing_metadata] == [
        "grpc-retry-pushback-ms",
        "grpc-status-details-bin",
    ]
