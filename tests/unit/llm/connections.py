"""One connection over a transport that only notes what becomes of it; no sockets."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from stubtail.llm.http_reply import Connection

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream\r\nContent-Length: 5\r\n\r\nHello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nHel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"
)
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nHello"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


class FakeTransport:
    """Notes what becomes of it."""

    def __init__(self) -> None:
        self.aborted = self.paused = False
        self.unsent = 0

    def writelines(self, pieces: Any) -> None:
        """Sends nothing."""

    def abort(self) -> None:
        """Notes it."""
        self.aborted = True

    def pause_reading(self) -> None:
        """Notes it."""
        self.paused = True

    def resume_reading(self) -> None:
        """Notes it."""
        self.paused = False

    def is_closing(self) -> bool:
        """As asyncio's."""
        return self.aborted

    def get_write_buffer_size(self) -> int:
        """What the other side has not taken."""
        return self.unsent


class Stage:
    """A connection that has sent a request."""

    def __init__(self) -> None:
        self.freed: list[Connection] = []
        self.lost: list[Connection] = []
        self.transport = FakeTransport()
        loop = asyncio.get_running_loop()
        self.one = Connection(loop, lambda _: None, self.freed.append, self.lost.append)
        self.one.connection_made(self.transport)
        self.one.send(b"", b"")

    async def body(self) -> bytes:
        """All of the body."""
        found = await self.one.read_all(1 << 20, 30.0)
        assert found is not None
        return found


def play(scene: Coroutine[Any, Any, None]) -> None:
    """Runs a test on a loop of its own."""
    asyncio.run(scene)
