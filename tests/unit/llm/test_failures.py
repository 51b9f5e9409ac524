"""Tests of what goes wrong with attempts, and of what callers are told of it."""

from datetime import UTC, datetime

import pytest
from google.rpc import error_details_pb2, status_pb2

from stubtail.errors import DETAILS_KEY, CallError, Code
from stubtail.llm import failures
from stubtail.v1 import llm_pb2

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("999999999", 3600.0),
        ("Sat, 21 Nov 2026 12:00:20 GMT", 20.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2099 11:00:00 GMT", 3600.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1e9", None),
        ("Sat, 99 Nov 2026", None),
        ("Sat, 21 Nov 2026 12:00:20", None),
        (f"Sat, 21 Nov {10**20} 12:00:20 GMT", None),
        (f"Sat, 21 Nov 2026 12:00:20 +{10**20}", None),
    ],
)
def test_retry_after_is_read_and_bounded(text: str, seconds: float | None):
    """Seconds or a date; what is neither is nothing."""
    assert failures.retry_after_s(text, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, "context_length_exceeded", failures.CONTEXT_TOO_LONG),
        (413, "", failures.CONTEXT_TOO_LONG),
        (400, "content_policy_violation", failures.CONTENT_REFUSED),
        (401, "", failures.AUTH_FAILED),
        (402, "", failures.THROTTLED),
        (403, "", failures.AUTH_FAILED),
        (404, "model_not_found", failures.REFUSED),
        (400, "rate_limit_exceeded", failures.THROTTLED),
        (429, "insufficient_quota", failures.THROTTLED),
        (301, "", failures.UPSTREAM_ERROR),
        (500, "", failures.UPSTREAM_ERROR),
        (501, "not_supported_error", failures.REFUSED),
        (529, "overloaded_error", failures.UPSTREAM_ERROR),
    ],
)
def test_statuses_have_a_meaning(status: int, code: str, outcome: failures.Outcome):
    """Whose fault it is decides what follows."""
    found = failures.of_status(status, {"code": code}, "7", NOW)
    assert (found.outcome, found.http_status, found.code) == (outcome, status, code)
    assert found.retry_after_s == 7


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "bad_thing"}, "bad_thing"),
        ({"code": 429}, "429"),
        ({"code": None, "type": "server_error"}, "server_error"),
        ({"code": "the prompt said: x"}, ""),
        ({"code": ["x"]}, ""),
        ({"message": "x"}, ""),
        ("bad", ""),
        (None, ""),
    ],
)
def test_only_codes_are_passed_on(error: object, code: str):
    """A text that is no code may quote the request."""
    assert failures.error_code(error) == code


def test_errors_in_replies_may_name_a_status():
    """OpenRouter sends 200 and the status in the body."""
    assert failures.of_error({"code": 429}, 200).outcome == failures.THROTTLED
    assert failures.of_error({"code": 403}, 200).outcome == failures.AUTH_FAILED
    assert failures.of_error({"code": True}, 200).outcome == failures.UPSTREAM_ERROR
    assert failures.of_error("?", 200).outcome == failures.UPSTREAM_ERROR


def attempt(outcome: int, status: int = 0, code: str = "") -> llm_pb2.Attempt:
    """One attempt on p/m."""
    name = llm_pb2.AttemptOutcome.Name(outcome)
    return llm_pb2.Attempt(
        provider="p", model="m", outcome=name, http_status=status, error_code=code
    )


def seen(error: CallError) -> tuple[Code, str, str]:
    """What a caller sees first."""
    return error.code, error.reason, error.message


def test_the_last_attempt_decides():
    """All of them are told."""
    first = attempt(failures.CONNECT_FAILED)
    last = attempt(failures.UPSTREAM_ERROR, 503, "overloaded")
    assert seen(failures.failed_call([first, last], 1.0)) == (
        Code.UNAVAILABLE,
        "UPSTREAM_FAILED",
        "p/m: no connection; p/m: the provider failed (HTTP 503, overloaded)",
    )
    assert failures.failed_call([last, attempt(failures.REFUSED, 400)], 1.0).code == (
        Code.INVALID_ARGUMENT
    )


def test_what_is_told_of_attempts_is_bounded():
    """The last ones; and when to come back, after them."""
    attempts = [attempt(failures.THROTTLED, 429, f"c{at}") for at in range(20)]
    packed = status_pb2.Status.FromString(
        dict(failures.failed_call(attempts, 1.0).status_details)[DETAILS_KEY]
    ).details
    told = [one for one in packed if one.Is(llm_pb2.Attempt.DESCRIPTOR)]
    assert [one.value for one in told] == [one.SerializeToString() for one in attempts[-8:]]
    assert packed[-1].Is(error_details_pb2.RetryInfo.DESCRIPTOR)


def test_every_outcome_has_words_and_a_status():
    """None is forgotten."""
    known = {llm_pb2.AttemptOutcome.Value(name) for name in llm_pb2.AttemptOutcome.keys()}  # noqa: SIM118 - no dict
    for outcome in known - {llm_pb2.ATTEMPT_OUTCOME_UNSPECIFIED, failures.OK}:
        assert failures.failed_call([attempt(outcome)], 0.0).code != Code.OK
        assert failures.interrupted_call([attempt(outcome)]).code in {
            Code.UNAVAILABLE,
            Code.DEADLINE_EXCEEDED,
        }


def test_passing_by_says_when_to_come_back():
    """Throttled or broken are different: one is about the caller's pace, one about the provider."""
    assert failures.passed_by(busy=True, wait_s=1).code == Code.RESOURCE_EXHAUSTED
    assert failures.passed_by(busy=False, wait_s=1).code == Code.UNAVAILABLE
