"""How the async client sends: the twin of `sync_calls`, on grpc.aio."""

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from functools import partial
from typing import Any, TypeVar

import grpc

from stubtail_client import connection
from stubtail_client.closing import ClosesAsync
from stubtail_client.core import Core
from stubtail_client.errors import StubtailError, closed_client
from stubtail_client.exchanges import AsyncExchange
from stubtail_client.hedging import Race
from stubtail_client.options import Deadline, Metadata
from stubtail_client.plans import Part, Plan
from stubtail_client.retries import retry_wait_s

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class AsyncCalls(ClosesAsync, Core):
    """Core, with connections, which belong to the event loop of the first call."""

    def _open(self) -> None:
        self._connections: list[AsyncConnection] = []
        self._turns: Iterator[AsyncConnection] = iter(())
        self._closing = asyncio.Event()

    async def aclose(self) -> None:
        """Closes the connections. Calls under way end with Cancelled. May be called twice."""
        self._closed = True
        self._closing.set()
        for pooled in self._connections:
            await pooled.channel.close()

    def _next(self) -> "AsyncConnection":
        """The connection whose turn it is; channels of grpc.aio need a running event loop."""
        if self._closed:
            raise closed_client()
        if not self._connections:
            self._connections = [
                AsyncConnection(self._settings, self._channel_credentials)
                for _ in range(self._settings.connections)
            ]
            self._turns = itertools.cycle(self._connections)
        return next(self._turns)

    async def _ask(self, path: str, message: bytes, timeout: float | None) -> bytes:  # noqa: ASYNC109 - gRPC sends it to the server
        return (await self._call(path, message, self._deadline(timeout), self._metadata()))[0]

    async def _call(
        self, path: str, message: bytes, deadline: Deadline, metadata: Metadata, attempt: int = 1
    ) -> tuple[bytes, Any]:
        """One call to its end, from this attempt on: the reply, and the call of gRPC."""
        hedge_after = self._hedge_after(path)
        if hedge_after is not None:
            race = Race(
                deadline, hedge_after, self._retries, self._hedges, time.monotonic(), attempt
            )
            return await self._hedged(path, message, deadline, metadata, race)
        while True:
            try:
                answer = await self._attempt(path, message, deadline, metadata)
            except StubtailError as failure:
                await self._wait_or_raise(failure, attempt, deadline)
            else:
                self._retries.succeeded()
                return answer
            attempt += 1

    async def _hedged(
        self, path: str, message: bytes, deadline: Deadline, metadata: Metadata, race: Race
    ) -> tuple[bytes, Any]:
        """The same, with a second copy of the call where the first is late."""
        running: dict[asyncio.Task[tuple[bytes, Any]], int] = {}
        try:
            while True:
                for leg in race.due(time.monotonic()):
                    attempt = self._attempt(path, message, deadline, metadata)
                    task = asyncio.create_task(attempt)
                    task.add_done_callback(_look_at)
                    running[task] = leg
                wait_s = race.wait_s(time.monotonic())
                if not running:
                    await self._pause(wait_s or 0)
                    continue
                ended, _ = await asyncio.wait(
                    running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
                )
                for task in ended:
                    leg = running.pop(task)
                    try:
                        answer = task.result()
                    except StubtailError as failure:
                        if race.failed(leg, failure, time.monotonic()):
                            raise
                    else:
                        race.succeeded()
                        return answer
        finally:
            for task in running:
                task.cancel()

    async def _attempt(
        self, path: str, message: bytes, deadline: Deadline, metadata: Metadata
    ) -> tuple[bytes, Any]:
        pooled = self._next()
        call = pooled.start(path, message, deadline, metadata)
        return await self._reply(pooled, deadline, call), call

    async def _stream(
        self,
        path: str,
        message: bytes,
        timeout: float,  # noqa: ASYNC109 - gRPC sends it to the server
    ) -> AsyncGenerator[bytes, None]:
        """The messages of a stream, which is begun anew while none has come; closing it cancels."""
        deadline = self._deadline(timeout)
        for attempt in itertools.count(1):
            pooled = self._next()
            start = pooled.channel.unary_stream(path)
            call = start(message, timeout=deadline.remaining(), metadata=self._metadata())
            begun = False
            try:
                async for reply in call:
                    begun = True
                    yield reply
            except grpc.aio.AioRpcError as error:
                failure = self._failed(error, pooled, deadline)
                if begun:
                    raise failure from error
                failure.__cause__ = error
                await self._wait_or_raise(failure, attempt, deadline)
            except asyncio.CancelledError as error:
                if self._cut_off():
                    raise closed_client() from error
                raise
            else:
                self._retries.succeeded()
                return
            finally:
                call.cancel()

    def _exchange(self, path: str, timeout: float) -> AsyncExchange:
        """A stream both ways. It is not begun anew: the server keeps what it has learned in it."""
        deadline = self._deadline(timeout)
        pooled = self._next()
        start = pooled.channel.stream_stream(path)
        call = start(timeout=deadline.remaining(), metadata=self._metadata())
        failed = partial(self._failed, pooled=pooled, deadline=deadline)
        return AsyncExchange(call, failed, self._cut_off)

    async def _carry_out(self, plan: Plan[Piece, Result]) -> Result:
        """The answers to all parts as one."""
        deadline = self._deadline(plan.timeout)
        metadata = self._metadata(plan.metadata)
        part = plan.first()
        reply, call = await self._call(plan.path, part.message, deadline, metadata)
        first = await _decoded(plan, part, reply, call)
        if plan.count == 1:
            return plan.join([first])
        rest = [answer async for answer in self._rest(plan, first, deadline, metadata)]
        return plan.join([first, *rest])

    async def _rest(
        self, plan: Plan[Piece, Result], first: Piece, deadline: Deadline, metadata: Metadata
    ) -> AsyncIterator[Piece]:
        """The answers to all parts but the first; each connection has one under way."""
        waiting: deque[tuple[Part, AsyncConnection, Any]] = deque()
        try:
            for part in plan.rest(first):
                if len(waiting) == self._settings.connections:
                    yield await self._answer(plan, deadline, metadata, *waiting.popleft())
                pooled = self._next()
                call = pooled.start(plan.path, part.message, deadline, metadata)
                waiting.append((part, pooled, call))
            while waiting:
                yield await self._answer(plan, deadline, metadata, *waiting.popleft())
        finally:
            for _, _, call in waiting:
                call.cancel()

    async def _answer(
        self,
        plan: Plan[Piece, Result],
        deadline: Deadline,
        metadata: Metadata,
        part: Part,
        pooled: "AsyncConnection",
        call: Any,
    ) -> Piece:
        try:
            try:
                reply = await self._reply(pooled, deadline, call)
            except StubtailError as failure:
                await self._wait_or_raise(failure, 1, deadline)
                reply, call = await self._call(
                    plan.path, part.message, deadline, metadata, attempt=2
                )
        except StubtailError as error:
            plan.locate(error, part)
            raise
        return await _decoded(plan, part, reply, call)

    async def _reply(self, pooled: "AsyncConnection", deadline: Deadline, call: Any) -> bytes:
        """The reply to a call that was started.

        Raises:
            StubtailError: the call failed.
            asyncio.CancelledError: the task was cancelled; grpc.aio has cancelled the call.
        """
        try:
            reply: bytes = await call
        except grpc.aio.AioRpcError as error:
            raise self._failed(error, pooled, deadline) from error
        except asyncio.CancelledError as error:
            if self._cut_off():
                raise closed_client() from error
            raise
        return reply

    def _cut_off(self) -> bool:
        """Whether closing the client cancelled a call: nobody has cancelled its task."""
        task = asyncio.current_task()
        return self._closed and task is not None and not task.cancelling()

    def _failed(self, error: Any, pooled: "AsyncConnection", deadline: Deadline) -> StubtailError:
        return self._failure(error, deadline, connected=pooled.is_ready())

    async def _wait_or_raise(
        self, failure: StubtailError, attempt: int, deadline: Deadline
    ) -> None:
        """Waits until the next attempt; raises the failure, with its cause, where there is none."""
        wait_s = retry_wait_s(failure, attempt, deadline.remaining(), self._retries)
        if wait_s is None:
            raise failure
        await self._pause(wait_s)

    async def _pause(self, wait_s: float) -> None:
        """Waits before an attempt; a client that is closed meanwhile makes none."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._closing.wait()
            raise closed_client()


class AsyncConnection:
    """One channel with a connection of its own, and the methods that are called on it."""

    def __init__(
        self, settings: connection.Settings, credentials: grpc.ChannelCredentials | None
    ) -> None:
        self.channel = _open_channel(settings, credentials)
        self._methods = {path: self.channel.unary_unary(path) for path in connection.PATHS}

    def start(self, path: str, message: bytes, deadline: Deadline, metadata: Metadata) -> Any:
        """A call that is under way; await it for the reply."""
        return self._methods[path](message, timeout=deadline.remaining(), metadata=metadata)

    def is_ready(self) -> bool:
        """Whether the connection stands."""
        return bool(self.channel.get_state() is grpc.ChannelConnectivity.READY)


def _look_at(task: "asyncio.Task[Any]") -> None:
    """Takes note of how a leg ended that lost its race: asyncio complains of what nobody reads."""
    if not task.cancelled():
        task.exception()


async def _decoded(plan: Plan[Piece, Any], part: Part, reply: bytes, call: Any) -> Piece:
    trailing = tuple(await call.trailing_metadata()) if plan.timed else ()
    return plan.decode(part, reply, trailing)


def _open_channel(
    settings: connection.Settings, credentials: grpc.ChannelCredentials | None
) -> Any:
    """A channel, as Any: stubs of grpc, where installed, demand arguments that grpc does not."""
    arguments = settings.channel_arguments()
    if credentials is None:
        return grpc.aio.insecure_channel(settings.server, arguments)
    return grpc.aio.secure_channel(settings.server, credentials, arguments)
