"""An open stream of points and verdicts, for `with` and for `async with`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from stubtail.v1 import anomaly_pb2
from stubtail_client.closing import Closes, ClosesAsync
from stubtail_client.detect_answers import WatchVerdicts
from stubtail_client.errors import malformed_reply
from stubtail_client.exchanges import AsyncExchange, Exchange

_EXPORT = anomaly_pb2.WatchRequest(export=anomaly_pb2.WatchExport()).SerializeToString()


class Opening(NamedTuple):
    """How a stream begins.

    Attributes:
        path: of the method.
        messages: that are sent first: options and state.
        timeout: how long the stream may last, in seconds.
    """

    path: str
    messages: tuple[bytes, ...]
    timeout: float


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


class WatchStream(Closes):
    """A stream of `Client.watch`, for `with`; of one thread."""

    def __init__(self, start: Callable[[], Exchange], opening: Opening) -> None:
        self._start, self._opening = start, opening
        self._exchange: Exchange | None = None

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
        exchange = self._open()
        exchange.send(points_message(keys, values))
        return WatchVerdicts.of(_response(exchange.receive()).verdicts)

    def export(self) -> WatchState:
        """What is known of the keys, to go on from in another stream: `watch(state=..)`."""
        exchange = self._open()
        exchange.send(_EXPORT)
        pieces = []
        while True:
            state = _response(exchange.receive()).state
            pieces.append(state.SerializeToString())
            if state.last:
                return WatchState(tuple(pieces))

    def close(self) -> None:
        """Ends the stream."""
        if self._exchange is not None:
            self._exchange.close()

    def _open(self) -> Exchange:
        if self._exchange is None:
            self._exchange = self._start()
            for message in self._opening.messages:
                self._exchange.send(message)
        return self._exchange

    def __enter__(self) -> Self:
        self._open()
        return self


class AsyncWatchStream(ClosesAsync):
    """A stream of `AsyncClient.watch`, for `async with`; of one task."""

    def __init__(self, start: Callable[[], AsyncExchange], opening: Opening) -> None:
        self._start, self._opening = start, opening
        self._exchange: AsyncExchange | None = None

    async def send(self, keys: str | Sequence[str], values: Any) -> WatchVerdicts:
        """Sends points and waits for the verdicts on them; see `WatchStream.send`."""
        exchange = await self._open()
        await exchange.send(points_message(keys, values))
        return WatchVerdicts.of(_response(await exchange.receive()).verdicts)

    async def export(self) -> WatchState:
        """What is known of the keys; see `WatchStream.export`."""
        exchange = await self._open()
        await exchange.send(_EXPORT)
        pieces = []
        while True:
            state = _response(await exchange.receive()).state
            pieces.append(state.SerializeToString())
            if state.last:
                return WatchState(tuple(pieces))

    def close(self) -> None:
        """Ends the stream."""
        if self._exchange is not None:
            self._exchange.close()

    async def aclose(self) -> None:
        """Ends the stream; the same as `close`."""
        self.close()

    async def _open(self) -> AsyncExchange:
        if self._exchange is None:
            self._exchange = self._start()
            for message in self._opening.messages:
                await self._exchange.send(message)
        return self._exchange

    async def __aenter__(self) -> Self:
        await self._open()
        return self


def points_message(keys: str | Sequence[str], values: Any) -> bytes:
    """One message of points: a key for each value, or one for all of them."""
    names = [keys] if isinstance(keys, str) else list(keys)
    numbers: npt.NDArray[np.float64] = np.atleast_1d(np.asarray(values, np.float64))
    points = anomaly_pb2.WatchPoints(keys=names, values=numbers)
    return anomaly_pb2.WatchRequest(points=points).SerializeToString()


def _response(reply: bytes | None) -> anomaly_pb2.WatchResponse:
    if reply is None:
        raise malformed_reply("AnomalyService.Watch")
    return anomaly_pb2.WatchResponse.FromString(reply)
