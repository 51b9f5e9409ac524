"""inference.GRPCInferenceService/ModelStreamInfer: one answer for each request, in their order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from stubtail.access.identity import UNGUARDED, current_permit, note_denial
from stubtail.endpoints.lane_method import LaneMethod
from stubtail.endpoints.method import BidiStream, parse
from stubtail.endpoints.protobuf import opening
from stubtail.errors import CallError
from stubtail.lane.job import Job
from stubtail.oip import inference_pb2

PATH = "/inference.GRPCInferenceService/ModelStreamInfer"
WINDOW_MAX = 64  # requests of one stream at work at once; the rest waits unread, as gRPC intends
INFER_RESPONSE = 2  # ModelStreamInferResponse.infer_response


class StreamInfer:
    """Reads requests ahead, so that those of one stream share batches; answers in order.

    A request that fails is answered with `error_message` in its place, and the stream goes on.
    The whole stream fails only on a message that is not one.

    Args:
        infer: the unary method, whose decoder and errors are the same.
        submit: runs a job and returns its reply or its error.
        clock: monotonic seconds, the lane's.
    """

    def __init__(
        self,
        infer: LaneMethod,
        submit: Callable[[Job], Awaitable[bytes | CallError]],
        clock: Callable[[], float],
    ) -> None:
        self._infer = infer
        self._submit = submit
        self._clock = clock

    def methods(self) -> list[BidiStream]:
        """The one method."""
        return [BidiStream(PATH, self.stream, counted=False)]

    async def stream(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The answers, in the order of the requests."""
        answers: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(WINDOW_MAX)
        reader: asyncio.Task[Any] = asyncio.create_task(self._read(requests, answers))
        try:
            while (answer := await answers.get()) is not None:
                yield await answer
            await reader
        finally:
            left = [reader]
            while not answers.empty():
                unread = answers.get_nowait()
                if unread is not None:
                    left.append(unread)
            for task in left:
                task.cancel()
            # Waited for, so that the exceptions of those that failed have been seen.
            await asyncio.gather(*left, return_exceptions=True)

    async def _read(
        self,
        requests: AsyncIterator[bytes],
        answers: "asyncio.Queue[asyncio.Task[bytes] | None]",
    ) -> None:
        try:
            async for payload in requests:
                answer = asyncio.create_task(self._answer(payload))
                try:
                    await answers.put(answer)
                except asyncio.CancelledError:
                    answer.cancel()
                    raise
        finally:
            await answers.put(None)

    async def _answer(self, payload: bytes) -> bytes:
        try:
            permit = current_permit()
            permit.count(self._clock())
            job = self._infer.decode(
                payload, self._clock(), None, permit if permit is not UNGUARDED else None
            )
        except CallError as error:
            note_denial(error)
            error.forget()
            return _error_reply(payload, error)
        reply = await self._submit(job)
        if isinstance(reply, CallError):
            return _error_reply(payload, reply)
        return opening(INFER_RESPONSE, len(reply)) + reply


def _error_reply(payload: bytes, error: CallError) -> bytes:
    """The error with the id of its request; fails, and the stream with it, for what is none."""
    request = parse(inference_pb2.ModelInferRequest, payload)
    return inference_pb2.ModelStreamInferResponse(
        error_message=error.message,
        infer_response=inference_pb2.ModelInferResponse(id=request.id),
    ).SerializeToString()
