"""One connection to a provider and the reply that comes over it; the only importer of httptools.

llhttp (the parser of Node.js, in httptools) reads the bytes where the loop hands them over. Who
waits for a stream may look at them there, before it is woken: a chunk that needs nobody costs no
future, no task and no timer.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import httptools

from stubtail.llm.waiter import Waiter

READ_BYTES = 64 * 1024  # what is read ahead of a caller that takes its time
HEAD_BYTES_MAX = 32 * 1024
REFUSED_BYTES_MAX = 64 * 1024  # of a request; TLS does not tell what of a larger one is unsent
KEPT = frozenset({b"content-type", b"retry-after", b"content-length", b"transfer-encoding"})


class BrokenOffError(Exception):
    """The connection ended before its time, or what came over it is no HTTP."""


class Connection(asyncio.Protocol):
    """A connection that carries one request and its reply at a time.

    Args:
        loop: the loop it belongs to.
        made: told when it is there.
        freed: told when it can carry another request.
        lost: told when it is closed.

    Attributes:
        status: the HTTP status, once the head has come.
        freed_s: when it was freed last, on the clock of the loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        made: Callable[["Connection"], None],
        freed: Callable[["Connection"], None],
        lost: Callable[["Connection"], None],
    ) -> None:
        self._loop = loop
        self._made = made
        self._freed = freed
        self._on_lost = lost
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter = Waiter(loop)
        self._take: Callable[[bytes], float | None] | None = None
        self._lost = False
        self._paused = False
        self._begin()
        self._sent_bytes = 0
        self.freed_s = 0.0

    def _begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._unread = 0
        self._head_bytes = 0
        self._body_bytes = 0
        self._around_bytes = 0  # sizes and extensions of chunks, and trailers, since the last body
        self._headed = self._complete = self._interim = self._reusable = self._bad = False
        self._stopped = False  # `take` wants the one who waits to go on
        self.status = 0

    # What the reader calls.

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        value = self._headers.get(b"content-type", b"").partition(b";")[0]
        return value.strip().lower().decode("latin-1")

    @property
    def retry_after(self) -> str:
        """The header Retry-After; empty where there is none."""
        return self._headers.get(b"retry-after", b"").decode("latin-1")

    @property
    def usable(self) -> bool:
        """Whether a request can be sent."""
        return not self._lost and self._transport is not None and not self._transport.is_closing()

    def send(self, head: bytes, body: bytes) -> None:
        """Sends a request; `close` must follow, whatever happens."""
        assert self._transport is not None
        self._begin()
        self._sent_bytes = len(body)
        self._parser = httptools.HttpResponseParser(self)
        self._transport.writelines((head, body))

    async def head(self, within_s: float) -> None:
        """Waits for the head of the reply.

        Raises:
            BrokenOffError: the connection ended before it, or what came is no HTTP.
            TimeoutError: it did not come in time.
        """
        end_s = self._loop.time() + within_s
        while not self._headed:
            if self._lost or self._bad:
                raise BrokenOffError
            await self._waiter.wait(end_s)

    async def read(self, within_s: float) -> bytes:
        """The next bytes of the body; empty at its end.

        Raises:
            BrokenOffError: the connection ended before the body did.
            TimeoutError: none came in time, whatever else did.
        """
        end_s = self._loop.time() + within_s
        while True:
            if self._pieces:
                return self._taken()
            if self._complete:
                return b""
            if self._lost or self._bad:
                raise BrokenOffError
            await self._waiter.wait(end_s)

    async def follow(self, within_s: float, take: Callable[[bytes], float | None]) -> bool:
        """Gives what comes of the body to `take`, in the moment in which it comes.

        `take` says for how long to wait for more, or None, which ends this: then it returns true,
        and false at the end of the body. It raises what `read` raises.
        """
        wait_s: float | None = within_s
        while True:
            if self._pieces:
                wait_s = take(self._taken())
                if wait_s is None:
                    return True
            elif self._complete:
                return False
            elif self._lost or self._bad:
                raise BrokenOffError
            else:
                self._take = take
                try:
                    await self._waiter.wait(self._loop.time() + (wait_s or 0.0))
                finally:
                    self._take = None
                if self._stopped:
                    self._stopped = False
                    return True

    def _taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        self._unread = 0
        if self._paused:
            self._resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _pass_on(self, take: Callable[[bytes], float | None]) -> bool:
        """Gives what has come to one who waits, who need not wake up if it waits on."""
        if not self._pieces or not self._waiter.waits:
            return False
        wait_s = take(self._taken())
        if wait_s is None:
            self._stopped = True
            return False
        self._waiter.put_off(self._loop.time() + wait_s)
        return not (self._complete or self._bad)

    async def read_all(self, bytes_max: int, within_s: float) -> bytes | None:
        """The whole body; None where it is larger than the bound. `within_s` is for all of it."""
        end_s = self._loop.time() + within_s
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read(max(0.0, end_s - self._loop.time())):
            size += len(piece)
            if size > bytes_max:
                return None
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Frees the connection where the reply has been read to its end, else drops it at once.

        Its timer goes on: the next request will need one, and a new one for each costs more.
        """
        if self._parser is None:
            return
        self._parser = None
        if self._complete and self._reusable and not (self._lost or self._bad):
            self._pieces = []
            if self._paused:
                self._resume()
            self.freed_s = self._loop.time()
            self._freed(self)
        else:
            self.drop()

    def drop(self) -> None:
        """Closes the connection without waiting for anything."""
        self._waiter.stop_timer()
        if self._transport is not None:
            self._transport.abort()

    def _resume(self) -> None:
        self._paused = False
        if self._transport is not None and not self._lost:
            self._transport.resume_reading()

    # What the loop calls.

    def connection_made(self, transport: Any) -> None:
        """It is there; the transports of uvloop are no asyncio.Transport."""
        self._transport = transport
        self._made(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        parser = self._parser
        if parser is None or self._bad:  # between two replies nothing may come, nor after nonsense
            self.drop()
            return
        if not self._headed:
            self._head_bytes += len(data)
            before = -1
        else:
            before = self._body_bytes
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._bad = True
        if not self._headed and self._head_bytes > HEAD_BYTES_MAX:
            self._bad = True
        if self._body_bytes == before:
            self._around_bytes += len(data)
            if self._around_bytes > HEAD_BYTES_MAX:
                self._bad = True
                self.drop()
        else:
            self._around_bytes = 0
        if self._unread > READ_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        if self._take is not None and not self._bad and self._pass_on(self._take):
            return
        if self._headed or self._bad:
            self._waiter.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self._lost = True
        self._waiter.stop_timer()
        # A body of unknown length ends with its connection, unless that was broken.
        bounded = b"content-length" in self._headers or b"transfer-encoding" in self._headers
        if self._headed and not bounded and exc is None and not self._bad:
            self._complete = True
        self._waiter.wake()
        self._on_lost(self)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A second reply to one request is none."""
        if self._headed:
            self._bad = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those of trailers are too late to count."""
        if not self._headed and (lower := name.lower()) in KEPT:
            self._headers[lower] = value

    def on_headers_complete(self) -> None:
        """The head has come, or an interim one such as 100 Continue."""
        assert self._parser is not None
        status = self._parser.get_status_code()
        self._interim = 100 <= status < 200
        if self._interim:
            self._headers.clear()
        else:
            self.status = status
            self._headed = True

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(body)
        self._unread += len(body)
        self._body_bytes += len(body)

    def on_message_complete(self) -> None:
        """The reply has come to its end."""
        if self._interim or self._bad:
            return
        assert self._parser is not None
        self._complete = True
        assert self._transport is not None
        small = self.status == 200 or self._sent_bytes < REFUSED_BYTES_MAX
        sent = small and not self._transport.get_write_buffer_size()
        self._reusable = sent and self._parser.should_keep_alive()
