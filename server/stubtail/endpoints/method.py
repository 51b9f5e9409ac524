"""The kinds of method that an endpoint can offer; a transport knows nothing else of endpoints."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import Any

from stubtail.errors import malformed_message


@dataclass(frozen=True, slots=True)
class Immediate:
    """A unary method that answers from memory in microseconds, on the thread that received it.

    `handle` takes the request's bytes and returns the reply's; it raises CallError.
    """

    path: str
    handle: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Unary:
    """A unary method that waits for something, on the event loop; `handle` raises CallError.

    Attributes:
        direct: the native front serves it itself: for methods where a hop more counts.
        take_s: how long its caller may take none of a message before the call is ended: for methods
            that hold something meanwhile.
    """

    path: str
    handle: Callable[[bytes], Awaitable[bytes]]
    direct: bool = False
    take_s: float = inf


@dataclass(frozen=True, slots=True)
class ServerStream:
    """A server-streaming method on the event loop; `handle` raises CallError.

    Attributes:
        direct: the native front serves it itself: for methods where a hop more counts.
        take_s: how long its caller may take none of a message before the call is ended: for methods
            that hold something meanwhile.
        pushed: the same as `handle`, for transports that can send a message in the moment in which
            it comes: what its second argument takes is not yielded, and nothing is woken for it.
    """

    path: str
    handle: Callable[[bytes], AsyncIterator[bytes]]
    direct: bool = False
    take_s: float = inf
    pushed: Callable[[bytes, Callable[[bytes], bool]], AsyncIterator[bytes]] | None = None


@dataclass(frozen=True, slots=True)
class BidiStream:
    """A bidirectional method on the event loop; `handle` raises CallError.

    Attributes:
        counted: it is itself work of its tenant; not where its messages are, as jobs of the lane.
    """

    path: str
    handle: Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]
    counted: bool = True


def parse(message_type: Any, payload: bytes) -> Any:
    """The message in `payload`.

    Raises:
        CallError: INVALID_ARGUMENT when the bytes are no such message.
    """
    try:
        return message_type.FromString(payload)
    except Exception as error:  # protobuf's DecodeError has no stable home across runtimes
        raise malformed_message(message_type.DESCRIPTOR.full_name) from error
