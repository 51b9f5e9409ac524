"""Pins which failures are tried again, when, and how many: with clock and budget of the test."""

import pytest

from stubtail_client import errors
from stubtail_client.hedging import Race
from stubtail_client.options import Deadline
from stubtail_client.retries import hedge_budget, is_idempotent, retry_budget, retry_wait_s


def failure(code: str, reason: str = "", after_s: float | None = None) -> errors.StubtailError:
    """A failure as the server tells it."""
    return errors.StubtailError("no", code=code, reason=reason, retry_after_s=after_s)


@pytest.mark.parametrize(
    ("failed", "wait_s"),
    [
        (failure("UNAVAILABLE", after_s=0.25), 0.25),
        (failure("UNAVAILABLE", "DRAINING", 0.0), 0.0),
        (failure("CANCELLED", after_s=0.1), 0.1),
        (failure("RESOURCE_EXHAUSTED", "QUEUE_FULL", 0.5), 0.5),
        (failure("RESOURCE_EXHAUSTED", "QUEUE_FULL"), None),
        (failure("UNAVAILABLE", "BREAKER_OPEN", 60.0), None),  # after the deadline
        (failure("UNAVAILABLE", "UPSTREAM_FAILED"), None),
        (failure("INTERNAL"), None),
        (failure("DEADLINE_EXCEEDED"), None),
        (errors.closed_client(), None),
    ],
)
def test_what_is_tried_again_and_when(failed, wait_s):
    """When the server says, if it says, and never after the deadline."""
    assert retry_wait_s(failed, 1, 1.0, retry_budget()) == wait_s


def test_without_a_time_the_waits_grow():
    """20 ms, then 160 ms, each by a fifth more or less; then no more."""
    budget = retry_budget()
    for _ in range(5):
        first = retry_wait_s(failure("UNAVAILABLE"), 1, 9.0, budget)
        second = retry_wait_s(failure("UNAVAILABLE"), 2, 9.0, budget)
        assert first is not None
        assert second is not None
        assert 0.016 <= first <= 0.024
        assert 0.128 <= second <= 0.192
        assert retry_wait_s(failure("UNAVAILABLE"), 3, 9.0, budget) is None


def test_a_negative_pushback_is_never_again():
    """Also where RetryInfo names a time."""
    told = errors.from_status(
        "UNAVAILABLE", "no", [("grpc-retry-pushback-ms", "-1")], server="s", timeout=1.0
    )
    assert told.never_again
    assert retry_wait_s(told, 1, 9.0, retry_budget()) is None


def test_the_budget_stops_retries_and_comes_back():
    """24 failures are tried again; ten good calls give one token back."""
    budget = retry_budget()
    waits = [retry_wait_s(failure("UNAVAILABLE", after_s=0.1), 1, 9.0, budget) for _ in range(60)]
    assert sum(wait is not None for wait in waits) == 24
    for _ in range(270):
        budget.succeeded()
    assert retry_wait_s(failure("UNAVAILABLE", after_s=0.1), 1, 9.0, budget) == 0.1


def test_calls_of_language_models_are_not_hedged():
    """A second answer is paid for."""
    assert is_idempotent("/stubtail.v1.ScoringService/Score")
    assert not is_idempotent("/stubtail.v1.LlmService/Chat")


def race(hedges=None) -> Race:
    """A call that begins at 0 s, is made again at 0.1 s, and ends at 10 s."""
    return Race(Deadline(10.0, 10.0), 0.1, retry_budget(), hedges or hedge_budget(), 0.0)


def test_the_second_leg_begins_late():
    """At its time and once."""
    one = race()
    assert one.due(0.0) == [0]
    assert one.wait_s(0.04) == pytest.approx(0.06)
    assert one.due(0.05) == []
    assert one.due(0.1) == [1]
    assert one.wait_s(0.2) is None
    assert one.due(5.0) == []


def test_the_second_leg_needs_a_token():
    """Without one the call goes on as if it were not hedged."""
    spent = hedge_budget()
    while spent.take():
        pass
    one = race(spent)
    assert one.due(0.0) == [0]
    assert one.due(1.0) == []
    assert one.failed(0, failure("INTERNAL"), 1.1)


def test_a_call_fails_with_its_last_leg():
    """A leg that fails leaves the call to the other one."""
    one = race()
    one.due(0.0)
    one.due(0.1)
    assert not one.failed(1, failure("INTERNAL"), 0.2)
    assert one.failed(0, failure("INTERNAL"), 0.3)


@pytest.mark.parametrize(
    ("failed", "ends"),
    [
        (failure("INVALID_ARGUMENT"), True),
        (failure("NOT_FOUND"), True),
        (failure("UNAUTHENTICATED"), True),
        (failure("RESOURCE_EXHAUSTED"), True),
        (failure("RESOURCE_EXHAUSTED", after_s=20.0), False),
        (failure("UNAVAILABLE", after_s=20.0), False),
        (failure("DEADLINE_EXCEEDED"), False),
        (failure("INTERNAL"), False),
    ],
)
def test_a_refusal_that_both_legs_would_meet_ends_the_call(failed, ends):
    """Whichever leg meets it; the other one is not waited for."""
    for leg in (0, 1):
        one = race()
        one.due(0.0)
        one.due(0.1)
        assert one.failed(leg, failed, 0.2) is ends


def test_each_leg_is_retried():
    """With the waits of a call that is not hedged."""
    one = race()
    one.due(0.0)
    assert not one.failed(0, failure("UNAVAILABLE", after_s=0.5), 0.05)
    assert one.due(0.1) == [1]
    assert one.wait_s(0.1) == pytest.approx(0.45)
    assert one.due(0.55) == [0]


def test_a_call_that_fails_before_its_hedge_has_failed():
    """The second leg is for what is late, not for what is refused."""
    one = race()
    one.due(0.0)
    assert one.failed(0, failure("INVALID_ARGUMENT"), 0.05)


def test_attempts_before_a_race_count():
    """A part that has failed once is tried twice more, as without hedging."""
    race = Race(Deadline(10.0, 10.0), 5.0, retry_budget(), hedge_budget(), 0.0, attempt=2)
    assert race.due(0.0) == [0]
    assert not race.failed(0, failure("UNAVAILABLE"), 0.0)
    assert race.due(1.0) == [0]
    assert race.failed(0, failure("UNAVAILABLE"), 1.0)
