"""The async client: the twin of `client`, on grpc.aio."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from stubtail_client import connection, errors, health, replies, wire
from stubtail_client.chat import ChatsAsync
from stubtail_client.credentials import Credentials, parts_of
from stubtail_client.decide import DecidesAsync
from stubtail_client.detect import DetectsAsync
from stubtail_client.forecast import ForecastsSeriesAsync
from stubtail_client.models import Model, ModelSummary
from stubtail_client.options import Deadline, Metadata, Priority, checked_timeout
from stubtail_client.rows import RowsInput
from stubtail_client.scores import Scores
from stubtail_client.scoring import Answer, Part, Plan, ScorePlan, SeveralPlan, call_metadata
from stubtail_client.watch import WatchesAsync


class AsyncClient(DecidesAsync, ForecastsSeriesAsync, ChatsAsync, DetectsAsync, WatchesAsync):
    """Calls a stubtail server from asyncio. It belongs to the event loop of its first call.

    Arguments, results and errors are those of `Client`. A task that is cancelled cancels its call
    on the server, and the CancelledError goes on.
    """

    def __init__(
        self,
        server: str = connection.DEFAULT_SERVER,
        *,
        timeout: float = connection.DEFAULT_TIMEOUT_S,
        connections: int = 1,
        part_rows_max: int = connection.PART_ROWS_MAX,
        part_bytes_max: int = connection.PART_BYTES_MAX,
        wait_for_ready: bool = True,
        metadata: Mapping[str, str] | Iterable[tuple[str, str | bytes]] = (),
        credentials: grpc.ChannelCredentials | Credentials | None = None,
    ) -> None:
        loopback = connection.is_loopback(server)
        channel, shown = parts_of(credentials, server, loopback=loopback)
        self._settings = connection.Settings(
            server=server,
            timeout=timeout,
            connections=connections,
            part_rows_max=part_rows_max,
            part_bytes_max=part_bytes_max,
            wait_for_ready=wait_for_ready,
            fixed_metadata=connection.metadata_pairs(metadata),
            credentials=shown,
        )
        self._credentials = channel
        self._connections: list[_Connection] = []
        self._turns: Iterator[_Connection] = iter(())
        self._closed = False

    async def score(
        self,
        model: str,
        rows: RowsInput,
        *,
        coverage: float | None = None,
        explain: int | None = None,
        priority: Priority | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC sends it to the server
        timing: bool = False,
    ) -> Scores:
        """Scores rows with a model; see `Client.score`."""
        deadline = self._deadline(timeout)
        plan = ScorePlan(model, rows, priority, self._settings, coverage=coverage, explain=explain)
        return await self._carry_out(plan, deadline, timing=timing)

    async def score_models(
        self,
        models: Sequence[str],
        rows: RowsInput,
        *,
        coverage: float | None = None,
        priority: Priority | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC sends it to the server
        timing: bool = False,
    ) -> dict[str, Scores]:
        """Scores the same rows with several models in one trip; see `Client.score_models`."""
        deadline = self._deadline(timeout)
        plan = SeveralPlan(models, rows, priority, self._settings, coverage=coverage)
        return await self._carry_out(plan, deadline, timing=timing)

    async def models(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC sends it to the server
    ) -> list[ModelSummary]:
        """Lists all known versions of all models; see `Client.models`."""
        return replies.decode_models(await self._ask(connection.LIST_MODELS_PATH, b"", timeout))

    async def model(
        self,
        model: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC sends it to the server
    ) -> Model:
        """Describes one model with its features; see `Client.model`."""
        request = wire.get_model(model)
        return replies.decode_model(await self._ask(connection.GET_MODEL_PATH, request, timeout))

    async def health(
        self,
        service: str = "",
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC sends it to the server
    ) -> health.HealthStatus:
        """Asks whether the server or one of its services serves; see `Client.health`."""
        request = health.encode_check(service)
        return health.decode_check(await self._ask(health.CHECK_PATH, request, timeout))

    async def aclose(self) -> None:
        """Closes the connections. Calls under way end with Cancelled. May be called twice."""
        self._closed = True
        for pooled in self._connections:
            await pooled.channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline.after(
            self._settings.timeout if timeout is None else checked_timeout(timeout)
        )

    def _next(self) -> "_Connection":
        """The connection whose turn it is; channels of grpc.aio need a running event loop."""
        if self._closed:
            raise errors.closed_client()
        if not self._connections:
            self._connections = [
                _Connection(self._settings, self._credentials)
                for _ in range(self._settings.connections)
            ]
            self._turns = itertools.cycle(self._connections)
        return next(self._turns)

    async def _ask(self, path: str, message: bytes, timeout: float | None) -> bytes:  # noqa: ASYNC109
        deadline = self._deadline(timeout)
        pooled = self._next()
        call = pooled.start(path, message, deadline, self._settings.metadata)
        return await self._reply(pooled, deadline, call)

    async def _stream(
        self,
        path: str,
        message: bytes,
        timeout: float,  # noqa: ASYNC109 - gRPC sends it to the server
    ) -> AsyncGenerator[bytes, None]:
        """The messages of a stream; closing it cancels the call."""
        deadline = self._deadline(timeout)
        pooled = self._next()
        start = pooled.channel.unary_stream(path)
        metadata = self._settings.metadata
        call = start(message, timeout=deadline.remaining(), metadata=metadata)
        try:
            async for reply in call:
                yield reply
        except grpc.aio.AioRpcError as error:
            raise self._failure(error, pooled, deadline) from error
        finally:
            call.cancel()

    async def _carry_out(self, plan: Plan[Answer], deadline: Deadline, *, timing: bool) -> Answer:
        """The answers to all parts as one."""
        metadata = call_metadata(self._settings.metadata, timing=timing)
        part = plan.first()
        pooled = self._next()
        call = pooled.start(connection.SCORE_PATH, part.message, deadline, metadata)
        first = await self._answer(plan, deadline, part, pooled, call)
        if plan.count == 1:
            return first
        rest = [answer async for answer in self._rest(plan, first, deadline, metadata)]
        return plan.join([first, *rest])

    async def _rest(
        self, plan: Plan[Answer], first: Answer, deadline: Deadline, metadata: Metadata
    ) -> AsyncIterator[Answer]:
        """The answers to all parts but the first; each connection has one under way."""
        waiting: deque[_Waiting] = deque()
        try:
            for part in plan.rest(first):
                if len(waiting) == self._settings.connections:
                    yield await self._answer(plan, deadline, *waiting.popleft())
                pooled = self._next()
                call = pooled.start(connection.SCORE_PATH, part.message, deadline, metadata)
                waiting.append((part, pooled, call))
            while waiting:
                yield await self._answer(plan, deadline, *waiting.popleft())
        finally:
            for _, _, call in waiting:
                call.cancel()

    async def _answer(
        self, plan: Plan[Answer], deadline: Deadline, part: Part, pooled: "_Connection", call: Any
    ) -> Answer:
        try:
            reply = await self._reply(pooled, deadline, call)
        except errors.StubtailError as error:
            plan.locate(error, part)
            raise
        return plan.decode(part, reply, tuple(await call.trailing_metadata()))

    async def _reply(self, pooled: "_Connection", deadline: Deadline, call: Any) -> bytes:
        """The reply to a call that was started.

        Raises:
            StubtailError: the call failed.
            asyncio.CancelledError: the task was cancelled; grpc.aio has cancelled the call.
        """
        try:
            reply: bytes = await call
        except grpc.aio.AioRpcError as error:
            raise self._failure(error, pooled, deadline) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                # Nobody cancelled the task: closing the channel cancelled the call.
                raise errors.closed_client() from error
            raise
        return reply

    def _failure(
        self, error: Any, pooled: "_Connection", deadline: Deadline
    ) -> errors.StubtailError:
        """What to raise for an exception of gRPC."""
        server = self._settings.server
        code = error.code().name
        trailing = tuple(error.trailing_metadata() or ())
        if code == "DEADLINE_EXCEEDED" and not trailing and not pooled.is_ready():
            return errors.unreachable(server, deadline.timeout)
        return errors.from_status(
            code, error.details() or "", trailing, server=server, timeout=deadline.timeout
        )


class _Connection:
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


def _open_channel(
    settings: connection.Settings, credentials: grpc.ChannelCredentials | None
) -> Any:
    """A channel, as Any: stubs of grpc, where installed, demand arguments that grpc does not."""
    arguments = settings.channel_arguments()
    if credentials is None:
        return grpc.aio.insecure_channel(settings.server, arguments)
    return grpc.aio.secure_channel(settings.server, credentials, arguments)


_Waiting = tuple[Part, _Connection, Any]
