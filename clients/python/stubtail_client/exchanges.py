"""Streams both ways, as bytes: `send` and `receive`, sync and async, with the client's errors."""

import asyncio
import queue
from collections.abc import Callable
from typing import Any

import grpc

from stubtail_client.errors import StubtailError, closed_client

Failed = Callable[[Any], StubtailError]
_END = None


class Exchange:
    """An open stream of the sync client; of one thread.

    Args:
        start: begins the call with an iterator of messages.
        failed: the client's error for one of gRPC.
    """

    def __init__(self, start: Callable[[Any], Any], failed: Failed) -> None:
        self._failed = failed
        # Bounded by its user, who waits for the verdicts on what was sent before sending more.
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        try:
            self._call = start(iter(self._requests.get, _END))
        except ValueError as error:
            raise failed(error) from error

    def send(self, message: bytes) -> None:
        """Sends a message; a stream that has ended tells so by `receive`."""
        self._requests.put(message)

    def finish(self) -> None:
        """Says that nothing more will be sent."""
        self._requests.put(_END)

    def receive(self) -> bytes | None:
        """The next message; None after the last.

        Raises:
            StubtailError: the stream has failed.
        """
        try:
            reply: bytes | None = next(self._call, None)
        except (grpc.RpcError, ValueError) as error:
            raise self._failed(error) from error
        return reply

    def close(self) -> None:
        """Cancels the call, unless it has ended."""
        self.finish()
        self._call.cancel()


class AsyncExchange:
    """An open stream of the async client; of one task.

    Args:
        call: of grpc.aio.
        failed: the client's error for one of gRPC.
        cut_off: whether closing the client has cancelled the call.
    """

    def __init__(self, call: Any, failed: Failed, cut_off: Callable[[], bool]) -> None:
        self._call, self._failed, self._cut_off = call, failed, cut_off

    async def send(self, message: bytes) -> None:
        """Sends a message.

        Raises:
            StubtailError: the stream has failed.
        """
        try:
            await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The stream has ended: its status, which the reads raise, tells why.
            while await self.receive() is not None:
                pass
        except asyncio.CancelledError as error:
            if self._cut_off():
                raise closed_client() from error
            raise

    async def finish(self) -> None:
        """Says that nothing more will be sent."""
        await self._call.done_writing()

    async def receive(self) -> bytes | None:
        """The next message; None after the last.

        Raises:
            StubtailError: the stream has failed.
        """
        try:
            reply: Any = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise self._failed(error) from error
        except asyncio.CancelledError as error:
            if self._cut_off():
                raise closed_client() from error
            raise
        return None if reply is grpc.aio.EOF else bytes(reply)

    def close(self) -> None:
        """Cancels the call, unless it has ended."""
        self._call.cancel()
