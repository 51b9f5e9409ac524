"""Runs the lane from the event loop: for the grpcio transport and for streams of requests."""

import asyncio
import logging
from dataclasses import dataclass
from threading import get_ident

from stubtail.errors import CallError, server_defect
from stubtail.lane.job import Job, Trailing
from stubtail.lane.lane import Lane

log = logging.getLogger("stubtail.transport")


@dataclass(slots=True)
class Answer:
    """How one call ended: a payload, perhaps with trailing metadata, or an error."""

    payload: bytes | None
    trailing: Trailing | None
    error: CallError | None


Waiter = asyncio.Future[Answer]


class LoopLane:
    """Offers jobs of coroutines to the lane and runs its batches between them.

    The jobs of one turn of the loop are offered together at the end of it. Under load several calls
    are read in each turn, and share a run; a call that is alone waits for nothing.

    Args:
        lane: runs the jobs.
    """

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._arrived: list[Job] = []
        self._pumping = False
        self.in_flight = 0

    def start(self) -> None:
        """Binds to the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()

    async def call(self, job: Job) -> Answer:
        """Waits for the job's answer. A cancelled call takes its job out of the queue."""
        loop = self._loop
        assert loop is not None
        waiter: Waiter = loop.create_future()
        job.replies = self
        job.call = waiter
        if not self._arrived:
            loop.call_soon(self._offer)
        self._arrived.append(job)
        self.in_flight += 1
        try:
            return await waiter
        except asyncio.CancelledError:
            self._lane.cancel(job)
            raise
        finally:
            self.in_flight -= 1

    async def run(self, job: Job) -> bytes | CallError:
        """The reply to a job, or the error that ended it, as a value."""
        answer = await self.call(job)
        if answer.payload is None:
            assert answer.error is not None
            return answer.error
        return answer.payload

    def respond(self, call: Waiter, payload: bytes, trailing: Trailing | None) -> None:
        """Answers a call, from any thread."""
        self._give(call, Answer(payload, trailing, None))

    def fail(self, call: Waiter, error: CallError) -> None:
        """Ends a call with an error, from any thread.

        The error travels as a value: one instance serves many refused calls, and raising it again
        and again would grow its traceback.
        """
        self._give(call, Answer(None, None, error))

    def _offer(self) -> None:
        jobs = [job for job in self._arrived if not job.call.done()]  # its caller may have gone
        self._arrived = []
        try:
            more = self._lane.serve(jobs)
        except Exception:
            # A defect may cost its batch, never the lane: nobody is left without an answer.
            log.exception("lane failed")
            for job in jobs:
                self.fail(job.call, server_defect())  # nothing happens to those that have theirs
            more = True
        if more:
            self._pump_later()

    def _pump_later(self) -> None:
        """One batch for each turn of the loop while any waits, so that calls are read between."""
        if self._lane.inline_waiting and not self._pumping:
            assert self._loop is not None
            self._pumping = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        try:
            more = self._lane.run_inline()
        except Exception:
            log.exception("lane failed")
            more = True
        if more:
            self._pump_later()

    def _give(self, call: Waiter, answer: Answer) -> None:
        if get_ident() == self._thread:
            _set(call, answer)
        elif self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_set, call, answer)


def _set(call: Waiter, answer: Answer) -> None:
    if not call.done():  # the first answer counts, and a caller may have gone
        call.set_result(answer)
