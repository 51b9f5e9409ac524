"""One call to a language model at a time: how long it takes, and how long until its first piece."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from benchmarks.errors import WrongAnswerError
from benchmarks.llm_wire import Seen, Wire

_READ_BYTES = 1 << 16
_PATIENCE_S = 30.0


@dataclass(slots=True)
class Latencies:
    """Of single calls, seconds.

    Attributes:
        unary_s: whole answers.
        first_s: from asking to the first piece of a stream.
    """

    unary_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)


class Caller:
    """A blocking connection; use it as a context manager."""

    def __init__(self, address: str, wire: Wire) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), _PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wire = wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def unary_s(self) -> float:
        """A whole answer.

        Raises:
            WrongAnswerError: it is no complete one.
        """
        begun_ns = time.monotonic_ns()
        seen = self._ask("now", stream=False, until=lambda seen: seen.ended)
        return (time.monotonic_ns() - begun_ns) / 1e9 if seen.ok else _incomplete()

    def first_s(self, model: str) -> float:
        """Until the first piece of a stream, which is then read to its end.

        Raises:
            WrongAnswerError: it is no complete one.
        """
        begun_ns = time.monotonic_ns()
        seen = self._ask(model, stream=True, until=lambda seen: seen.ended)
        return (seen.first_ns - begun_ns) / 1e9 if seen.ok and seen.first_ns else _incomplete()

    def _ask(self, model: str, *, stream: bool, until: Callable[[Seen], bool]) -> Seen:
        seen, data = self._wire.ask(model, stream=stream)
        self._socket.sendall(data)
        while not until(seen):
            data = self._socket.recv(_READ_BYTES)
            if not data:
                raise WrongAnswerError("the server closed the connection")
            out = self._wire.feed(data, time.monotonic_ns())
            if out:
                self._socket.sendall(out)
        return seen


def _incomplete() -> float:
    raise WrongAnswerError("an answer is not complete")
