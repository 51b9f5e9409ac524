"""HTTP to providers: requests, and a pool of connections.

No retries, no redirects, no cookies, no compression, no proxies from the environment: what is sent,
and how often, is decided elsewhere.
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from stubtail.llm.dial import dial
from stubtail.llm.http_reply import BrokenOffError, Connection

KEEP_ALIVE_S = 4.0  # uvicorn, vLLM and Node.js close after 5 s: a stale connection is an attempt
IDLE_MAX = 256  # connections kept for one provider; each is a socket and a few kilobytes
STARTS_MAX = 4096  # beginnings of requests; a provider has two, and others after a new key
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")

__all__ = ["BrokenOffError", "ConnectFailedError", "Connection", "Http"]


class ConnectFailedError(Exception):
    """There is no connection."""


class _Place(NamedTuple):
    """Where a connection leads."""

    host: str
    port: int
    tls: bool


class Http:
    """A pool of connections. It belongs to one event loop."""

    def __init__(self, user_agent: str) -> None:
        self._user_agent = user_agent
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tls: ssl.SSLContext | None = None
        self._starts: dict[tuple[str, int], tuple[Mapping[str, str], _Place, str]] = {}
        self._idle: dict[_Place, list[Connection]] = {}
        self._where: dict[Connection, _Place] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Connects nowhere yet."""
        self._loop = asyncio.get_running_loop()

    async def aclose(self) -> None:
        """Closes all connections."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in list(self._where):
            connection.drop()
        self._where.clear()
        await asyncio.sleep(0)  # each is closed on the next turn of the loop

    @property
    def connections(self) -> int:
        """The connections that are open, idle ones among them."""
        return len(self._where)

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        connect_s: float,
        within_s: float,
        sending: Callable[[], None] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Connection:
        """Sends a request and waits for the head of the reply; the caller must close it.

        Args:
            url: of a method of a provider.
            headers: besides those that every request has; the same object for many requests, and
                never changed.
            body: is sent as it is.
            connect_s: the longest wait for a new connection.
            within_s: the longest wait for all of this.
            sending: told just before the first byte is sent.
            more: headers of this request alone.

        Raises:
            ConnectFailedError: there is no connection.
            BrokenOffError: the connection ended before the head.
            TimeoutError: the head did not come within `within_s`.
            ValueError: a header has a control character, or the head is no Latin-1.
        """
        place, start = self._start(url, headers)
        own = _lines(more) if more else ""
        head = f"{start}{own}Content-Length: {len(body)}\r\n\r\n".encode("latin-1")
        assert self._loop is not None
        end_s = self._loop.time() + within_s
        connection = self._take(place)
        if connection is None:
            connection = await self._connect(place, connect_s, within_s)
        try:
            if sending is not None:
                sending()
            connection.send(head, body)
            await connection.head(max(0.0, end_s - self._loop.time()))
        except BaseException:
            connection.close()
            raise
        return connection

    def _start(self, url: str, headers: Mapping[str, str]) -> tuple[_Place, str]:
        """Where a request goes, and the lines that are the same in all that go there."""
        known = self._starts.get((url, id(headers)))
        if known is not None:
            return known[1:]
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        place = _Place(parts.hostname or "", parts.port or (443 if tls else 80), tls)
        lines = (
            f"POST {parts.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"User-Agent: {self._user_agent}",
            "Accept: */*",
            "Accept-Encoding: identity",
        )
        made = (headers, place, "\r\n".join(lines) + "\r\n" + _lines(headers))
        if len(self._starts) >= STARTS_MAX:
            self._starts.clear()
        self._starts[url, id(headers)] = made  # with the headers, so that their id stays theirs
        return made[1:]

    def _take(self, place: _Place) -> Connection | None:
        """The connection that was used last, if it is still good."""
        assert self._loop is not None
        idle, before_s = self._idle.get(place), self._loop.time() - KEEP_ALIVE_S
        while idle:
            connection = idle.pop()
            if connection.usable and connection.freed_s > before_s:
                return connection
            connection.drop()
        return None

    async def _connect(self, place: _Place, connect_s: float, within_s: float) -> Connection:
        loop = self._loop
        assert loop is not None

        found: asyncio.Protocol | None = None
        given_up = False

        def made(connection: Connection) -> None:
            # One that comes about after all is told of no loss, if nobody waits for it any more.
            if given_up:
                connection.drop()
            else:
                self._where[connection] = place
                born.append(connection)

        def make() -> Connection:
            return Connection(loop, made, self._freed, self._lost)

        born: list[Connection] = []

        try:
            async with asyncio.timeout(min(connect_s, within_s)):
                if place.tls and self._tls is None:
                    # Reading the certificates of the system takes tens of milliseconds.
                    self._tls = await asyncio.to_thread(ssl.create_default_context)
                tls = self._tls if place.tls else None
                found = await dial(place.host, place.port, tls, make)
        except TimeoutError as error:
            if within_s < connect_s:
                raise
            raise ConnectFailedError from error
        except OSError as error:  # ssl.SSLError is one
            raise ConnectFailedError from error
        finally:
            given_up = True
            for connection in born:
                if connection is not found:
                    connection.drop()
                    self._where.pop(connection, None)
            born.clear()  # each knows who was told of it, and so this list
        assert isinstance(found, Connection)
        return found

    def _freed(self, connection: Connection) -> None:
        place = self._where.get(connection)
        if place is None:
            return
        idle = self._idle.setdefault(place, [])
        if len(idle) >= IDLE_MAX:
            idle.pop(0).drop()
        idle.append(connection)
        self._sweep_later()

    def _lost(self, connection: Connection) -> None:
        place = self._where.pop(connection, None)
        idle = self._idle.get(place, []) if place else []
        if connection in idle:
            idle.remove(connection)

    def _sweep_later(self) -> None:
        if self._sweeper is None and self._loop is not None:
            self._sweeper = self._loop.call_later(KEEP_ALIVE_S / 4, self._sweep)

    def _sweep(self) -> None:
        """Drops what has been idle for too long."""
        self._sweeper = None
        assert self._loop is not None
        before_s = self._loop.time() - KEEP_ALIVE_S
        for idle in self._idle.values():
            while idle and idle[0].freed_s <= before_s:
                idle.pop(0).drop()
        if any(self._idle.values()):
            self._sweep_later()


def _lines(headers: Mapping[str, str]) -> str:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if any(_UNSAFE.search(line) for line in lines):
        raise ValueError("a header has a control character")
    return "".join(f"{line}\r\n" for line in lines)
