"""The Python client of stubtail: scores rows over gRPC, sync or async, with numpy in and out."""

from stubtail_client.async_client import AsyncClient
from stubtail_client.client import Client
from stubtail_client.errors import (
    Cancelled,
    DeadlineExceeded,
    FailedPrecondition,
    FieldViolation,
    Internal,
    InvalidArgument,
    NotFound,
    Overloaded,
    StubtailError,
    Unavailable,
    Unimplemented,
)
from stubtail_client.health import HealthStatus
from stubtail_client.models import Feature, Model, ModelSummary, Tensor
from stubtail_client.options import Priority
from stubtail_client.scores import Row, Scores, Timing

__all__ = [
    "AsyncClient",
    "Cancelled",
    "Client",
    "DeadlineExceeded",
    "FailedPrecondition",
    "Feature",
    "FieldViolation",
    "HealthStatus",
    "Internal",
    "InvalidArgument",
    "Model",
    "ModelSummary",
    "NotFound",
    "Overloaded",
    "Priority",
    "Row",
    "Scores",
    "StubtailError",
    "Tensor",
    "Timing",
    "Unavailable",
    "Unimplemented",
]
