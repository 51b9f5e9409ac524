"""Pins how a failed call's status and details become an exception."""

import pickle

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

import stubtail_client
from stubtail.errors import CallError, Code, draining, invalid_field, message_too_large, not_found
from stubtail.v1 import common_pb2
from stubtail_client import errors


def from_server(error: CallError) -> errors.StubtailError:
    """What the client makes of an error as the server sends it."""
    return errors.from_status(
        error.code.name, error.message, error.trailing_metadata, server="h:1", timeout=1.0
    )


@pytest.mark.parametrize(
    ("sent", "kind", "builtin"),
    [
        (invalid_field("tenure", "a number"), errors.InvalidArgument, ValueError),
        (not_found("model", "x", "MODEL_NOT_FOUND", "no"), errors.NotFound, LookupError),
        (CallError(Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", "x"), errors.Overloaded, Exception),
        (
            CallError(Code.DEADLINE_EXCEEDED, "EXPIRED_IN_QUEUE", "x"),
            errors.DeadlineExceeded,
            TimeoutError,
        ),
        (draining(), errors.Unavailable, ConnectionError),
        (
            CallError(Code.FAILED_PRECONDITION, "MODEL_DISABLED", "x"),
            errors.FailedPrecondition,
            Exception,
        ),
        (CallError(Code.INTERNAL, "INFERENCE_FAILED", "x"), errors.Internal, Exception),
        (CallError(Code.UNIMPLEMENTED, "NOT_OFFERED", "x"), errors.Unimplemented, Exception),
        (CallError(Code.CANCELLED, "", "x"), errors.Cancelled, Exception),
    ],
)
def test_each_status_has_its_class(sent, kind, builtin):
    """Every status that the server sends raises its own class, which is also Python's own."""
    error = from_server(sent)

    assert type(error) is kind
    assert isinstance(error, builtin)
    assert isinstance(error, errors.StubtailError)
    assert error.code == sent.code.name
    assert error.reason == sent.reason


def test_violations_are_read():
    """INVALID_ARGUMENT says which field is wrong and what was expected."""
    error = from_server(invalid_field("contract", "one of Month-to-month, One year"))

    assert error.violations == [
        errors.FieldViolation("contract", "one of Month-to-month, One year")
    ]
    assert str(error) == "contract: one of Month-to-month, One year"


def test_retry_and_metadata_are_read():
    """RetryInfo and ErrorInfo.metadata reach the caller."""
    error = from_server(
        CallError(
            Code.RESOURCE_EXHAUSTED,
            "QUEUE_FULL",
            "full",
            metadata={"model": "churn"},
            retry_after_s=0.25,
        )
    )

    assert error.retry_after_s == 0.25
    assert error.metadata == {"model": "churn"}


def test_never_retry_gives_no_time():
    """A negative pushback means never: there is no time after which a retry makes sense."""
    error = from_server(message_too_large(10, 5))

    assert error.retry_after_s is None
    assert error.metadata == {"size_bytes": "10", "limit_bytes": "5"}


def test_pushback_alone_is_enough():
    """A proxy that drops the details leaves the pushback."""
    error = errors.from_status(
        "RESOURCE_EXHAUSTED",
        "x",
        [("grpc-retry-pushback-ms", "40")],
        server="h:1",
        timeout=1.0,
    )

    assert error.retry_after_s == 0.04


@pytest.mark.parametrize("details", [b"\xff\xff", b"", "text"])
@pytest.mark.parametrize("pushback", ["x", ""])
def test_malformed_details_leave_the_status(details, pushback):
    """Broken trailers cost the details, never the error itself."""
    error = errors.from_status(
        "NOT_FOUND",
        "no such model",
        [("grpc-status-details-bin", details), ("grpc-retry-pushback-ms", pushback)],
        server="h:1",
        timeout=1.0,
    )

    assert isinstance(error, errors.NotFound)
    assert str(error) == "no such model"
    assert error.retry_after_s is None


def test_malformed_detail_keeps_the_ones_before():
    """A detail that cannot be read does not hide those before it."""
    good = AnyMessage()
    good.Pack(error_details_pb2.ErrorInfo(reason="MODEL_LOADING"))
    bad = AnyMessage(type_url="type.googleapis.com/google.rpc.RetryInfo", value=b"\xff")
    unknown = AnyMessage(type_url="type.googleapis.com/google.rpc.Help", value=b"\xff")
    status = status_pb2.Status(code=14, details=[unknown, good, bad])

    error = errors.from_status(
        "UNAVAILABLE",
        "loading",
        [("grpc-status-details-bin", status.SerializeToString())],
        server="h:1",
        timeout=1.0,
    )

    assert error.reason == "MODEL_LOADING"


def test_unknown_status_is_the_base_class():
    """A status that stubtail never sends keeps its name."""
    error = errors.from_status("DATA_LOSS", "x", [], server="h:1", timeout=1.0)

    assert type(error) is errors.StubtailError
    assert error.code == "DATA_LOSS"


def test_local_statuses_name_the_server():
    """What the gRPC library makes up is told in words that say what to look at."""
    unavailable = errors.from_status("UNAVAILABLE", "refused", [], server="h:1", timeout=1.0)
    late = errors.from_status("DEADLINE_EXCEEDED", "Deadline", [], server="h:1", timeout=0.5)
    other = errors.from_status("UNIMPLEMENTED", "Method not found!", [], server="h:1", timeout=1.0)

    assert str(other).startswith("h:1 does not offer this method: ")
    assert unavailable.reason == "CONNECTION_FAILED"
    assert str(unavailable) == "cannot reach h:1: refused"
    assert str(late) == "no answer from h:1 within 0.5 s"


def test_errors_travel_between_processes():
    """An exception of a worker process arrives whole: pickling keeps every attribute."""
    error = from_server(invalid_field("tenure", "a number"))

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is errors.InvalidArgument
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_every_class_is_public():
    """Whatever can be raised can be imported from the package."""
    for kind in errors.CLASSES.values():
        assert getattr(stubtail_client, kind.__name__) is kind


def test_client_reasons_are_not_the_servers():
    """The reasons that the client makes up never collide with published ones, present or past."""
    published = {
        value.name.removeprefix("ERROR_REASON_")
        for value in common_pb2.ErrorReason.DESCRIPTOR.values
    }

    assert not published & {"CONNECTION_FAILED", "CLIENT_CLOSED", "MALFORMED_REPLY"}
