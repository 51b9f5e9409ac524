"""Runs the lane from the event loop: for the grpcio transport and for streams of requests."""

import asyncio
from threading import get_ident

from stubtail.errors import CallError
from stubtail.lane.job import Job, Trailing
from stubtail.lane.lane import Lane


class Answer:
    """How one call ended: a payload with trailing metadata, or an error; before that, neither."""

    __slots__ = ("error", "payload", "trailing", "waiter")

    def __init__(self) -> None:
        self.payload: bytes | None = None
        self.trailing: Trailing | None = None
        self.error: CallError | None = None
        self.waiter: asyncio.Future[None] | None = None

    @property
    def given(self) -> bool:
        """Whether the call has been answered."""
        return self.payload is not None or self.error is not None


class LoopLane:
    """Offers jobs of coroutines to the lane and runs its batches between them.

    grpc.aio accepts calls one by one, so they hardly ever come together: a job is run at once, in
    the coroutine that brought it, without a future or a turn of the loop. Only a job that another
    thread runs, or that has to wait, is waited for.

    Args:
        lane: runs the jobs.
    """

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._pumping = False
        self.in_flight = 0

    def start(self) -> None:
        """Binds to the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()

    async def call(self, job: Job) -> Answer:
        """Waits for the job's answer. A cancelled call takes its job out of the queue."""
        answer = Answer()
        job.replies = self
        job.call = answer
        if self._lane.serve([job]):
            self._pump_later()
        if answer.given:
            return answer
        assert self._loop is not None
        answer.waiter = self._loop.create_future()
        self.in_flight += 1
        try:
            await answer.waiter
        except asyncio.CancelledError:
            self._lane.cancel(job)
            raise
        finally:
            self.in_flight -= 1
        return answer

    def respond(self, call: Answer, payload: bytes, trailing: Trailing | None) -> None:
        """Answers a call, from any thread."""
        if get_ident() == self._thread:
            _give(call, payload, trailing, None)
        else:
            self._give_from_thread(call, payload, trailing, None)

    def fail(self, call: Answer, error: CallError) -> None:
        """Ends a call with an error, from any thread.

        The error travels as a value: one instance serves many refused calls, and raising it again
        and again would grow its traceback.
        """
        if get_ident() == self._thread:
            _give(call, None, None, error)
        else:
            self._give_from_thread(call, None, None, error)

    def _pump_later(self) -> None:
        """One batch for each turn of the loop while any waits, so that calls are read between."""
        if self._lane.inline_waiting and not self._pumping:
            assert self._loop is not None
            self._pumping = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        if self._lane.run_inline():
            self._pump_later()

    def _give_from_thread(
        self,
        call: Answer,
        payload: bytes | None,
        trailing: Trailing | None,
        error: CallError | None,
    ) -> None:
        # Runs on the loop after `call` has got to its waiter: there is no await in between.
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_give, call, payload, trailing, error)


def _give(
    call: Answer, payload: bytes | None, trailing: Trailing | None, error: CallError | None
) -> None:
    if call.given:
        return  # the first answer counts
    call.payload, call.trailing, call.error = payload, trailing, error
    waiter = call.waiter
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
