"""The Python client of stubtail: scores rows over gRPC, sync or async, with numpy in and out."""

from stubtail_client.async_client import AsyncClient
from stubtail_client.chat import AsyncChatStream, ChatStream
from stubtail_client.chat_answers import (
    Attempt,
    ChatAnswer,
    ChatPiece,
    ChatUsage,
    ToolCall,
    ToolCallPiece,
)
from stubtail_client.client import Client
from stubtail_client.decisions import Decision, Option, Outcomes, Violation
from stubtail_client.details import OutputScores, Reason, Reasons, ScoreWarning
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
from stubtail_client.models import Feature, Model, ModelSummary, ScoredOutput, Tensor
from stubtail_client.options import Priority
from stubtail_client.scores import Row, Scores, Timing
from stubtail_client.wishes import (
    Bounds,
    Limit,
    MaxChange,
    Profit,
    Range,
    Revenue,
    ValueAtRisk,
)

__all__ = [
    "AsyncChatStream",
    "AsyncClient",
    "Attempt",
    "Bounds",
    "Cancelled",
    "ChatAnswer",
    "ChatPiece",
    "ChatStream",
    "ChatUsage",
    "Client",
    "DeadlineExceeded",
    "Decision",
    "FailedPrecondition",
    "Feature",
    "FieldViolation",
    "HealthStatus",
    "Internal",
    "InvalidArgument",
    "Limit",
    "MaxChange",
    "Model",
    "ModelSummary",
    "NotFound",
    "Option",
    "Outcomes",
    "OutputScores",
    "Overloaded",
    "Priority",
    "Profit",
    "Range",
    "Reason",
    "Reasons",
    "Revenue",
    "Row",
    "ScoreWarning",
    "ScoredOutput",
    "Scores",
    "StubtailError",
    "Tensor",
    "Timing",
    "ToolCall",
    "ToolCallPiece",
    "Unavailable",
    "Unimplemented",
    "ValueAtRisk",
    "Violation",
]
