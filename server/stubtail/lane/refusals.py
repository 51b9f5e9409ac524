"""The errors of jobs that never ran, built once each: a refused call must cost next to nothing."""

from functools import lru_cache

from google.rpc import error_details_pb2

from stubtail.errors import CallError, Code
from stubtail.lane.policy import Refusal

MODELS_MAX = 1024  # cached errors; one set for each model


@lru_cache(maxsize=MODELS_MAX)
def refusal_error(model: str, refusal: Refusal) -> CallError:
    """RESOURCE_EXHAUSTED with QuotaFailure, RetryInfo and push-back."""
    if refusal is Refusal.QUEUE_FULL:
        reason, message, retry_after_s = (
            "QUEUE_FULL",
            "the queue is full; send less, or later",
            0.1,
        )
    else:
        reason, message, retry_after_s = (
            "DEADLINE_UNREACHABLE",
            "the work ahead would make this call miss its deadline; allow more time or retry later",
            0.02,
        )
    quota = error_details_pb2.QuotaFailure(
        violations=[
            error_details_pb2.QuotaFailure.Violation(subject=f"model:{model}", description=message)
        ]
    )
    return CallError(
        Code.RESOURCE_EXHAUSTED,
        reason,
        message,
        details=[quota],
        metadata={"model": model},
        retry_after_s=retry_after_s,
    )


@lru_cache(maxsize=MODELS_MAX)
def expired_error(model: str) -> CallError:
    """DEADLINE_EXCEEDED for a job whose deadline passed in the queue."""
    return CallError(
        Code.DEADLINE_EXCEEDED,
        "EXPIRED_IN_QUEUE",
        "the deadline passed while the call was queued",
        metadata={"model": model},
    )


@lru_cache(maxsize=MODELS_MAX)
def inference_error(model: str, version: str) -> CallError:
    """INTERNAL for a model that failed on valid input; the log has the cause."""
    return CallError(
        Code.INTERNAL,
        "INFERENCE_FAILED",
        f"model {model} version {version} failed on this input; the server's log has the cause",
        metadata={"model": model, "version": version},
    )
