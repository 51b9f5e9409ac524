"""The bytes of a Decide request become a job: its rows, its batch, and forms that few send."""

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.protobuf import opening
from stubtail.errors import CallError
from stubtail.lane.batch_run import BadRowsError
from stubtail.lane.job import Job
from stubtail.v1 import common_pb2, decision_pb2
from tests.unit.endpoints.decided import decide_method, decided, decode, request
from tests.unit.endpoints.loaded import run_job, run_jobs

PATIENT = [HealthCheck.too_slow]  # a busy machine is no fault of a strategy

METHOD = decide_method()


@pytest.fixture
def method() -> LaneMethod:
    """Decide over the models of `decided`."""
    return METHOD


def limit(expression: str, **limits: float) -> decision_pb2.Constraint:
    """A limit on an expression."""
    return decision_pb2.Constraint(limit=decision_pb2.Limit(expression=expression, **limits))


def test_calls_share_a_batch_and_keep_their_own_answers(method: LaneMethod) -> None:
    """Jobs of several decisions in one run are answered as if each were alone."""
    requests = [
        request(1.0, 2.0, 3.0, constraints=[limit("price", at_most=2.5)]),
        request(4.0, 1.5, objective="-units"),
        request(3.0, curve=True, coverage=0.5),
    ]
    jobs = [decode(method, made) for made in requests]
    assert [job.rows for job in jobs] == [4, 3, 2]

    for made, payload in zip(requests, run_jobs(jobs), strict=True):
        assert decision_pb2.DecideResponse.FromString(payload) == decided(method, made)


def rows(job: Job) -> list[list[float]]:
    """What the model is fed."""
    (block,) = job.queue.model.assemble([job]).values()
    assert block.dtype == np.float32
    assert len(block) == job.rows
    return block.tolist()  # type: ignore[no-any-return] # a list, by its ndim


def test_rows_are_the_context_and_the_candidates(method: LaneMethod) -> None:
    """As float32 in the order of the features; the priority and the size are those of the job."""
    made = request(1.0, 3.0, constraints=[limit("price", at_least=2.0)])
    made.priority = common_pb2.PRIORITY_LOW
    job = decode(method, made)

    assert rows(job) == [[2, 0, 1, 0, 30], [1, 0, 1, 0, 30], [3, 0, 1, 0, 30]]
    assert (job.rows, job.priority) == (3, 3)
    assert method.decode(made.SerializeToString(), 10.0, 0.25).deadline_s == 10.25
    assert job.size_bytes >= len(made.SerializeToString())


def test_as_many_candidates_as_rows_allow(method: LaneMethod) -> None:
    """The context takes a row, too."""
    prices: list[Any] = np.linspace(1, 4, 99).tolist()
    assert decided(method, request(*prices)).candidate_count == 99


def field(number: int, body: bytes) -> bytes:
    """A field of bytes, a string, a message or packed numbers."""
    return opening(number, len(body)) + body


def packed(*values: float) -> bytes:
    """A piece of doubles, as field 1 of Numbers."""
    return field(1, struct.pack(f"<{len(values)}d", *values))


def loose(*values: float) -> bytes:
    """The same, one tag for each."""
    return b"".join(b"\x09" + struct.pack("<d", value) for value in values)


NEWER = b"\x78\x01"  # a field 15 that this server does not know


@pytest.mark.parametrize(
    "numbers",
    [
        loose(2.0, 3.0, 2.5),
        packed(2.0) + packed(3.0, 2.5),
        packed(2.0, 3.0) + loose(2.5),
        loose(2.0) + packed(3.0, 2.5),
        packed() + loose(2.0, 3.0, 2.5),
        packed(2.0, 3.0, 2.5) + NEWER,
    ],
)
@pytest.mark.parametrize("form", ["grid", "list"])
def test_doubles_in_every_form(method: LaneMethod, numbers: bytes, form: str) -> None:
    """Legal protobuf, though few encoders write it: no value is lost."""
    usual = request(2.0, 3.0, 2.5)
    name = field(1, b"price")
    if form == "grid":
        candidates = field(6, field(1, name + field(3, numbers)))
    else:
        column = numbers.replace(b"\x0a", b"\x12").replace(b"\x09", b"\x11")
        candidates = field(5, field(1, name + column))
    unusual = request().SerializeToString() + candidates

    reply = run_job(method.decode(unusual, 10.0, None))

    assert decision_pb2.DecideResponse.FromString(reply) == decided(method, usual)


def test_a_double_cut_in_two_pieces_is_malformed(method: LaneMethod) -> None:
    """Together they would have the right length; the public message refuses them."""
    halves = field(1, bytes(4)) + field(1, bytes(4))
    axis = field(6, field(1, field(1, b"price") + field(3, halves)))
    with pytest.raises(CallError) as error:
        method.decode(request().SerializeToString() + axis, 10.0, None)
    assert error.value.reason == "MALFORMED_MESSAGE"


@pytest.mark.parametrize("size", [1, 7, 15])
def test_half_a_double_is_malformed(method: LaneMethod, size: int) -> None:
    """As the public message would find."""
    column = opening(1, 5) + b"price" + opening(2, size) + bytes(size)
    listed = opening(1, len(column)) + column
    payload = request().SerializeToString() + opening(5, len(listed)) + listed
    with pytest.raises(CallError) as error:
        method.decode(payload, 10.0, None)
    assert error.value.reason == "MALFORMED_MESSAGE"


def outcome(payload: bytes) -> str:
    """The reason of the refusal, or nothing for a request that is answered."""
    try:
        job = METHOD.decode(payload, 10.0, None)
        assert decision_pb2.DecideResponse.FromString(run_job(job)).model
    except CallError as error:
        return error.reason
    except BadRowsError as bad:
        return bad.errors[0][1].reason
    return ""


@given(st.binary(max_size=80), st.integers(0, 400), st.integers(0, 40))
@settings(max_examples=300, deadline=None, suppress_health_check=PATIENT)
def test_damaged_requests_are_answered_or_refused(data: bytes, start: int, removed: int) -> None:
    """Bytes in the place of others: never another exception."""
    made = request(1.0, 2.0, coverage=0.9, constraints=[limit("units", at_least=1.0)])
    made.list.columns.add(name="plan", strings=["plus", ""]) if start % 2 else None
    whole = made.SerializeToString(deterministic=True)
    damaged = whole[:start] + data + whole[start + removed :]
    assert outcome(damaged) in {"", "INVALID_FIELD", "MALFORMED_MESSAGE", "MODEL_NOT_FOUND"}


NUMBERS = st.one_of(
    st.floats(-10, 10), st.sampled_from([0.0, -0.0, 1e-300, 1e38, -1e38, 1e300, 1e-9])
)
CONSTRAINTS = st.one_of(
    st.builds(
        limit,
        st.sampled_from(
            ["units", "price * units", "1 / price", "log(units)", "exp(cost)", "bonus"]
        ),
        at_least=NUMBERS,
    ),
    st.builds(limit, st.sampled_from(['plan == "plus"', "price > cost", "units > lower"])),
    st.builds(
        lambda name, change: decision_pb2.Constraint(
            max_change=decision_pb2.MaxChange(name=name, relative=abs(change))
        ),
        st.sampled_from(["price", "cost", "age"]),
        NUMBERS,
    ),
)


@given(
    prices=st.lists(NUMBERS.filter(lambda number: abs(number) < 1e39), min_size=1, max_size=6),
    costs=st.lists(NUMBERS, min_size=1, max_size=3),
    constraints=st.lists(CONSTRAINTS, max_size=4),
    objective=st.sampled_from(["units", "(price - cost) * units", "units / (price - 1)", "age"]),
    direction=st.sampled_from([0, 1, 2]),
    flags=st.tuples(st.booleans(), st.booleans()),
    top=st.integers(1, 20),
)
@settings(max_examples=200, deadline=None, suppress_health_check=PATIENT)
def test_every_answer_adds_up(
    prices: list[float],
    costs: list[float],
    constraints: list[decision_pb2.Constraint],
    objective: str,
    direction: Any,
    flags: tuple[bool, bool],
    top: int,
) -> None:
    """Whatever is asked: counts, order, slacks and the verdicts of the curve agree."""
    made = request(
        *prices,
        objective=objective,
        constraints=constraints,
        coverage=0.9,
        curve=flags[0],
        explain_excluded=True,
        allow_outside_range=flags[1],
        top=top,
    )
    made.objective.direction = direction
    made.grid.axes.add(name="cost").numbers.values.extend(costs)

    reply = decided(METHOD, made)

    count = len(prices) * len(costs)
    excluded = sum(one.count for one in reply.exclusions)
    assert reply.candidate_count == count == reply.feasible_count + excluded
    assert len(reply.excluded.positions) == excluded
    assert len(reply.ranked.positions) == min(top, reply.feasible_count)
    assert not set(reply.ranked.positions) & set(reply.excluded.positions)
    best_first = sorted(reply.ranked.objective, reverse=direction != 2)
    assert list(reply.ranked.objective) == best_first
    assert all(value >= 0 for slack in reply.ranked.slacks for value in slack.values)
    assert reply.feasible == (reply.feasible_count > 0) == (not reply.HasField("nearest"))
    assert reply.feasible or reply.violations
    if flags[0]:
        infeasible = [place for place, kept in enumerate(reply.curve.feasible) if not kept]
        assert infeasible == list(reply.excluded.positions)
