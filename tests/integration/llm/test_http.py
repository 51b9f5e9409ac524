"""Connections to providers over real sockets: TLS, names with several addresses, and the pool."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from stubtail.llm import dial as dialling
from stubtail.llm import http as pool
from stubtail.llm.http import ConnectFailedError, Connection, Http

REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PATIENCE_S = 30.0


class Provider:
    """Answers every request, and counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.open = 0
        self.port = 0
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.open += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                await reader.readexactly(size)
                writer.write(REPLY)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def providing(
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[tuple[Provider, Http], None]:
    """A provider on 127.0.0.1 alone, and a pool; both are closed in the end."""
    one, http = Provider(), Http("test")
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=tls)
    one.port = server.sockets[0].getsockname()[1]
    await http.start()
    try:
        yield one, http
    finally:
        await http.aclose()
        await until(lambda: one.open == 0)
        server.close()


async def until(holds: Callable[[], bool]) -> None:
    """Waits for something that comes soon."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def ask(http: Http, url: str, **headers: str) -> None:
    """One request and its answer."""
    reply: Connection = await http.post(url, headers, b"{}", PATIENCE_S, PATIENCE_S)
    assert await reply.read_all(100, PATIENCE_S) == b"ok"
    reply.close()


async def test_connections_are_used_again() -> None:
    """One after the other needs one; two at once need two."""
    async with providing() as (one, http):
        url = f"http://127.0.0.1:{one.port}/v1/x"
        for _ in range(3):
            await ask(http, url, Authorization="Bearer k")
        assert (one.connections, http.connections) == (1, 1)
        assert one.heads[0].startswith(b"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"Authorization: Bearer k\r\n" in one.heads[0]
        await asyncio.gather(ask(http, url), ask(http, url))
        assert one.connections == 2


async def test_a_header_cannot_smuggle_another() -> None:
    """Control characters are refused before anything is sent."""
    async with providing() as (one, http):
        with pytest.raises(ValueError, match="control character"):
            await ask(http, f"http://127.0.0.1:{one.port}/", traceparent="a\r\nX: b")
        assert one.connections == 0


async def test_a_head_that_cannot_be_sent_costs_no_connection() -> None:
    """As with a path that somebody wrote in another script."""
    async with providing() as (one, http):
        with pytest.raises(UnicodeEncodeError):
            await ask(http, f"http://127.0.0.1:{one.port}/\u4f8b")
        assert http.connections == 0


async def test_idle_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, and at once when the other side closes them."""
    monkeypatch.setattr(pool, "KEEP_ALIVE_S", 0.1)
    async with providing() as (one, http):
        await ask(http, f"http://127.0.0.1:{one.port}/")
        await until(lambda: one.open == 0)
        await until(lambda: http.connections == 0)
        await ask(http, f"http://127.0.0.1:{one.port}/")
        assert one.connections == 2


async def test_a_connection_that_has_been_idle_for_long_is_not_used() -> None:
    """The other side may be closing it at this very moment; most wait for five seconds."""
    assert pool.KEEP_ALIVE_S < 5
    async with providing() as (one, http):
        url = f"http://127.0.0.1:{one.port}/"
        await ask(http, url)
        ((idle,),) = http._idle.values()
        idle.freed_s -= pool.KEEP_ALIVE_S
        await ask(http, url)
        assert one.connections == 2
        await until(lambda: one.open == 1)


async def test_tls_is_verified() -> None:
    """With the right authority it works, and is used again; with another there is no connection."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    async with providing(server) as (one, http):
        url = f"https://localhost:{one.port}/"
        with pytest.raises(ConnectFailedError):
            await ask(http, url)
        trusted = ssl.create_default_context()
        authority.configure_trust(trusted)
        http._tls = trusted
        await ask(http, url)
        await ask(http, url)
        assert http.connections == 1


async def test_a_closed_port_is_no_connection() -> None:
    """And leaves nothing."""
    async with providing() as (_, http):
        with pytest.raises(ConnectFailedError):
            await ask(http, "http://127.0.0.1:1/")
        with pytest.raises(ConnectFailedError):
            await ask(http, f"http://{'a' * 70}.invalid/")  # no name at all: nobody is asked
        assert http.connections == 0


async def test_another_address_answers_where_the_first_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A family that leads nowhere costs a moment; the attempt at it is ended."""
    loop = asyncio.get_running_loop()
    real: Callable[..., Awaitable[Any]] = loop.create_connection
    ended: list[str] = []

    async def create(make: Any, host: str, *rest: Any, **more: Any) -> Any:
        if host == "::1":
            try:
                await loop.create_future()
            finally:
                ended.append(host)
        return await real(make, host, *rest, **more)

    async def addresses(host: str, port: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    monkeypatch.setattr(loop, "create_connection", create)
    monkeypatch.setattr(dialling, "_addresses", addresses)
    monkeypatch.setattr(dialling, "STAGGER_S", 0.01)
    async with providing() as (one, http):
        await ask(http, f"http://both:{one.port}/")
        assert ended == ["::1"]
        assert http.connections == 1


async def test_a_cancelled_dial_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is cancelled; the fixture counts connections on both sides."""
    async with providing() as (one, http):
        for turns in range(12):
            asking = asyncio.create_task(ask(http, f"http://127.0.0.1:{one.port}/"))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: one.open == http.connections)
        assert http.connections <= 12
