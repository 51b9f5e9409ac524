"""The errors of jobs that never ran, built once each: a refused call must cost next to nothing.

They travel as values. Whoever has to raise one raises its `fresh()`: a kept exception that is
raised keeps every request that it passed.
"""

from functools import lru_cache

from google.rpc import error_details_pb2

from stubtail.errors import CallError, Code
from stubtail.lane.job import Job
from stubtail.lane.policy import Refusal

MODELS_MAX = 1024  # cached errors; one set for each model
TENANTS_MAX = 1024  # and one for each tenant


def shown(model: str) -> str:
    """What callers call a model: inside, a tenant's own has the tenant in front."""
    return model.rpartition("/")[2]


@lru_cache(maxsize=MODELS_MAX)
def refusal_error(model: str, refusal: Refusal) -> CallError:
    """RESOURCE_EXHAUSTED with QuotaFailure, RetryInfo and push-back; not for tenants' quotas."""
    model = shown(model)
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


TENANT_REASONS = {
    Refusal.TENANT_BUSY: (
        "QUOTA_CONCURRENCY",
        "the tenant has as many calls at work as it may; wait for some to end",
        0.02,
    ),
    Refusal.TENANT_QUEUE_FULL: (
        "QUOTA_QUEUE",
        "the tenant's part of the queue is full; send less, or later",
        0.1,
    ),
}


@lru_cache(maxsize=TENANTS_MAX)
def tenant_error(tenant: str, refusal: Refusal) -> CallError:
    """RESOURCE_EXHAUSTED: a quota of the tenant is used up, whatever the others do."""
    reason, message, retry_after_s = TENANT_REASONS[refusal]
    return quota_error(tenant, reason, message, retry_after_s)


def quota_error(tenant: str, reason: str, message: str, retry_after_s: float) -> CallError:
    """RESOURCE_EXHAUSTED with QuotaFailure and the delay after which to try again."""
    violation = error_details_pb2.QuotaFailure.Violation(
        subject=f"tenant:{tenant[:128]}", description=message
    )
    return CallError(
        Code.RESOURCE_EXHAUSTED,
        reason,
        message,
        details=[error_details_pb2.QuotaFailure(violations=[violation])],
        metadata={"tenant": tenant[:128]},
        retry_after_s=retry_after_s,
    )


def job_error(job: Job, refusal: Refusal | None) -> CallError:
    """The error of a job that did not run: refused, or expired in the queue (None)."""
    name = job.queue.model.name
    if refusal is None:
        return expired_error(name)
    if refusal in TENANT_REASONS and job.tenant is not None:
        return tenant_error(job.tenant.name, refusal)
    return refusal_error(name, refusal)


@lru_cache(maxsize=MODELS_MAX)
def expired_error(model: str) -> CallError:
    """DEADLINE_EXCEEDED for a job whose deadline passed in the queue."""
    return CallError(
        Code.DEADLINE_EXCEEDED,
        "EXPIRED_IN_QUEUE",
        "the deadline passed while the call was queued",
        metadata={"model": shown(model)},
    )


@lru_cache(maxsize=MODELS_MAX)
def inference_error(model: str, version: str) -> CallError:
    """INTERNAL for a model that failed on valid input; the log has the cause."""
    model = shown(model)
    return CallError(
        Code.INTERNAL,
        "INFERENCE_FAILED",
        f"model {model} version {version} failed on this input; the server's log has the cause",
        metadata={"model": model, "version": version},
    )
