"""What the judge of the conformance suite lets pass, and what it does not."""

from pathlib import Path

import pytest

from clients.conformance import cases
from clients.conformance.cases import Case
from clients.conformance.judge import judge

SCORE = "/stubtail.v1.ScoringService/Score"
REPLY = {"model": "m", "scores": [0.5, "NaN"], "labelIndexes": [1]}


def case(expected: dict[str, object], server: dict[str, object] | None = None) -> Case:
    """One call of Score and what is expected of it."""
    return Case(
        "a", Path("a.json"), "faults", {}, [{"method": SCORE}], [], [], [expected], server or {}, {}
    )


def test_what_is_as_expected_passes() -> None:
    """Fields that the case does not name are not looked at, unless it is exact."""
    seen = {"status": "OK", "replies": [{**REPLY, "version": "7", "scores": [0.500001, "NaN"]}]}
    assert not judge(case({"status": "OK", "replies": [REPLY]}), [seen], {})
    assert judge(case({"replies": [REPLY], "exact": True}), [seen], {})


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        ({"status": "OK"}, {"status": "INTERNAL", "message": "no"}),
        ({"reason": "A"}, {"reason": "B"}),
        ({"reason": "A"}, {}),
        ({"resource": "m"}, {"resource": ""}),
        ({"violations": ["a"]}, {"violations": [{"field": "b"}]}),
        ({"violations": ["a"]}, {}),
        ({"retry_after_ms": 40}, {"retry_after_ms": 41}),
        ({"retry_after_ms": None}, {"retry_after_ms": 41}),
        ({"retry_after_ms": True}, {}),
        ({"elapsed_ms_min": 100}, {"elapsed_ms": 99}),
        ({"elapsed_ms_max": 100}, {"elapsed_ms": 101}),
        ({"elapsed_ms_max": 100}, {}),
        ({"replies": [{"scores": [1e-45]}], "tolerance": 0}, {"replies": [{"scores": [0]}]}),
        ({"reply_bytes": 3}, {}),
        ({"count": 1}, {"count": 2}),
        ({"statuses": {"OK": 2}}, {"statuses": {"OK": 1, "INTERNAL": 1}}),
        ({"replies": [REPLY]}, {"replies": []}),
        ({"replies": [REPLY]}, {"replies": [{**REPLY, "scores": [0.51, "NaN"]}]}),
        ({"replies": [REPLY]}, {"replies": [{**REPLY, "scores": [0.5, 0.5]}]}),
        ({"replies": [REPLY]}, {"replies": [{**REPLY, "scores": [0.5]}]}),
        ({"replies": [REPLY]}, {"replies": [{**REPLY, "model": "n"}]}),
        ({"replies": [REPLY]}, {"replies": [{"nothing": 1}]}),
        ({"last": REPLY}, {"replies": []}),
        ({"text": "ab"}, {"replies": [{"delta": {"text": "a"}}]}),
    ],
)
def test_what_is_not_is_told(expected: dict[str, object], seen: dict[str, object]) -> None:
    """Every expectation can fail."""
    assert judge(case(expected), [seen], {})


@pytest.mark.parametrize(
    ("expected", "good", "bad"),
    [
        ({"attempts": 2}, {"attempts": 2}, {"attempts": 3}),
        ({"attempts": 2}, {"attempts": 2}, {}),
        ({"sent_max": 5}, {"sent": 5}, {"sent": 6}),
        ({"sent_min": 5}, {"sent": 5}, {"sent": 4}),
        ({"deadline_ms_max": 300}, {"deadline_ms": 299.0}, {"deadline_ms": None}),
        ({"gaps_ms_min": [10, 20]}, {"gaps_ms": [10, 20]}, {"gaps_ms": [10, 19]}),
        ({"gaps_ms_min": [10, 20]}, {"gaps_ms": [11, 30]}, {"gaps_ms": [10]}),
        ({"metadata": {"a": "b"}}, {"metadata": {"a": "b", "c": ""}}, {"metadata": {}}),
    ],
)
def test_what_the_server_saw(
    expected: dict[str, object], good: dict[str, object], bad: dict[str, object]
) -> None:
    """Its notes are compared, or bounded."""
    assert not judge(case({}, expected), [{}], good)
    assert judge(case({}, expected), [{}], bad)


def test_a_runner_that_leaves_a_call_out_is_told() -> None:
    """Nothing seen is not nothing wrong."""
    assert judge(case({}), [], {})


def test_the_cases_are_sound() -> None:
    """They can be read, and each of the scripted server has a broken server to fail against."""
    found = cases.read()
    assert len(found) > 100
    scripted = [one for one in found if one.server == "faults"]
    assert all(one.script and one.broken for one in scripted)
    assert all(one.script != one.broken for one in scripted)


def test_every_method_and_every_reason_has_a_case() -> None:
    """A new method or reason without a case is found here."""
    from clients.conformance import messages
    from stubtail.v1 import common_pb2

    found = cases.read()
    called = {call.get("method") for one in found if one.server == "real" for call in one.calls}
    methods = {f"/{one.containing_service.full_name}/{one.name}" for one in messages.methods()}
    streams_of_health = {"/grpc.health.v1.Health/Watch", "/grpc.health.v1.Health/List"}
    assert methods - streams_of_health <= called
    told = {call.get("reason") for one in found for call in one.expect_calls}
    values = common_pb2.ErrorReason.DESCRIPTOR.values
    reasons = {value.name.removeprefix("ERROR_REASON_") for value in values}
    assert reasons - {"UNSPECIFIED"} <= told


def test_recorded_messages_are_as_they_were() -> None:
    """Present code reads every recorded byte, and the record lacks no message."""
    from clients.conformance import messages, record

    found = [one for one in cases.read() if one.server == "none"]
    for one in found:
        (call,) = one.calls
        read = messages.message(call["decode"])
        read.ParseFromString(bytes.fromhex(call["bytes"]))
        seen = {"status": "OK", "replies": [messages.to_json(read)]}
        assert not judge(one, [seen], {}), one.name
    assert {one["name"] for one in record.cases()} == {one.name for one in found}
