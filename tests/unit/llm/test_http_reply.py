"""Tests of one connection: replies in any pieces, when it can be used again, and when it cannot."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.llm.http_reply import HEAD_BYTES_MAX, READ_BYTES, BrokenOffError
from tests.unit.llm.connections import CHUNKED, INTERIM, LENGTH, UNTIL_CLOSE, Stage, play


async def _read(stage: Stage) -> None:
    await stage.one.head(30.0)
    await stage.body()


def test_a_reply_frees_its_connection():
    """With its length, or in chunks; once, and for another request."""

    async def scene() -> None:
        stage = Stage()
        for reply in (LENGTH, CHUNKED, INTERIM + LENGTH):
            stage.one.data_received(reply)
            await stage.one.head(30.0)
            assert (stage.one.status, await stage.body()) == (200, b"Hello")
            stage.one.close()
            stage.one.close()
            assert stage.freed.pop() is stage.one
            assert not stage.freed
            stage.one.send(b"", b"")
        assert not stage.transport.aborted

    play(scene())


@given(st.lists(st.integers(1, len(CHUNKED)), max_size=6))
def test_pieces_do_not_matter(cuts: list[int]):
    """However the bytes were cut, the body is the same."""

    async def scene() -> None:
        stage = Stage()
        places = sorted({0, len(CHUNKED), *cuts})
        for start, end in itertools.pairwise(places):
            stage.one.data_received(CHUNKED[start:end])
        assert await stage.body() == b"Hello"

    play(scene())


def test_a_reader_is_woken_when_something_comes():
    """Also by the end of the connection."""

    async def scene() -> None:
        stage = Stage()
        head = asyncio.create_task(stage.one.head(30.0))
        await asyncio.sleep(0)
        stage.one.data_received(UNTIL_CLOSE[:-5])
        await head
        body = asyncio.create_task(stage.body())
        await asyncio.sleep(0)
        stage.one.data_received(b"Hel")
        await asyncio.sleep(0)
        stage.one.data_received(b"lo")
        await asyncio.sleep(0)
        assert not body.done()
        stage.one.connection_lost(None)
        assert await body == b"Hello"
        stage.one.close()
        assert not stage.freed
        assert stage.lost == [stage.one]

    play(scene())


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nHello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nHello",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * HEAD_BYTES_MAX,
    ],
)
def test_what_is_cut_or_no_http_is_broken_off(told: bytes):
    """Never an empty or a shorter body; and nobody uses the connection again."""

    async def scene() -> None:
        stage = Stage()
        stage.one.data_received(told)
        stage.one.connection_lost(None)
        with pytest.raises(BrokenOffError):
            await _read(stage)
        stage.one.close()
        assert not stage.freed

    play(scene())


@pytest.mark.parametrize(
    ("told", "unsent"),
    [
        (LENGTH.replace(b"200 OK", b"200 OK\r\nConnection: close"), 0),
        (LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0"), 0),
        (LENGTH + LENGTH, 0),
        (LENGTH, 10),
    ],
)
def test_some_connections_are_not_used_again(told: bytes, unsent: int):
    """The other side closes it, says more than it was asked, or has not taken the request."""

    async def scene() -> None:
        stage = Stage()
        stage.transport.unsent = unsent
        stage.one.data_received(told)
        stage.one.close()
        assert stage.transport.aborted
        assert not stage.freed

    play(scene())


def test_what_comes_between_two_replies_ends_the_connection():
    """Nobody asked for it."""

    async def scene() -> None:
        stage = Stage()
        stage.one.data_received(LENGTH)
        stage.one.close()
        stage.one.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        assert stage.transport.aborted

    play(scene())


def test_an_unread_body_stops_the_other_side():
    """Until it is read; what is held is bounded."""

    async def scene() -> None:
        stage = Stage()
        stage.one.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n")
        stage.one.data_received(b"x" * (READ_BYTES + 1))
        assert stage.transport.paused
        assert len(await stage.one.read(30.0)) == READ_BYTES + 1
        assert not stage.transport.paused

    play(scene())


def test_silence_ends_a_wait_and_not_the_connection():
    """One timer serves waits of any length, the shorter after the longer too."""

    async def scene() -> None:
        stage = Stage()
        for within_s in (0.02, 30.0, 0.01, 0.0):
            if within_s > 1:
                reading = asyncio.create_task(stage.one.head(within_s))
                await asyncio.sleep(0)
                reading.cancel()
                continue
            with pytest.raises(TimeoutError):
                await stage.one.head(within_s)
        stage.one.data_received(LENGTH)
        assert await stage.body() == b"Hello"
        stage.one.close()
        assert stage.freed

    play(scene())


def test_a_body_above_the_bound_is_none():
    """And its connection is dropped."""

    async def scene() -> None:
        stage = Stage()
        stage.one.data_received(LENGTH[:-1])
        assert await stage.one.read_all(3, 30.0) is None
        stage.one.close()
        assert stage.transport.aborted

    play(scene())


def test_who_follows_sees_bytes_before_it_is_woken():
    """And is woken when it says so, or at the end; what comes after that waits for it."""

    async def scene() -> None:
        stage, seen = Stage(), []
        waits: list[float | None] = [30.0, None, 30.0]

        def take(data: bytes) -> float | None:
            seen.append(data)
            return waits.pop(0)

        stage.one.data_received(UNTIL_CLOSE[:-5])
        await stage.one.head(30.0)
        following = asyncio.create_task(stage.one.follow(0.05, take))
        await asyncio.sleep(0)
        stage.one.data_received(b"H")
        assert seen == [b"H"]
        await asyncio.sleep(0.1)
        assert not following.done(), "who took something waits on for as long as it said"
        stage.one.data_received(b"e")
        stage.one.data_received(b"ll")
        assert seen == [b"H", b"e"], "nothing is seen by one who is being woken"
        assert await following

        following = asyncio.create_task(stage.one.follow(30.0, take))
        await asyncio.sleep(0)
        assert seen == [b"H", b"e", b"ll"]
        stage.one.connection_lost(None)
        assert not await following

    play(scene())


def test_who_follows_is_told_of_silence_and_of_breaks():
    """As who reads."""

    async def scene() -> None:
        stage = Stage()
        stage.one.data_received(LENGTH[:-2])
        await stage.one.head(30.0)
        with pytest.raises(TimeoutError):
            await stage.one.follow(30.0, lambda _: 0.01)
        following = asyncio.create_task(stage.one.follow(30.0, lambda _: 30.0))
        await asyncio.sleep(0)
        stage.one.connection_lost(None)
        with pytest.raises(BrokenOffError):
            await following

    play(scene())
