"""How the clients connect: addresses, channel arguments, and when gRPC itself may retry."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata as packages

from stubtail_client.credentials import Credentials
from stubtail_client.errors import InvalidArgument
from stubtail_client.health import CHECK_PATH
from stubtail_client.options import Metadata, checked_timeout

DEFAULT_SERVER = "127.0.0.1:8500"
DEFAULT_TIMEOUT_S = 1.0
SCORE_PATH = "/stubtail.v1.ScoringService/Score"
LIST_MODELS_PATH = "/stubtail.v1.ModelService/ListModels"
DECIDE_PATH = "/stubtail.v1.DecisionService/Decide"
FORECAST_PATH = "/stubtail.v1.ForecastingService/Forecast"
GET_MODEL_PATH = "/stubtail.v1.ModelService/GetModel"
CHAT_PATH = "/stubtail.v1.LlmService/Chat"
CHAT_STREAM_PATH = "/stubtail.v1.LlmService/ChatStream"
EMBED_PATH = "/stubtail.v1.LlmService/Embed"
LANGUAGE_MODELS_PATH = "/stubtail.v1.LlmService/ListModels"
PROVIDERS_PATH = "/stubtail.v1.LlmService/GetProviderHealth"
DETECT_PATH = "/stubtail.v1.AnomalyService/Detect"
WATCH_PATH = "/stubtail.v1.AnomalyService/Watch"
PATHS = (
    DETECT_PATH,
    FORECAST_PATH,
    *(SCORE_PATH, DECIDE_PATH, LIST_MODELS_PATH, GET_MODEL_PATH, CHECK_PATH, CHAT_PATH),
    *(EMBED_PATH, LANGUAGE_MODELS_PATH, PROVIDERS_PATH),
)

PART_BYTES_MAX = 4 * 1024 * 1024  # what a gRPC server takes if nobody raised its limit
PART_ROWS_MAX = 16_384  # a quarter of what a stubtail server takes if nobody lowered its limit
_PART_BYTES_MIN = 4096
_MESSAGE_BYTES_MAX = 64 * 1024 * 1024  # the largest reply that is read
_CONNECTIONS_MAX = 256
_KEEPALIVE_MS = 30_000  # above the 10 s that the server demands between pings
_RECONNECT_FIRST_MS = 100  # gRPC waits 1 s, as long as a whole call may take here
_RECONNECT_MAX_MS = 2_000

_METADATA_KEY = re.compile("[a-z0-9_.-]+")
_METADATA_VALUE = re.compile("[ -~]*")

# All methods only read, so that sending one again is safe. RESOURCE_EXHAUSTED is retried because
# the server says when, or never, in `grpc-retry-pushback-ms`, which the gRPC core obeys.
# The second wait outlasts a server that shuts down: it closes its connections after 0.1 s, and
# until then every call on them is refused. A call that reaches grpc-core while it closes ends as
# CANCELLED, which a server of ours never says of itself.
_RETRY_POLICY = {
    "maxAttempts": 3,
    "initialBackoff": "0.02s",
    "maxBackoff": "0.2s",
    "backoffMultiplier": 8,
    "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"],
}
# Retries stop while more than a few per cent of the calls fail, so that they cannot feed a fire.
_RETRY_THROTTLING = {"maxTokens": 50, "tokenRatio": 0.1}


@dataclass(frozen=True, slots=True)
class Settings:
    """What both clients take; `Client` describes each.

    Raises:
        InvalidArgument: a value is out of its bounds.
    """

    server: str
    timeout: float
    connections: int
    part_rows_max: int
    part_bytes_max: int
    wait_for_ready: bool
    fixed_metadata: Metadata
    credentials: Credentials | None = None

    def __post_init__(self) -> None:
        checked_timeout(self.timeout)
        if not isinstance(self.server, str) or not self.server:
            raise InvalidArgument(f'server is "host:port", not {self.server!r}')
        if not 1 <= self.connections <= _CONNECTIONS_MAX:
            raise InvalidArgument(
                f"connections is 1 to {_CONNECTIONS_MAX}, not {self.connections!r}"
            )
        if self.part_rows_max < 1:
            raise InvalidArgument(f"part_rows_max is 1 or more, not {self.part_rows_max!r}")
        if not _PART_BYTES_MIN <= self.part_bytes_max <= _MESSAGE_BYTES_MAX:
            raise InvalidArgument(
                f"part_bytes_max is {_PART_BYTES_MIN:,} to {_MESSAGE_BYTES_MAX:,} bytes, "
                f"not {self.part_bytes_max!r}"
            )

    @property
    def metadata(self) -> Metadata:
        """What the next call carries."""
        if self.credentials is None:
            return self.fixed_metadata
        return (*self.fixed_metadata, *self.credentials.metadata())

    def channel_arguments(self) -> list[tuple[str, str | int]]:
        """The arguments of each gRPC channel."""
        arguments: list[tuple[str, str | int]] = [
            ("grpc.service_config", service_config(wait_for_ready=self.wait_for_ready)),
            # Without it all channels to one address would share one connection.
            ("grpc.use_local_subchannel_pool", 1),
            # gRPC keeps 256 KiB of a call for a retry, and does not retry what is larger.
            ("grpc.per_rpc_retry_buffer_size", self.part_bytes_max),
            ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
            ("grpc.max_send_message_length", _MESSAGE_BYTES_MAX),
            ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 0),
            ("grpc.initial_reconnect_backoff_ms", _RECONNECT_FIRST_MS),
            ("grpc.max_reconnect_backoff_ms", _RECONNECT_MAX_MS),
            ("grpc.primary_user_agent", f"stubtail-client/{_version()}"),
        ]
        if is_loopback(self.server):
            # A proxy from the environment cannot reach this machine's own loopback.
            arguments.append(("grpc.enable_http_proxy", 0))
        return arguments


def service_config(*, wait_for_ready: bool) -> str:
    """The gRPC service config: what is retried, how often, and when not."""
    return json.dumps(
        {
            "methodConfig": [
                {"name": [{}], "waitForReady": wait_for_ready, "retryPolicy": _RETRY_POLICY}
            ],
            "retryThrottling": _RETRY_THROTTLING,
        }
    )


def metadata_pairs(metadata: Mapping[str, str] | Iterable[tuple[str, str | bytes]]) -> Metadata:
    """Metadata of every call as gRPC takes it.

    Raises:
        InvalidArgument: a key or a value that gRPC cannot send.
    """
    pairs = tuple(metadata.items() if isinstance(metadata, Mapping) else metadata)
    for key, value in pairs:
        binary = key.endswith("-bin")
        if not _METADATA_KEY.fullmatch(key):
            raise InvalidArgument(f"metadata key {key!r} has other characters than a-z 0-9 _ - .")
        if not isinstance(value, bytes if binary else str):
            kind = "bytes" if binary else "a string"
            raise InvalidArgument(f"metadata {key!r} is {kind}, not {type(value).__name__}")
        if isinstance(value, str) and not _METADATA_VALUE.fullmatch(value):
            raise InvalidArgument(f"metadata {key!r} has other characters than printable ASCII")
    return pairs


def is_loopback(server: str) -> bool:
    """Whether an address is this machine's own by its looks; nothing is resolved."""
    return str(server).startswith(("127.", "localhost:", "[::1]:", "unix:"))


@cache
def _version() -> str:
    try:
        return packages.version("stubtail")
    except packages.PackageNotFoundError:
        return "unknown"  # run from a checkout that is not installed
