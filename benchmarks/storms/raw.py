"""A connection of HTTP/2 that sends whatever it is told, and counts what comes back."""

import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Sequence

from benchmarks.calls import header_blocks
from benchmarks.rows import INFER_PATH
from stubtail_bench.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    frame,
)

_CONNECT_S = 10.0
_FRAME_HEAD_BYTES = 9
_INITIAL_WINDOW, _LARGEST_WINDOW = 4, 2**31 - 1
_KINDS = {HEADERS: "headers", RST_STREAM: "resets by the server", GOAWAY: "GOAWAY"}


class RawConnection:
    """One TCP connection; `closed` once the server has ended it.

    Attributes:
        seen: What the server has sent: frames by kind.
        closed: Whether it has closed the connection.
    """

    def __init__(self, address: str, *, receive_bytes: int = 0, greets: bool = True) -> None:
        """Connects, and sends the preface and settings.

        Args:
            address: `host:port`.
            receive_bytes: Size of the kernel's buffer for what comes; 0 for its own choice.
            greets: Send preface and settings.

        Raises:
            OSError: The server takes no connection.
        """
        self.seen: Counter[str] = Counter()
        self.closed = False
        self._next_stream = 1
        self._opening, self._steady = header_blocks(INFER_PATH)
        self._came = b""
        host, _, port = address.rpartition(":")
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(_CONNECT_S)
        self.socket.connect((host, int(port)))
        if greets:
            window = struct.pack(">HI", _INITIAL_WINDOW, _LARGEST_WINDOW)
            self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, window))

    def head(self) -> tuple[int, bytes]:
        """The next stream and the HEADERS frame of a call on it."""
        stream, block = self._next_stream, self._steady if self._next_stream > 1 else self._opening
        self._next_stream += 2
        return stream, frame(HEADERS, END_HEADERS, stream, block)

    def call(self, message: bytes) -> bytes:
        """The frames of a whole call; the message has at most 16 kB."""
        stream, head = self.head()
        body = b"\0" + len(message).to_bytes(4, "big") + message
        return head + frame(DATA, END_STREAM, stream, body)

    def send(self, data: bytes) -> bool:
        """Sends all of `data`, waiting for room; False where the server does not take it."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            self.closed = self.closed or not isinstance(error, TimeoutError)
            return False
        return True

    def drain(self) -> None:
        """Reads what has come, without waiting."""
        self.socket.setblocking(False)
        try:
            while data := self.socket.recv(1 << 18):
                self._count(data)
            self.closed = True
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True
        self.socket.settimeout(1.0)

    def _count(self, data: bytes) -> None:
        self._came += data
        at = 0
        while len(self._came) - at >= _FRAME_HEAD_BYTES:
            size = int.from_bytes(self._came[at : at + 3], "big")
            if len(self._came) - at < _FRAME_HEAD_BYTES + size:
                break
            self.seen[_KINDS.get(self._came[at + 3], "others")] += 1
            at += _FRAME_HEAD_BYTES + size
        self._came = self._came[at:]

    def close(self) -> None:
        """Closes it."""
        with contextlib.suppress(OSError):
            self.socket.close()


def seen_by(connections: Sequence[RawConnection]) -> Counter[str]:
    """What all of them have seen together."""
    total: Counter[str] = Counter()
    for connection in connections:
        total += connection.seen
    return total
