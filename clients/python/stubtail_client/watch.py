"""The method `watch` of both clients: points in, verdicts out, over one stream."""

import queue
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from stubtail.v1 import anomaly_pb2
from stubtail_client import connection
from stubtail_client.detect_answers import WatchVerdicts
from stubtail_client.options import Deadline

WATCH_TIMEOUT_S = 86_400.0  # a stream is meant to last
_END = None


@dataclass(frozen=True, slots=True)
class WatchState:
    """What a stream knew of its keys: bytes to keep, and to go on from."""

    pieces: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """As one block, for a file."""
        return b"".join(len(one).to_bytes(4, "little") + one for one in self.pieces)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From such a block.

        Raises:
            ValueError: it is cut off.
        """
        pieces, at = [], 0
        while at < len(data):
            end = at + 4 + int.from_bytes(data[at : at + 4], "little")
            if end > len(data) or at + 4 > len(data):
                raise ValueError("the state is cut off")
            pieces.append(data[at + 4 : end])
            at = end
        return cls(tuple(pieces))


def opening_messages(
    state: WatchState | None,
    *,
    false_alarm_rate: float,
    keys_max: int,
    idle_seconds: float,
    season: int,
    warm_up: int,
    bands: bool,
) -> list[bytes]:
    """What a stream begins with."""
    options = anomaly_pb2.WatchOptions(
        false_alarm_rate=false_alarm_rate,
        keys_max=keys_max,
        idle_seconds=idle_seconds,
        season_length=season,
        warm_up=warm_up,
        bands=bands,
    )
    messages = [anomaly_pb2.WatchRequest(options=options).SerializeToString()]
    for piece in state.pieces if state is not None else ():
        known = anomaly_pb2.WatchState.FromString(piece)
        messages.append(anomaly_pb2.WatchRequest(state=known).SerializeToString())
    return messages


def points_message(keys: str | Sequence[str], values: Any) -> bytes:
    """One message of points: a key for each value, or one for all of them."""
    names = [keys] if isinstance(keys, str) else list(keys)
    numbers: npt.NDArray[np.float64] = np.atleast_1d(np.asarray(values, np.float64))
    points = anomaly_pb2.WatchPoints(keys=names, values=numbers)
    return anomaly_pb2.WatchRequest(points=points).SerializeToString()


EXPORT = anomaly_pb2.WatchRequest(export=anomaly_pb2.WatchExport()).SerializeToString()


class WatchStream:
    """An open stream of `Client.watch`; of one thread."""

    def __init__(self, owner: Any, pooled: Any, deadline: Deadline, first: list[bytes]) -> None:
        self._owner, self._pooled, self._deadline = owner, pooled, deadline
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        for message in first:
            self._requests.put(message)
        start = pooled.channel.stream_stream(connection.WATCH_PATH)
        self._call = start(
            iter(self._requests.get, _END),
            timeout=deadline.remaining(),
            metadata=owner._settings.metadata,  # noqa: SLF001 - the client's own part
        )

    def send(self, keys: str | Sequence[str], values: Any) -> WatchVerdicts:
        """Sends points and waits for the verdicts on them.

        Args:
            keys: of each value; or one for all of them.
            values: numbers, NaN where missing, in the order of time for each key; at most 4,096
                where the server has its defaults.

        Raises:
            InvalidArgument: a value cannot be judged; the stream has ended.
            StubtailError: as `score`.
        """
        self._requests.put(points_message(keys, values))
        return WatchVerdicts.of(self._next().verdicts)

    def export(self) -> WatchState:
        """What is known of the keys, to go on from in another stream: `watch(state=..)`."""
        self._requests.put(EXPORT)
        pieces = []
        while True:
            state = self._next().state
            pieces.append(state.SerializeToString())
            if state.last:
                return WatchState(tuple(pieces))

    def close(self) -> None:
        """Ends the stream."""
        self._requests.put(_END)
        self._call.cancel()

    def _next(self) -> anomaly_pb2.WatchResponse:
        import grpc  # noqa: PLC0415 - the exception alone

        try:
            return anomaly_pb2.WatchResponse.FromString(next(self._call))
        except (grpc.RpcError, ValueError) as error:
            raise self._owner._failure(  # noqa: SLF001 - the client's own part
                error, self._pooled, self._deadline
            ) from error


class AsyncWatchStream:
    """An open stream of `AsyncClient.watch`; of one task."""

    def __init__(self, owner: Any, pooled: Any, deadline: Deadline) -> None:
        self._owner, self._pooled, self._deadline = owner, pooled, deadline
        start = pooled.channel.stream_stream(connection.WATCH_PATH)
        self._call = start(
            timeout=deadline.remaining(),
            metadata=owner._settings.metadata,  # noqa: SLF001 - the client's own part
        )

    async def begin(self, first: list[bytes]) -> None:
        """Sends options and state."""
        for message in first:
            await self._write(message)

    async def send(self, keys: str | Sequence[str], values: Any) -> WatchVerdicts:
        """Sends points and waits for the verdicts on them; see `WatchStream.send`."""
        await self._write(points_message(keys, values))
        return WatchVerdicts.of((await self._next()).verdicts)

    async def export(self) -> WatchState:
        """What is known of the keys; see `WatchStream.export`."""
        await self._write(EXPORT)
        pieces = []
        while True:
            state = (await self._next()).state
            pieces.append(state.SerializeToString())
            if state.last:
                return WatchState(tuple(pieces))

    def close(self) -> None:
        """Ends the stream."""
        self._call.cancel()

    async def _write(self, message: bytes) -> None:
        import asyncio  # noqa: PLC0415 - the exception alone

        import grpc  # noqa: PLC0415 - the exception alone

        try:
            await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            # The stream has ended: its status tells why, and is what the next read raises.
            await self._next()
            raise AssertionError("a stream that takes nothing has ended") from error

    async def _next(self) -> anomaly_pb2.WatchResponse:
        import grpc  # noqa: PLC0415 - the exception alone

        try:
            return anomaly_pb2.WatchResponse.FromString(await self._call.read())
        except grpc.aio.AioRpcError as error:
            raise self._owner._failure(  # noqa: SLF001 - the client's own part
                error, self._pooled, self._deadline
            ) from error


class Opens(Protocol):
    """What `Watches` needs of the sync client."""

    _turns: Any

    def _deadline(self, timeout: float | None) -> Deadline: ...


class OpensAsync(Protocol):
    """What `WatchesAsync` needs of the async client."""

    def _deadline(self, timeout: float | None) -> Deadline: ...

    def _next(self) -> Any: ...


class Watches:
    """Adds `watch` to the sync client."""

    @contextmanager
    def watch(
        self: Opens,
        *,
        state: WatchState | None = None,
        false_alarm_rate: float = 0.0,
        keys_max: int = 0,
        idle_seconds: float = 0.0,
        season: int = 0,
        warm_up: int = 0,
        bands: bool = False,
        timeout: float = WATCH_TIMEOUT_S,
    ) -> Iterator[WatchStream]:
        """Watches points of many keys as they happen: `with client.watch() as stream`.

        What is known of the keys ends with the stream; `stream.export()` before its end lets
        another one go on, on whichever server.

        Args:
            state: what an earlier stream exported; with the same season.
            false_alarm_rate: the share of usual points that is flagged all the same; 0 for 0.001.
            keys_max: the most keys, beyond which the longest unseen is forgotten; 0 for the
                server's bound.
            idle_seconds: a key that was not seen for so long is forgotten; 0 for the server's.
            season: the season length of all keys in points; 0 for none.
            warm_up: points of a key before its first verdict; 0 for 32.
            bands: whether to return what was expected of every point.
            timeout: how long the stream may last, in seconds.

        Raises:
            StubtailError: as `score`; `send` raises, too.
        """
        first = opening_messages(
            state, false_alarm_rate=false_alarm_rate, keys_max=keys_max, season=season,
            idle_seconds=idle_seconds, warm_up=warm_up, bands=bands,
        )  # fmt: skip
        stream = WatchStream(self, next(self._turns), self._deadline(timeout), first)
        try:
            yield stream
        finally:
            stream.close()


class WatchesAsync:
    """Adds `watch` to the async client."""

    @asynccontextmanager
    async def watch(
        self: OpensAsync,
        *,
        state: WatchState | None = None,
        false_alarm_rate: float = 0.0,
        keys_max: int = 0,
        idle_seconds: float = 0.0,
        season: int = 0,
        warm_up: int = 0,
        bands: bool = False,
        timeout: float = WATCH_TIMEOUT_S,  # noqa: ASYNC109 - gRPC sends it to the server
    ) -> AsyncIterator[AsyncWatchStream]:
        """Watches points of many keys as they happen; see `Client.watch`."""
        first = opening_messages(
            state, false_alarm_rate=false_alarm_rate, keys_max=keys_max, season=season,
            idle_seconds=idle_seconds, warm_up=warm_up, bands=bands,
        )  # fmt: skip
        stream = AsyncWatchStream(self, self._next(), self._deadline(timeout))
        try:
            await stream.begin(first)
            yield stream
        finally:
            stream.close()
