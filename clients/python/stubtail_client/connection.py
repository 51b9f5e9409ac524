"""How the clients connect: addresses and the arguments of channels."""

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
    *(SCORE_PATH, DECIDE_PATH, FORECAST_PATH, DETECT_PATH, LIST_MODELS_PATH, GET_MODEL_PATH),
    *(CHECK_PATH, CHAT_PATH, EMBED_PATH, LANGUAGE_MODELS_PATH, PROVIDERS_PATH),
)

PART_BYTES_MAX = 4 * 1024 * 1024  # what a gRPC server takes if nobody raised its limit
PART_ROWS_MAX = 16_384  # a quarter of what a stubtail server takes if nobody lowered its limit
PART_BYTES_MIN = 4096
MESSAGE_BYTES_MAX = 64 * 1024 * 1024  # of a request and of a reply, where nobody says another
_CONNECTIONS_MAX = 256
_COUNT_MAX = 2**31 - 1  # what gRPC takes
_KEEPALIVE_MS = 30_000  # above the 10 s that the server demands between pings
_RECONNECT_FIRST_MS = 100  # gRPC waits 1 s, as long as a whole call may take here
_RECONNECT_MAX_MS = 2_000
_LOOK_UP_MS = 5_000  # gRPC waits 30 s before it looks a name up again, though no address answers

_METADATA_KEY = re.compile("[a-z0-9_.-]+")
_METADATA_VALUE = re.compile("[ -~]*")

# The addresses of a name take turns; with one address it makes no difference. The client retries
# by itself: gRPC's own retries know the pushback key alone, and wait for it beyond the deadline.
_BALANCING: list[dict[str, dict[str, str]]] = [{"round_robin": {}}]


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
    hedge_after: float | None = None
    message_bytes_max: int = MESSAGE_BYTES_MAX

    def __post_init__(self) -> None:
        checked_timeout(self.timeout)
        # Without a port gRPC would call 443, and of a web address it would look up the scheme.
        if not isinstance(self.server, str) or not self.server.partition(":")[2]:
            raise InvalidArgument(f'server is "host:port", not {self.server!r}')
        if self.server.startswith(("http://", "https://", "grpc://", "grpcs://")):
            raise InvalidArgument(f'server is "host:port" without a scheme, not {self.server!r}')
        checked_count("connections", self.connections, 1, _CONNECTIONS_MAX)
        checked_count("part_rows_max", self.part_rows_max, 1, _COUNT_MAX)
        if not PART_BYTES_MIN <= self.part_bytes_max <= self.message_bytes_max:
            raise InvalidArgument(
                f"part_bytes_max is {PART_BYTES_MIN:,} bytes to message_bytes_max, "
                f"{self.message_bytes_max:,}, not {self.part_bytes_max!r}"
            )
        after = self.hedge_after
        if after is not None and not (isinstance(after, (int, float)) and after > 0):
            raise InvalidArgument(f"hedge_after is seconds above 0, not {after!r}")
        if not isinstance(self.wait_for_ready, bool):
            raise InvalidArgument(f"wait_for_ready is True or False, not {self.wait_for_ready!r}")

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
            ("grpc.service_config_disable_resolution", 1),  # nobody's DNS records change it
            ("grpc.max_receive_message_length", self.message_bytes_max),
            ("grpc.max_send_message_length", self.message_bytes_max),
            ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 0),
            ("grpc.initial_reconnect_backoff_ms", _RECONNECT_FIRST_MS),
            ("grpc.max_reconnect_backoff_ms", _RECONNECT_MAX_MS),
            ("grpc.dns_min_time_between_resolutions_ms", _LOOK_UP_MS),
            ("grpc.primary_user_agent", f"stubtail-client/{_version()}"),
        ]
        if is_loopback(self.server):
            # A proxy from the environment cannot reach this machine's own loopback.
            arguments.append(("grpc.enable_http_proxy", 0))
        return arguments


def checked_count(name: str, count: int, least: int, most: int = _COUNT_MAX) -> int:
    """The value of an argument, if it is a whole number within its bounds.

    Raises:
        InvalidArgument: it is not.
    """
    if isinstance(count, int) and not isinstance(count, bool) and least <= count <= most:
        return count
    raise InvalidArgument(f"{name} is a whole number, {least:,} to {most:,}, not {count!r}")


def service_config(*, wait_for_ready: bool) -> str:
    """The gRPC service config: how connections are chosen, and whether calls wait for one."""
    every_method = {"name": [{}], "waitForReady": wait_for_ready}
    return json.dumps({"loadBalancingConfig": _BALANCING, "methodConfig": [every_method]})


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
    address = str(server).removeprefix("dns:///")
    return address.startswith(("127.", "localhost:", "[::1]:", "unix:"))


@cache
def _version() -> str:
    try:
        return packages.version("stubtail")
    except packages.PackageNotFoundError:
        return "unknown"  # run from a checkout that is not installed
