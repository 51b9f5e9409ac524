"""Every error that a caller can see: its gRPC status, its reason and its google.rpc details."""

from collections.abc import Iterable, Mapping
from enum import IntEnum

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "stubtail"
DETAILS_KEY = "grpc-status-details-bin"
DRAIN_RETRY_S = 0.3  # by then a drained server has closed its connections, and another answers
MESSAGE_CHARACTERS_MAX = 1024  # trailers count toward the peer's metadata limit of 8 KiB


Trailers = tuple[tuple[str, str | bytes], ...]


class Code(IntEnum):
    """The gRPC status codes that the server sends, by their numbers on the wire."""

    OK = 0
    CANCELLED = 1
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class CallError(Exception):
    """One call's answer when it is not OK.

    Args:
        code: the gRPC status.
        reason: a name of `stubtail.v1.ErrorReason` without its prefix.
        message: tells the caller what to change; cut at 1,024 characters.
        details: messages, most of them of google.rpc, besides the ErrorInfo that is always sent.
        metadata: the values in the message, for programs to read (ErrorInfo.metadata).
        retry_after_s: when a retry makes sense; negative says never. None sends nothing.
    """

    def __init__(
        self,
        code: Code,
        reason: str,
        message: str,
        *,
        details: Iterable[Message] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message[:MESSAGE_CHARACTERS_MAX]
        self._details = tuple(details)
        self._metadata = dict(metadata or {})
        self._retry_after_s = retry_after_s
        self._trailing: Trailers | None = None
        self._status_details: Trailers | None = None

    def about(self, model: str) -> "CallError":
        """The same error where a call has several models, and this one of them is meant."""
        return CallError(
            self.code,
            self.reason,
            f"{model}: {self.message}",
            details=self._details,
            metadata={**self._metadata, "model": model},
            retry_after_s=self._retry_after_s,
        )

    def fresh(self) -> "CallError":
        """Another error that says the same, with the trailers that were built for this one.

        For raising an error that is kept: an exception holds the frames that it passed, and with
        them whole requests.
        """
        self._status_details = self.status_details
        other = CallError.__new__(CallError, self.message)
        other.__dict__.update(self.__dict__)
        return other

    def forget(self) -> None:
        """Lets go of the frames that it passed and of what caused it; whoever caught it calls this.

        The frame that keeps a caught error in a variable is one of them: a cycle, which would hold
        the request until a full collection, and those are rare here.
        """
        self.__traceback__ = self.__context__ = self.__cause__ = None

    @property
    def about_scope(self) -> str:
        """The scope that was missing, for the audit log; "" where none was."""
        return self._metadata.get("scope", "")

    @property
    def trailing_metadata(self) -> Trailers:
        """The details as gRPC sends them, built once: a shed call must cost next to nothing."""
        if self._trailing is None:
            self._trailing = self._build_trailing_metadata()
        return self._trailing

    @property
    def status_details(self) -> Trailers:
        """The same without push-back, which RetryInfo says too; built once."""
        if self._status_details is None:
            trailing = self.trailing_metadata
            self._status_details = tuple(pair for pair in trailing if pair[0] == DETAILS_KEY)
        return self._status_details

    def _build_trailing_metadata(self) -> Trailers:
        info = error_details_pb2.ErrorInfo(
            reason=self.reason, domain=DOMAIN, metadata=self._metadata
        )
        details: list[Message] = [info, *self._details]
        trailing: list[tuple[str, str | bytes]] = []
        if self._retry_after_s is not None:
            # The core retry filter reads only this key; people and other tools read RetryInfo.
            # Never 0, on which gRPC's core (1.85) waits until the deadline instead of not at all.
            pushback_ms = int(self._retry_after_s * 1000) or 1
            trailing.append(("grpc-retry-pushback-ms", str(pushback_ms)))
            if self._retry_after_s >= 0:
                delay = Duration()
                delay.FromMicroseconds(int(self._retry_after_s * 1e6))
                details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        status = status_pb2.Status(code=int(self.code), message=self.message)
        for detail in details:
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        trailing.append((DETAILS_KEY, status.SerializeToString()))
        return tuple(trailing)


def invalid_field(field: str, expected: str) -> CallError:
    """INVALID_ARGUMENT that names the field and says what was expected there."""
    violation = error_details_pb2.BadRequest.FieldViolation(
        field=field[:256], description=expected[:MESSAGE_CHARACTERS_MAX]
    )
    return CallError(
        Code.INVALID_ARGUMENT,
        "INVALID_FIELD",
        f"{field}: {expected}",
        details=[error_details_pb2.BadRequest(field_violations=[violation])],
    )


def malformed_message(type_name: str) -> CallError:
    """INVALID_ARGUMENT for bytes that are not the expected message."""
    return CallError(
        Code.INVALID_ARGUMENT,
        "MALFORMED_MESSAGE",
        f"the request is not a valid {type_name} message",
        metadata={"expected": type_name},
    )


def not_found(kind: str, name: str, reason: str, message: str) -> CallError:
    """NOT_FOUND with a google.rpc.ResourceInfo; `kind` is "model" or "version"."""
    resource = error_details_pb2.ResourceInfo(
        resource_type=f"stubtail.{kind}", resource_name=name[:256], description=message
    )
    return CallError(
        Code.NOT_FOUND, reason, message, details=[resource], metadata={kind: name[:256]}
    )


def draining() -> CallError:
    """UNAVAILABLE while the server shuts down."""
    return CallError(
        Code.UNAVAILABLE,
        "DRAINING",
        "the server is shutting down; call another one",
        retry_after_s=DRAIN_RETRY_S,
    )


def message_too_large(
    size_bytes: int, limit_bytes: int, bound: str = "setting limits.message_bytes_max"
) -> CallError:
    """RESOURCE_EXHAUSTED, as gRPC itself answers, with the limit and what it is the limit of."""
    return CallError(
        Code.RESOURCE_EXHAUSTED,
        "MESSAGE_TOO_LARGE",
        f"the message has {size_bytes} bytes, the limit is {limit_bytes} ({bound})",
        metadata={"size_bytes": str(size_bytes), "limit_bytes": str(limit_bytes)},
        retry_after_s=-1,
    )


def server_defect() -> CallError:
    """INTERNAL for a defect of ours; the cause goes to the log, never to the caller."""
    return CallError(
        Code.INTERNAL,
        "SERVER_DEFECT",
        "the server failed to handle this call; its log has the cause",
    )
