"""Nothing of a call to a language model stays when it has ended: its request may have megabytes.

Cycles would hold it until a full collection: five hundred calls of 1 MB kept 950 MB.
"""

import asyncio
import gc
import itertools
import socket
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stubtail.errors import CallError
from stubtail.llm.attempts import Means, Terms
from stubtail.llm.call import ChatCall
from stubtail.llm.http import BrokenOffError, ConnectFailedError, Connection, Http
from stubtail.llm.reader import Reader, ReadLimits
from stubtail.v1 import llm_pb2
from tests.unit.llm.fakes import PATIENT, FakeHttp, FakeReply, event, terms, upstream

CALLS = 5


def good() -> FakeReply:
    """Two texts, a reason, and the end."""
    texts = [event({"content": "a"}), event({"content": "b"})]
    return FakeReply([*texts, event({}, "stop"), b"data: [DONE]\n\n"])


def bad() -> FakeReply:
    """A server that is down."""
    return FakeReply([b"{}"], status=503)


WAYS: dict[str, Callable[[], list[FakeReply]]] = {
    "answered": lambda: [good()],
    "another answers": lambda: [bad(), good()],
    "nobody answers": lambda: [bad(), bad()],
    "broken off": lambda: [FakeReply([event({"content": "a"})], breaks=True)],
    "nonsense": lambda: [FakeReply([event({"content": "a"}), b"data: {\n\n"])],
    "hedged": lambda: [FakeReply([], hangs=True), good()],
    "both fail": lambda: [bad(), bad()],
    "cancelled": lambda: [FakeReply([event({"content": "a"})], hangs=True)],
}


@pytest.fixture
def no_collections() -> Iterator[None]:
    """Whatever stays is seen."""
    gc.disable()
    yield
    gc.enable()


def alive(kind: type) -> int:
    """How many there are of these."""
    return sum(isinstance(one, kind) for one in gc.get_objects())


async def ask(call: ChatCall) -> None:
    """All events of a call, whose error is let go of as transports do it."""
    try:
        async for _ in call.stream():
            pass
    except CallError as error:
        error.forget()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("no_collections")
async def test_nothing_of_a_call_stays(way: str) -> None:
    """However it ended, and whoever was to blame."""
    plan = [upstream("a"), upstream("b")]
    given: Terms = terms(plan, 2)
    if way in {"hedged", "both fail"}:
        given = given._replace(hedge_after_s=0.001)
    ticks = itertools.count()
    request = llm_pb2.ChatRequest()
    held = sys.getrefcount(request)
    for _ in range(CALLS):
        http: Any = FakeHttp(*WAYS[way]())
        means = Means(http, ReadLimits(10_000, 10_000), lambda: next(ticks) * 1e-6, float)
        task = asyncio.create_task(ask(ChatCall(means, request, given)))
        if way == "cancelled":
            while not http.urls:  # noqa: ASYNC110 - what it waits for is a list
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        del task
        await asyncio.sleep(0)
    assert sys.getrefcount(request) == held


@pytest.mark.usefixtures("no_collections")
async def test_nothing_of_a_failure_stays_that_nobody_asked_for() -> None:
    """It came behind a text, and the caller went with that."""
    http: Any = FakeHttp(FakeReply([event({"content": "a"}) + b"data: {\n\n"]))
    reader = Reader(http, upstream(), PATIENT, ReadLimits(10_000, 10_000), float)
    await reader.ask("", b"", stream=True)
    assert [one.text for one in await reader.pieces()] == ["a"]
    gone = weakref.ref(reader)
    del reader
    assert gone() is None


@pytest.mark.usefixtures("no_collections")
async def test_nothing_of_a_connection_stays_that_is_lost() -> None:
    """Where a provider is in trouble, each attempt may have one of its own."""
    before = alive(Connection)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        http = Http("test")
        await http.start()
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BrokenOffError):
            await http.post(f"http://127.0.0.1:{port}/", {}, b"{}", 30.0, 30.0)
        async with asyncio.timeout(30.0):
            while http.connections or alive(Connection) > before:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.001)


@pytest.mark.usefixtures("no_collections")
async def test_nothing_stays_of_a_name_whose_addresses_all_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of their errors is let go of with the attempt."""

    async def both(*_: object) -> list[str]:
        return ["127.0.0.1", "127.0.0.1"]

    monkeypatch.setattr("stubtail.llm.dial._addresses", both)
    http = Http("test")
    await http.start()
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"http://both.test:{nobody_listens.getsockname()[1]}/"
        before = alive(ConnectionRefusedError)
        with pytest.raises(ConnectFailedError):
            await http.post(url, {}, b"{}", 30.0, 30.0)
        await asyncio.sleep(0)
        assert alive(ConnectionRefusedError) <= before
