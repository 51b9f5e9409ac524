"""Health.Check of grpc.health.v1, encoded by hand: two one-field messages need no package."""

from enum import IntEnum

from stubtail_client.errors import malformed_reply
from stubtail_client.wire import field

CHECK_PATH = "/grpc.health.v1.Health/Check"
_SERVICE_TAG = b"\x0a"  # field 1, a string
_STATUS_TAG = b"\x08"  # field 1, an enum


class HealthStatus(IntEnum):
    """What a server says about itself, or about one of its services or models."""

    UNKNOWN = 0
    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


def encode_check(service: str) -> bytes:
    """HealthCheckRequest for a service; "" asks for the server as a whole."""
    return field(_SERVICE_TAG, service.encode()) if service else b""


def decode_check(reply: bytes) -> HealthStatus:
    """The status in a HealthCheckResponse.

    Raises:
        Internal: the bytes are not such a message.
    """
    if not reply:
        return HealthStatus.UNKNOWN  # proto3 sends nothing for 0
    if len(reply) == 2 and reply[:1] == _STATUS_TAG and reply[1] < len(HealthStatus):
        return HealthStatus(reply[1])
    raise malformed_reply("Health.Check")
