"""A load of inference calls on several connections that accounts for every one of them."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from google.rpc import error_details_pb2, status_pb2

from stubtail.oip import inference_pb2

INFER = "/inference.GRPCInferenceService/ModelInfer"
TIMEOUT_S = 20.0  # far above every answer: a reply that is lost shows as DEADLINE_EXCEEDED
ROWS_MAX = 3
FEATURES = 3
BACK_OFF_S = 0.02  # before the next try, where the server did not tell
ATTEMPTS_MAX = 200
CHANNEL_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),  # each channel has a connection of its own
    ("grpc.enable_retries", 0),  # what is tested is the server: a retry would hide its failures
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]

Rows = np.ndarray
Oracle = Callable[[str, Rows], Rows | None]
"""What a version answers to rows, float32 [N, 3]; None for a version that must never answer."""


def affine_oracle(versions: Mapping[str, tuple[float, float]]) -> Oracle:
    """The oracle of `model_files.affine` graphs: scale and offset of each version."""

    def answer(version: str, rows: Rows) -> Rows | None:
        if version not in versions:
            return None
        scale, offset = versions[version]
        return np.asarray(rows * np.float32(scale) + np.float32(offset), np.float32)

    return answer


@dataclass(frozen=True, slots=True)
class Final:
    """How one call ended.

    Attributes:
        number: of the call, unique in its history.
        connection: the number of the channel of the last attempt.
        begun_s, ended_s: on the monotonic clock.
        code: the final gRPC status; CANCELLED too where the client itself cancelled.
        reason, message: of the error, empty for OK.
        retry_ms: when the server allows a retry; None where it said nothing.
        version: that the reply names.
        wrong: what is wrong with an answer that is OK; empty for a right one.
        attempts: how often it was sent.
    """

    number: int
    connection: int
    begun_s: float
    ended_s: float
    code: grpc.StatusCode
    reason: str = ""
    message: str = ""
    retry_ms: int | None = None
    version: str = ""
    wrong: str = ""
    attempts: int = 1


@dataclass
class History:
    """Every call of a load: when it began, and how it ended."""

    begun: list[int] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)

    def begin(self) -> int:
        """A new call's number."""
        self.begun.append(len(self.begun))
        return self.begun[-1]

    def check(self) -> Counter[tuple[str, str]]:
        """Every call ended exactly once, and each answer that is OK is right.

        Returns:
            How many calls ended with each (status, reason).
        """
        ends = Counter(final.number for final in self.finals)
        lost = [number for number in self.begun if not ends[number]]
        assert not lost, f"{len(lost)} calls have no end: {lost[:10]}"
        twice = [number for number, count in ends.items() if count > 1]
        assert not twice, f"calls that ended more than once: {twice[:10]}"
        assert len(ends) == len(self.begun), "a call ended that never began"
        wrong = [final for final in self.finals if final.wrong]
        assert not wrong, f"{len(wrong)} answers are wrong, such as {wrong[0]}"
        return Counter((final.code.name, final.reason) for final in self.finals)

    def only(self, code: grpc.StatusCode) -> list[Final]:
        """The calls that ended with this status, in the order of their ends."""
        return [final for final in self.finals if final.code is code]


class Load:
    """Closed-loop callers on channels of their own, from `async with` to `stop`.

    Args:
        addresses: of servers; a caller stays with one until an attempt fails, then takes the next.
        oracle: says what is right.
        model: what is called.
        connections: channels to each address.
        streams: callers on each channel, one call at a time each.
        retry: whether UNAVAILABLE is tried again, after what the server says.
        leave_on_drain: a caller ends when it is told that the server shuts down.
        pause_s: between two calls of a caller.
        seed: of the rows.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        oracle: Oracle,
        *,
        model: str = "affine",
        connections: int = 4,
        streams: int = 4,
        retry: bool = False,
        leave_on_drain: bool = True,
        pause_s: float = 0.0,
        seed: int = 7,
    ) -> None:
        self.history = History()
        self._addresses = addresses
        self._oracle = oracle
        self._model = model
        self._connections = connections
        self._streams = streams
        self._retry = retry
        self._leave_on_drain = leave_on_drain
        self._pause_s = pause_s
        self._rng = np.random.default_rng(seed)
        self._channels: list[list[Any]] = []
        self._callers: list[asyncio.Task[None]] = []
        self._stopping = False

    async def __aenter__(self) -> Self:
        """Connects and starts to call."""
        self._channels = [
            [connect(address) for address in self._addresses] for _ in range(self._connections)
        ]
        self._callers = [
            asyncio.create_task(self._call_on(connection))
            for connection in range(self._connections)
            for _ in range(self._streams)
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the callers, hard where the test failed, and closes the channels."""
        self._stopping = True
        if kind is not None:
            for caller in self._callers:
                caller.cancel()
        results = await asyncio.gather(*self._callers, return_exceptions=True)
        for channels in self._channels:
            for channel in channels:
                await channel.close()
        if kind is None:
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def stop(self) -> None:
        """Lets each caller finish the call that it is at."""
        self._stopping = True
        await asyncio.gather(*self._callers)

    async def until(self, calls: int, timeout_s: float = 20.0) -> None:
        """Waits until so many more calls have ended."""
        end_s = time.monotonic() + timeout_s
        wanted = len(self.history.finals) + calls
        while len(self.history.finals) < wanted:
            assert time.monotonic() < end_s, f"the load stands still: {self.history.check()}"
            await asyncio.sleep(0.005)

    async def _call_on(self, connection: int) -> None:
        calls = deque(channel.unary_unary(INFER) for channel in self._channels[connection])
        calls.rotate(-connection)
        while not self._stopping:
            final = await self._call(connection, calls)
            self.history.finals.append(final)
            if final.reason == "DRAINING" and self._leave_on_drain:
                return
            if final.code is grpc.StatusCode.UNAVAILABLE and not final.reason:
                if self._leave_on_drain:
                    return  # the connection is gone
                await asyncio.sleep(BACK_OFF_S)
            if self._pause_s:
                await asyncio.sleep(self._pause_s)

    async def _call(self, connection: int, calls: deque[Any]) -> Final:
        number = self.history.begin()
        size = int(self._rng.integers(1, ROWS_MAX + 1))
        rows = self._rng.uniform(-100, 100, (size, FEATURES)).astype(np.float32)
        payload = request_bytes(self._model, rows, call_id=str(number) if number % 2 else "")
        begun_s = time.monotonic()
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                reply = await calls[0](payload, timeout=TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                reason, retry_ms = reason_of(error)
                final = Final(
                    number, connection, begun_s, time.monotonic(), error.code(), reason,
                    error.details() or "", retry_ms, attempts=attempt,
                )  # fmt: skip
                if not self._retry or error.code() is not grpc.StatusCode.UNAVAILABLE:
                    return final
                wait_s = BACK_OFF_S if retry_ms is None else retry_ms / 1e3
                await asyncio.sleep(wait_s)
                calls.rotate(-1)
                continue
            version, wrong = judge(reply, rows, number, self._oracle)
            return Final(
                number, connection, begun_s, time.monotonic(), grpc.StatusCode.OK,
                version=version, wrong=wrong, attempts=attempt,
            )  # fmt: skip
        return final


def connect(address: str) -> Any:
    """An aio channel with a connection of its own; untyped, as its type stubs are incomplete."""
    return grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)


def request_bytes(model: str, rows: Rows, *, call_id: str = "", version: str = "") -> bytes:
    """A ModelInfer request for a model with the one input `x`, float32 [N, features]."""
    request = inference_pb2.ModelInferRequest(
        model_name=model, model_version=version, id=call_id, raw_input_contents=[rows.tobytes()]
    )
    request.inputs.add(name="x", datatype="FP32", shape=rows.shape)
    return bytes(request.SerializeToString())


def judge(reply: bytes, rows: Rows, number: int, oracle: Oracle) -> tuple[str, str]:
    """The version that a reply names, and what is wrong with the reply."""
    response = inference_pb2.ModelInferResponse.FromString(reply)
    version = response.model_version
    if response.id not in {"", str(number)}:
        return version, f"the reply to {response.id} came to {number}"
    expected = oracle(version, rows)
    if expected is None:
        return version, f"the version {version!r} must not answer"
    found = np.frombuffer(response.raw_output_contents[0], "<f4").reshape(-1, FEATURES)
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=1e-6, atol=1e-4):
        return version, f"version {version} answered {found.tolist()} to {rows.tolist()}"
    return version, ""


def reason_of(error: grpc.aio.AioRpcError) -> tuple[str, int | None]:
    """ErrorInfo.reason and RetryInfo in ms of an error; "" and None where it has none.

    RetryInfo, as the native front cannot send the key `grpc-retry-pushback-ms`.
    """
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    trailing: Any = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                detail.Unpack(info)
                detail.Unpack(retry)
    delay = retry.retry_delay if retry.HasField("retry_delay") else None
    return info.reason, delay.ToMilliseconds() if delay is not None else None
