"""What a failed call raises: one exception class per gRPC status, with the server's details."""

# ruff: noqa: N818 - the exceptions have the names of the gRPC statuses, which callers know

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from stubtail.v1 import llm_pb2
from stubtail_client.chat_answers import Attempt, ChatAnswer

DETAILS_KEY = "grpc-status-details-bin"
PUSHBACK_KEY = "grpc-retry-pushback-ms"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One thing that is wrong with a request.

    Attributes:
        field: the feature or the field of the request.
        description: what was expected there.
    """

    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}"


class StubtailError(Exception):
    """A call that did not succeed. Catch this one to catch them all.

    Attributes:
        message: what went wrong and what to change, in one sentence.
        code: the name of the gRPC status, such as "NOT_FOUND".
        reason: a name of `stubtail.v1.ErrorReason` without its prefix, such as "QUEUE_FULL".
            Three reasons come from the client itself: "CONNECTION_FAILED", "CLIENT_CLOSED" and
            "MALFORMED_REPLY". Empty where nobody gave one.
        metadata: the values in the message, for programs to read.
        retry_after_s: when a retry makes sense; None where the server named no time.
        never_again: whether the server, or the client's own end, says that a retry makes none.
        violations: the fields that are wrong; empty but for InvalidArgument.
        attempts: whom the server asked for an answer of a language model, in their order, the
            last eight; empty for all other calls.
        partial: what came of a streamed answer before it broke off; None for all other calls.
    """

    status = "UNKNOWN"  # the code of the class; an unexpected status keeps its own name in `code`

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
        violations: Iterable[FieldViolation] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.status
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after_s = retry_after_s
        self.never_again = False
        self.violations = list(violations)
        self.attempts: list[Attempt] = []
        self.partial: ChatAnswer | None = None


class InvalidArgument(StubtailError, ValueError):
    """The request is wrong; `violations` says where. The client raises it too, before sending."""

    status = "INVALID_ARGUMENT"


class NotFound(StubtailError, LookupError):
    """The server has no such model, version or service."""

    status = "NOT_FOUND"


class Unauthenticated(StubtailError, PermissionError):
    """The server does not know who calls; `reason` says what is wrong with the credential."""

    status = "UNAUTHENTICATED"


class PermissionDenied(StubtailError, PermissionError):
    """The caller may not; `metadata["scope"]` is the scope that is missing."""

    status = "PERMISSION_DENIED"


class FailedPrecondition(StubtailError):
    """The model is switched off; a retry helps only after an operator has acted."""

    status = "FAILED_PRECONDITION"


class Overloaded(StubtailError):
    """The server refused for want of capacity, or the message is too large (see `reason`)."""

    status = "RESOURCE_EXHAUSTED"


class DeadlineExceeded(StubtailError, TimeoutError):
    """No answer came within the timeout."""

    status = "DEADLINE_EXCEEDED"


class Unavailable(StubtailError, ConnectionError):
    """The server cannot be reached, is shutting down, or is loading the model."""

    status = "UNAVAILABLE"


class Internal(StubtailError):
    """The model failed on valid input, or the server has a defect."""

    status = "INTERNAL"


class Unimplemented(StubtailError):
    """The server does not offer this method."""

    status = "UNIMPLEMENTED"


class Cancelled(StubtailError):
    """The call was cancelled, for instance because the client was closed meanwhile."""

    status = "CANCELLED"


CLASSES: dict[str, type[StubtailError]] = {
    kind.status: kind
    for kind in (
        InvalidArgument,
        NotFound,
        Unauthenticated,
        PermissionDenied,
        FailedPrecondition,
        Overloaded,
        DeadlineExceeded,
        Unavailable,
        Internal,
        Unimplemented,
        Cancelled,
    )
}


def invalid_rows(field: str, description: str) -> InvalidArgument:
    """The refusal of rows that cannot be sent, in the form that the server would use."""
    violation = FieldViolation(field, description)
    return InvalidArgument(str(violation), reason="INVALID_FIELD", violations=[violation])


def closed_client() -> Cancelled:
    """The refusal of a call on a client that is closed."""
    error = Cancelled("the client is closed; make a new one", reason="CLIENT_CLOSED")
    error.never_again = True
    return error


def unreachable(server: str, timeout: float) -> Unavailable:
    """The call waited for a connection until its deadline."""
    return Unavailable(
        f"no connection to {server} within {timeout:g} s; is the server running?",
        reason="CONNECTION_FAILED",
        metadata={"server": server},
    )


def malformed_reply(method: str) -> Internal:
    """The reply is not what the method returns: something that is not stubtail answered."""
    return Internal(
        f"the reply to {method} is malformed; is a stubtail server listening there?",
        reason="MALFORMED_REPLY",
    )


def from_status(
    code: str,
    message: str,
    trailing_metadata: Iterable[tuple[str, str | bytes]],
    *,
    server: str,
    timeout: float,
) -> StubtailError:
    """Turns what gRPC reports of a failed call into one of the exceptions above.

    Args:
        code: the name of the gRPC status.
        message: the message of the status.
        trailing_metadata: as received; details are read from `grpc-status-details-bin`.
        server: the address that was called, for messages.
        timeout: how long the call could take, in seconds, for messages.
    """
    trailing = dict(trailing_metadata)
    details = _details(trailing.get(DETAILS_KEY))
    pushback = trailing.get(PUSHBACK_KEY)
    error = CLASSES.get(code, StubtailError)(message, code=code)
    for detail in details:
        if isinstance(detail, error_details_pb2.ErrorInfo):
            error.reason = detail.reason
            error.metadata = dict(detail.metadata)
        elif isinstance(detail, error_details_pb2.RetryInfo):
            error.retry_after_s = detail.retry_delay.ToMicroseconds() / 1e6
        elif isinstance(detail, llm_pb2.Attempt):
            error.attempts.append(Attempt.of(detail))
        else:
            error.violations = [
                FieldViolation(violation.field, violation.description)
                for violation in detail.field_violations
            ]
    if pushback is not None:
        pushback_s = _pushback_s(pushback)
        error.never_again = pushback_s is None
        if error.retry_after_s is None:  # RetryInfo may name a time for people all the same
            error.retry_after_s = pushback_s
    if not error.reason:
        _explain_local_status(error, server, timeout)
    return error


def _explain_local_status(error: StubtailError, server: str, timeout: float) -> None:
    """Words for the statuses that the gRPC library makes up itself, which carry no details."""
    if isinstance(error, Unavailable):
        error.reason = "CONNECTION_FAILED"
        error.metadata = {"server": server}
        error.message = f"cannot reach {server}: {error.message}"
    elif isinstance(error, DeadlineExceeded):
        error.message = f"no answer from {server} within {timeout:g} s"
    elif isinstance(error, Unimplemented):  # a stubtail that has the method gives a reason
        error.message = (
            f"{server} does not offer this method: it is no stubtail server, an older one, or one "
            "where this is switched off, as language models are without providers"
        )
    error.args = (error.message,)


_DETAIL_CLASSES: tuple[Any, ...] = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.RetryInfo,
    error_details_pb2.BadRequest,
    llm_pb2.Attempt,
)


def _details(serialized: str | bytes | None) -> list[Any]:
    """The details that are understood here; others, and malformed ones, are passed over."""
    if not isinstance(serialized, bytes):
        return []
    found = []
    try:
        for packed in status_pb2.Status.FromString(serialized).details:
            for kind in _DETAIL_CLASSES:
                if packed.Is(kind.DESCRIPTOR):
                    detail = kind()
                    packed.Unpack(detail)
                    found.append(detail)
    except DecodeError:
        return found  # a status without details is still the status
    return found


def _pushback_s(value: str | bytes) -> float | None:
    """Seconds from `grpc-retry-pushback-ms`; negative or malformed means: do not retry."""
    try:
        pushback_ms = int(value)
    except ValueError:
        return None
    return pushback_ms / 1000 if pushback_ms >= 0 else None
