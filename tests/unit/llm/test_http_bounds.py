"""What the other side of a connection cannot do: outrun a timer, fill memory, be trusted again."""

import asyncio

import pytest

from stubtail.llm.http_reply import HEAD_BYTES_MAX, BrokenOffError
from tests.unit.llm.connections import LENGTH, Stage, play


@pytest.mark.parametrize(
    "told",
    [
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    ],
)
def test_what_is_no_body_renews_no_wait(told: bytes):
    """A head, the extension of a chunk or a trailer that comes a byte in every turn of the loop."""

    async def scene() -> None:
        stage = Stage()
        stage.one.data_received(told)
        reading = asyncio.create_task(_read_within(stage, 0.005))
        for _ in range(HEAD_BYTES_MAX - 100):
            stage.one.data_received(b"a")
            await asyncio.sleep(0)
            if reading.done():
                break
        assert reading.done()
        with pytest.raises(TimeoutError):
            await reading

    play(scene())


async def _read_within(stage: Stage, within_s: float) -> None:
    await stage.one.head(within_s)
    await stage.one.read(within_s)


@pytest.mark.parametrize("told", [b"0\r\nX: ", b"5;x="])
def test_what_stands_around_a_body_is_bounded(told: bytes):
    """The connection is dropped at once, though nobody reads just now."""

    async def scene() -> None:
        stage = Stage()
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
        stage.one.data_received(head)
        stage.one.data_received(told)
        for _ in range(HEAD_BYTES_MAX // 1024):
            assert not stage.transport.aborted
            stage.one.data_received(b"a" * 1024)
        assert stage.transport.aborted
        await stage.one.head(30.0)
        assert await stage.one.read(30.0) == b"hi"
        with pytest.raises(BrokenOffError):
            await stage.one.read(30.0)

    play(scene())


def test_many_small_chunks_are_a_body():
    """However much stands around them."""

    async def scene() -> None:
        stage = Stage()
        stage.one.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(4 * HEAD_BYTES_MAX // 16):
            for part in (b"1;extens", b"ion=5\r\n", b"x\r\n"):
                stage.one.data_received(part)
        stage.one.data_received(b"0\r\n\r\n")
        assert await stage.body() == b"x" * (HEAD_BYTES_MAX // 4)
        stage.one.close()
        assert stage.freed

    play(scene())


@pytest.mark.parametrize(
    ("status", "size", "again"), [(413, 1 << 16, False), (413, 1000, True), (200, 1 << 20, True)]
)
def test_a_refusal_of_a_large_request_ends_its_connection(status: int, size: int, again: bool):
    """The other side may never read the rest, of which a TLS transport does not tell."""

    async def scene() -> None:
        stage = Stage()
        stage.one.send(b"", b"x" * size)
        stage.one.data_received(LENGTH.replace(b"200", b"%d" % status))
        await stage.body()
        stage.one.close()
        assert bool(stage.freed) == again
        assert stage.transport.aborted != again

    play(scene())


def test_a_connection_that_is_closing_is_not_usable():
    """The loop tells of the loss only in its next turn."""

    async def scene() -> None:
        stage = Stage()
        stage.one.data_received(LENGTH)
        stage.one.close()
        assert stage.one.usable
        stage.one.data_received(b"x")
        assert not stage.one.usable

    play(scene())
