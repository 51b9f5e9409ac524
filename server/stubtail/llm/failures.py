"""What can go wrong with an attempt, and what a caller is told of it; pure.

A provider's own words are never passed on: they may quote the request. Its code is, where it looks
like one.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from stubtail.errors import CallError, Code, invalid_field
from stubtail.v1 import llm_pb2

THROTTLE_S = 5.0  # where a provider names no time
ATTEMPTS_TOLD_MAX = 8  # in the details of an error: some channels take 8 kB of them
THROTTLE_MAX_S = 3600.0  # a provider that says "next year" has made a mistake
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

OK = llm_pb2.ATTEMPT_OUTCOME_OK
CONNECT_FAILED = llm_pb2.ATTEMPT_OUTCOME_CONNECT_FAILED
UPSTREAM_ERROR = llm_pb2.ATTEMPT_OUTCOME_UPSTREAM_ERROR
THROTTLED = llm_pb2.ATTEMPT_OUTCOME_THROTTLED
REFUSED = llm_pb2.ATTEMPT_OUTCOME_REFUSED
AUTH_FAILED = llm_pb2.ATTEMPT_OUTCOME_AUTH_FAILED
NO_FIRST_TOKEN = llm_pb2.ATTEMPT_OUTCOME_NO_FIRST_TOKEN
STALLED = llm_pb2.ATTEMPT_OUTCOME_STALLED
BROKEN_OFF = llm_pb2.ATTEMPT_OUTCOME_BROKEN_OFF
MALFORMED = llm_pb2.ATTEMPT_OUTCOME_MALFORMED
DEADLINE = llm_pb2.ATTEMPT_OUTCOME_DEADLINE
CONTEXT_TOO_LONG = llm_pb2.ATTEMPT_OUTCOME_CONTEXT_TOO_LONG
CONTENT_REFUSED = llm_pb2.ATTEMPT_OUTCOME_CONTENT_REFUSED
SUPERSEDED = llm_pb2.ATTEMPT_OUTCOME_SUPERSEDED

Outcome = llm_pb2.AttemptOutcome
AGAIN = frozenset({CONNECT_FAILED, UPSTREAM_ERROR, BROKEN_OFF})  # may be over in a moment
# What a request is to blame for, or its caller's time: it says nothing about the upstream.
BLAMELESS = frozenset({REFUSED, CONTEXT_TOO_LONG, CONTENT_REFUSED, DEADLINE, SUPERSEDED})
# The provider said at once that it does not answer: nothing was used.
UNUSED = frozenset(
    {CONNECT_FAILED, UPSTREAM_ERROR, THROTTLED, REFUSED, AUTH_FAILED, CONTEXT_TOO_LONG}
)
PHRASES = {
    CONNECT_FAILED: "no connection",
    UPSTREAM_ERROR: "the provider failed",
    THROTTLED: "asked too often",
    REFUSED: "refused the request",
    AUTH_FAILED: "did not accept the key",
    NO_FIRST_TOKEN: "no content in time",
    STALLED: "the answer stalled",
    BROKEN_OFF: "the connection broke off",
    MALFORMED: "sent what is no answer",
    DEADLINE: "took too long",
    CONTEXT_TOO_LONG: "the request does not fit into its context window",
    CONTENT_REFUSED: "refused the content",
    SUPERSEDED: "another attempt was quicker",
}
# 501: llama.cpp and vLLM say so of vectors of a model that has none; who asks opens no breaker.
_REFUSING = frozenset({400, 404, 405, 409, 413, 415, 422, 501})
_QUOTA_CODES = frozenset({"insufficient_quota", "rate_limit_exceeded", "rate_limit_error"})
_CONTEXT_CODES = frozenset(
    {"context_length_exceeded", "string_above_max_length", "request_too_large"}
)
_CONTENT_CODES = frozenset(
    {"content_policy_violation", "content_filter", "data_inspection_failed", "moderation_blocked"}
)
# Words of those that have no code for it: Anthropic, vLLM, llama.cpp, Together, Cerebras.
_CONTEXT_WORDS = re.compile(
    r"prompt is too long|context (length|limit|size|window)|maximum context|exceed context",
    re.IGNORECASE,
)
_TEXT_READ = 4096  # characters of a provider's text that are looked at


class AttemptFailedError(Exception):
    """One attempt did not give an answer.

    Args:
        outcome: how it ended.
        http_status: 0 where there was none.
        code: the provider's, if it looks like one.
        retry_after_s: when the provider wants to be asked again; None where it did not say.
    """

    def __init__(
        self,
        outcome: Outcome,
        http_status: int = 0,
        code: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(PHRASES[outcome])
        self.outcome = outcome
        self.http_status = http_status
        self.code = code
        self.retry_after_s = retry_after_s


def of_status(status: int, error: object, retry_after: str, now: datetime) -> AttemptFailedError:
    """The failure that an HTTP status means; `error` is the JSON value `error` of the body."""
    code = error_code(error)
    wait_s = retry_after_s(retry_after, now)
    if status in {401, 403}:
        outcome = AUTH_FAILED
    elif status in {402, 429} or (status < 500 and code in _QUOTA_CODES):
        outcome = THROTTLED
    elif status in _REFUSING:
        outcome = _refusal(status, code, error)
    else:
        outcome = UPSTREAM_ERROR
    return AttemptFailedError(outcome, status, code, wait_s)


def of_error(error: object, http_status: int) -> AttemptFailedError:
    """The failure that an error inside a reply means, whatever status came before it."""
    code = error_code(error)
    inner = error.get("code") if isinstance(error, dict) else None
    if isinstance(inner, int) and not isinstance(inner, bool) and 400 <= inner <= 599:
        failure = of_status(inner, error, "", datetime.now(UTC))
        return AttemptFailedError(failure.outcome, http_status, code)
    outcome = THROTTLED if code in _QUOTA_CODES else UPSTREAM_ERROR
    if code in _CONTENT_CODES or code in _CONTEXT_CODES:
        outcome = _refusal(http_status, code, error)
    return AttemptFailedError(outcome, http_status, code)


def _refusal(status: int, code: str, error: object) -> Outcome:
    """Why a request was refused; the provider's text is read here, and goes nowhere."""
    if code in _CONTENT_CODES:
        return CONTENT_REFUSED
    text = error.get("message") if isinstance(error, dict) else None
    told = isinstance(text, str) and _CONTEXT_WORDS.search(text[:_TEXT_READ])
    return CONTEXT_TOO_LONG if status == 413 or code in _CONTEXT_CODES or told else REFUSED


def error_code(error: object) -> str:
    """The code, or else the type, of a provider's error object; empty where none looks like one."""
    if isinstance(error, dict):
        for key in ("code", "type"):
            value = error.get(key)
            text = str(value) if isinstance(value, int) else value
            if isinstance(text, str) and _CODE.fullmatch(text):
                return text
    return ""


def retry_after_s(text: str, now: datetime) -> float | None:
    """The seconds that a header Retry-After names, bounded; None where it names none."""
    text = text.strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return min(float(text), THROTTLE_MAX_S)
    try:
        date = parsedate_to_datetime(text)
        seconds = (date - now).total_seconds()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return min(max(0.0, seconds), THROTTLE_MAX_S)


def failed_call(attempts: Sequence[llm_pb2.Attempt], wait_s: float) -> CallError:
    """What a caller is told when no attempt gave content; the last attempt decides the status."""
    last, details = attempts[-1], _details(attempts)
    told = "; ".join(_told(attempt) for attempt in attempts)
    if last.outcome == DEADLINE:
        return CallError(Code.DEADLINE_EXCEEDED, "ANSWER_TOO_SLOW", told, **details)
    if last.outcome in {REFUSED, CONTEXT_TOO_LONG, CONTENT_REFUSED}:
        return CallError(Code.INVALID_ARGUMENT, "UPSTREAM_REFUSED", told, **details)
    if last.outcome == AUTH_FAILED:
        return CallError(Code.INTERNAL, "PROVIDER_AUTH", told, **details)
    if last.outcome == THROTTLED:
        details["details"].append(_retry_info(wait_s))
        return CallError(Code.RESOURCE_EXHAUSTED, "PROVIDERS_BUSY", told, **details)
    return CallError(Code.UNAVAILABLE, "UPSTREAM_FAILED", told, **details)


def interrupted_call(attempts: Sequence[llm_pb2.Attempt]) -> CallError:
    """What a caller is told when an answer ended before its end."""
    last, details = attempts[-1], _details(attempts)
    told = f"the answer is incomplete: {_told(last)}"
    if last.outcome == DEADLINE:
        return CallError(Code.DEADLINE_EXCEEDED, "ANSWER_TOO_SLOW", told, **details)
    if last.outcome == STALLED:
        return CallError(Code.UNAVAILABLE, "ANSWER_STALLED", told, **details)
    return CallError(Code.UNAVAILABLE, "ANSWER_INTERRUPTED", told, **details)


def not_offered(lacking: Mapping[str, str]) -> CallError:
    """INVALID_ARGUMENT where no upstream can do what a request asks: field by upstream."""
    fields = sorted(set(lacking.values()))
    told = "; ".join(f"{name} has no {field}" for name, field in list(lacking.items())[:8])
    expected = f"no provider of this model offers it: {told}; leave it out, or ask another model"
    return invalid_field(fields[0], expected)


def passed_by(*, busy: bool, wait_s: float) -> CallError:
    """What a caller is told when no upstream could be asked at all."""
    if busy:
        return CallError(
            Code.RESOURCE_EXHAUSTED,
            "PROVIDERS_BUSY",
            "the providers of this model are throttled or at their limit of calls",
            details=[_retry_info(wait_s)],
            retry_after_s=-1.0,
        )
    return CallError(
        Code.UNAVAILABLE,
        "BREAKER_OPEN",
        "the circuit breakers of all providers of this model are open after repeated failures",
        details=[_retry_info(wait_s)],
        retry_after_s=-1.0,
    )


def _retry_info(wait_s: float) -> error_details_pb2.RetryInfo:
    """When to come back, for callers.

    Their gRPC libraries are told not to retry by themselves: they would hold the call until then,
    and multiply our attempts by theirs.
    """
    delay = Duration()
    delay.FromMicroseconds(round(max(0.0, wait_s) * 1e6))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _told(attempt: llm_pb2.Attempt) -> str:
    parts = [f"HTTP {attempt.http_status}"] if attempt.http_status not in {0, 200} else []
    parts += [attempt.error_code] if attempt.error_code else []
    extra = f" ({', '.join(parts)})" if parts else ""
    return f"{attempt.provider}/{attempt.model}: {PHRASES[attempt.outcome]}{extra}"


def _details(attempts: Sequence[llm_pb2.Attempt]) -> dict[str, Any]:
    """What an error has besides its words: every attempt, for programs to read."""
    told: list[Message] = list(attempts[-ATTEMPTS_TOLD_MAX:])
    return {"metadata": _metadata(attempts), "details": told, "retry_after_s": -1.0}


def _metadata(attempts: Sequence[llm_pb2.Attempt]) -> dict[str, str]:
    last = attempts[-1]
    found = {
        "provider": last.provider,
        "model": last.model,
        "attempts": str(len(attempts)),
        "outcome": llm_pb2.AttemptOutcome.Name(last.outcome).removeprefix("ATTEMPT_OUTCOME_"),
    }
    if last.http_status:
        found["http_status"] = str(last.http_status)
    if last.error_code:
        found["error_code"] = last.error_code
    return found
