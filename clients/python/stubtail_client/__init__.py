"""The Python client of stubtail: scores rows over gRPC, sync or async, with numpy in and out."""

from stubtail_client.async_client import AsyncClient
from stubtail_client.chat import AsyncChatStream, ChatStream
from stubtail_client.chat_answers import (
    Attempt,
    ChatAnswer,
    ChatPiece,
    ChatUsage,
    TokenLogprob,
    ToolCall,
    ToolCallPiece,
)
from stubtail_client.client import Client
from stubtail_client.coalescer import AsyncCoalescer, Coalescer
from stubtail_client.credentials import Credentials
from stubtail_client.decisions import Decision, Option, Outcomes, Violation
from stubtail_client.details import OutputScores, Reason, Reasons, ScoreWarning
from stubtail_client.detect_answers import (
    Anomaly,
    AnomalyKind,
    Cause,
    Driver,
    Incident,
    RowAnomalies,
    SeriesAnomalies,
    SeriesFound,
    Severity,
    WatchAlarm,
    WatchVerdicts,
)
from stubtail_client.embed_wire import (
    Embeddings,
    LanguageModel,
    LanguageModels,
    ProviderHealth,
)
from stubtail_client.errors import (
    Cancelled,
    DeadlineExceeded,
    FailedPrecondition,
    FieldViolation,
    Internal,
    InvalidArgument,
    NotFound,
    Overloaded,
    PermissionDenied,
    StubtailError,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from stubtail_client.forecasts import Forecast, Forecasts
from stubtail_client.health import HealthStatus
from stubtail_client.models import Feature, Model, ModelSummary, ScoredOutput, Tensor
from stubtail_client.options import Priority
from stubtail_client.scores import Row, Scores, Timing
from stubtail_client.watch import AsyncWatchStream, WatchState, WatchStream
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
    "Anomaly",
    "AnomalyKind",
    "AsyncChatStream",
    "AsyncClient",
    "AsyncCoalescer",
    "AsyncWatchStream",
    "Attempt",
    "Bounds",
    "Cancelled",
    "Cause",
    "ChatAnswer",
    "ChatPiece",
    "ChatStream",
    "ChatUsage",
    "Client",
    "Coalescer",
    "Credentials",
    "DeadlineExceeded",
    "Decision",
    "Driver",
    "Embeddings",
    "FailedPrecondition",
    "Feature",
    "FieldViolation",
    "Forecast",
    "Forecasts",
    "HealthStatus",
    "Incident",
    "Internal",
    "InvalidArgument",
    "LanguageModel",
    "LanguageModels",
    "Limit",
    "MaxChange",
    "Model",
    "ModelSummary",
    "NotFound",
    "Option",
    "Outcomes",
    "OutputScores",
    "Overloaded",
    "PermissionDenied",
    "Priority",
    "Profit",
    "ProviderHealth",
    "Range",
    "Reason",
    "Reasons",
    "Revenue",
    "Row",
    "RowAnomalies",
    "ScoreWarning",
    "ScoredOutput",
    "Scores",
    "SeriesAnomalies",
    "SeriesFound",
    "Severity",
    "StubtailError",
    "Tensor",
    "Timing",
    "TokenLogprob",
    "ToolCall",
    "ToolCallPiece",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "ValueAtRisk",
    "Violation",
    "WatchAlarm",
    "WatchState",
    "WatchStream",
    "WatchVerdicts",
]
