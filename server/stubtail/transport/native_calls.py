"""Methods of the event loop on the native front itself, without the way through the Unix socket.

The lane's thread hears of their calls and hands them to the loop, all that came together with one
wake-up. There each is a task, whose messages go straight to the Rust threads: sending one is a call
of a function and no turn of the loop, which is what a streamed token costs.

To the front all of them are streams, a unary one of a single message: on the wire that is the same.
Its head then leaves with the first message, or before an error that must not be retried: it cannot
send `grpc-retry-pushback-ms`, but no client retries a call whose head it has seen.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from math import inf
from typing import Any

from pygrpc_native import STREAM_CLOSED, STREAM_SENT, NativeGrpcFront

from stubtail.access.credential import said_in
from stubtail.access.guard import Guard
from stubtail.access.identity import CALL, Permit
from stubtail.endpoints.method import ServerStream, Unary
from stubtail.errors import CallError, draining, server_defect
from stubtail.telemetry.propagation import TRACEPARENT
from stubtail.transport.acts import Act, is_act, outcome_of
from stubtail.transport.authorization import at_work
from stubtail.transport.slow_callers import untaken
from stubtail.transport.step_aside import step_aside
from stubtail.transport.watched import Watched

log = logging.getLogger("stubtail.transport")

LOOK_S = 0.001  # how long a stream is looked at, all in all, before a timer is set
# A caller that does not read is looked at again after so long, and then after a bit more: so the
# wait that is left when it reads at last is a fifth of all that it waited for.
FULL_WAIT_S = 0.001
FULL_WAIT_GROWTH = 1.25
FULL_WAIT_MAX_S = 0.05
STEP_S = 0.0002  # the loop steps aside after so long: a lane with jobs would await bursts of tokens
LATELY_S = 0.02  # the lane has jobs if it had one so lately
PUSHBACK_KEY = "grpc-retry-pushback-ms"

# Call, index of the method, payload, what its caller may do, (metadata, peer, time left).
UNKNOWN = ((), "", None)
Handed = tuple[int, int, bytes, Permit | None, tuple[Any, ...]]


class NativeCalls:
    """Serves methods of the event loop.

    `begin` and `cancel` belong to the thread of the front; everything else to the loop.

    Args:
        methods: those that the front is to serve itself.
        send_error: ends a call with an error.
        clock: monotonic seconds.
        guard: hears of denials and of administrative acts; None where everybody may do everything.

    Attributes:
        lane_s: when the lane has had a job last; set by its thread.
    """

    def __init__(
        self,
        methods: Sequence[Unary | ServerStream],
        send_error: Callable[[int, CallError], None],
        clock: Callable[[], float],
        guard: Guard | None = None,
    ) -> None:
        self.paths = [method.path for method in methods]
        self._methods = methods
        self._send_error = send_error
        self._clock = clock
        self._guard = guard
        self._loop: asyncio.AbstractEventLoop | None = None
        self._front: NativeGrpcFront | None = None
        self._handed: deque[Handed | int] = deque()
        self._woken = False
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._ended = False
        self._open: set[int] = set()
        self._step_s = 0.0
        self.lane_s = -inf
        self.traceparents: dict[int, str] = {}  # of calls that came with one, where traces are on

    @property
    def in_flight(self) -> int:
        """The number of calls that are not answered yet."""
        return len(self._tasks) + len(self._handed)

    def start(self, front: NativeGrpcFront) -> None:
        """Binds to the running loop."""
        self._loop = asyncio.get_running_loop()
        self._front = front

    def begin(
        self,
        call: int,
        index: int,
        payload: bytes,
        permit: Permit | None,
        details: tuple[Any, ...] = UNKNOWN,
    ) -> None:
        """A call has come for the method with this index."""
        self._open.add(call)
        self._hand((call, index, payload, permit, details))

    def cancel(self, call: int) -> None:
        """The caller has gone, or its time is over."""
        if call in self._open:  # the front tells of the end of each call, after its answer too
            self._hand(call)

    async def end(self, timeout_s: float) -> None:
        """Ends every open call with UNAVAILABLE: what it has been told so far stays true."""
        self._ended = True
        ending = list(self._tasks.values())
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=timeout_s)

    def _hand(self, what: Handed | int) -> None:
        self._handed.append(what)
        if not self._woken:
            self._woken = True
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        self._woken = False  # first, so that whatever is not seen below wakes the loop again
        loop, handed = self._loop, self._handed
        assert loop is not None
        while handed:
            what = handed.popleft()
            if isinstance(what, int):
                task = self._tasks.get(what)
                if task is not None:
                    task.cancel()
            else:
                task = self._tasks[what[0]] = loop.create_task(self._serve(*what))
                # Not at the end of `_serve`: a task that is cancelled at once never begins.
                task.add_done_callback(partial(self._forget, what[0]))

    def _forget(self, call: int, _: asyncio.Task[None]) -> None:
        del self._tasks[call]
        self._open.discard(call)
        if self.traceparents:
            self.traceparents.pop(call, None)

    async def _serve(
        self, call: int, index: int, payload: bytes, permit: Permit | None, details: Any
    ) -> None:
        """One call from its arrival to its end; a caller who goes cancels it."""
        method, failure = self._methods[index], None
        if self.traceparents:
            TRACEPARENT.set(self.traceparents.get(call, ""))
        try:
            if self._ended:
                failure = draining()
            elif permit is None:
                await self._answer(call, method, payload)
            else:
                await self._admitted(call, method, payload, permit, details)
        except asyncio.CancelledError:
            if not self._ended:
                raise
            failure = draining()
        except CallError as error:
            failure = error
        except Exception:
            log.exception("method failed", extra={"path": method.path})
            failure = server_defect()
        if failure is not None:
            failure.forget()
            if permit is not None and self._guard is not None:
                self._guard.note_of(failure, method.path, permit, details[1], details[0])
            self._fail(call, failure)

    async def _admitted(
        self,
        call: int,
        method: Unary | ServerStream,
        payload: bytes,
        permit: Permit,
        details: Any,
    ) -> None:
        """A call goes on for as long as its caller's credential is good."""
        ask = None
        if isinstance(method, ServerStream):
            permit, ask = permit.own(), partial(self._permit_now, method.path, details)
        CALL.set(permit)
        async with Watched(permit, ask, self._clock):
            with at_work(permit.tenant):
                if is_act(permit):
                    await self._audited(call, method, payload, permit, details)
                else:
                    await self._answer(call, method, payload)

    def _permit_now(self, path: str, details: Any, now: float) -> Permit:
        """What a caller may do now; raises CallError where that is nothing any more."""
        assert self._guard is not None
        credential, tenant = said_in(details[0])
        return self._guard.enter(self._guard.identify(credential, now), path, tenant)

    async def _audited(
        self,
        call: int,
        method: Unary | ServerStream,
        payload: bytes,
        permit: Permit,
        details: Any,
    ) -> None:
        """An administrative act, with its record."""
        audit = self._guard.audit if self._guard is not None else None
        if audit is None:
            await self._answer(call, method, payload)
            return
        act = Act(audit, method.path, permit, details[1], details[0])
        try:
            await self._answer(call, method, payload)
        except BaseException as ended:
            act.end(outcome_of(ended))
            raise
        act.end(None)

    async def _answer(self, call: int, method: Unary | ServerStream, payload: bytes) -> None:
        front = self._front
        assert front is not None
        if isinstance(method, Unary):
            reply = await method.handle(payload)
            if front.stream_try_send(call, reply) != STREAM_SENT:
                await self._send_slowly(call, reply, method.take_s)
        else:
            pushed = method.pushed
            told: Any = (
                method.handle(payload)
                if pushed is None
                else pushed(payload, partial(self._push, call))
            )
            look_s = LOOK_S
            async with aclosing(told) as replies:
                async for reply in replies:
                    if front.stream_try_send(call, reply) == STREAM_SENT:
                        continue
                    full_s = self._clock()
                    if not await self._send_slowly(call, reply, method.take_s, look_s):
                        return
                    look_s -= self._clock() - full_s
        front.stream_end(call)

    def _push(self, call: int, reply: bytes) -> bool:
        """Sends a message if it can be sent at once; those before it have been."""
        assert self._front is not None
        sent = self._front.stream_try_send(call, reply)
        now_s = self._clock()
        if self._step_s < now_s < self.lane_s + LATELY_S:
            step_aside()
            # As long as others have had, at least: a lane that is never done would have all of it.
            self._step_s = 2 * self._clock() - now_s + STEP_S
        return bool(sent == STREAM_SENT)

    async def _send_slowly(
        self, call: int, reply: bytes, take_s: float, look_s: float = 0.0
    ) -> bool:
        """Sends to a caller that reads slowly; False when it has gone, CallError after `take_s`.

        The second message of a stream often comes before the front has sent the first: for
        `look_s` the loop goes on with others and looks again, as its timers are a thousand times
        slower than the front.
        """
        assert self._front is not None
        began_s = self._clock()
        while self._clock() < began_s + look_s:
            os.sched_yield()  # the front's thread may be waiting for this core
            await asyncio.sleep(0)
            sent = self._front.stream_try_send(call, reply)
            if sent in {STREAM_SENT, STREAM_CLOSED}:
                return bool(sent == STREAM_SENT)
        wait_s = FULL_WAIT_S
        while True:
            await asyncio.sleep(wait_s)
            sent = self._front.stream_try_send(call, reply)
            if sent in {STREAM_SENT, STREAM_CLOSED}:
                return bool(sent == STREAM_SENT)
            if self._clock() >= began_s + take_s:
                raise untaken(take_s)
            wait_s = min(FULL_WAIT_GROWTH * wait_s, FULL_WAIT_MAX_S)

    def _fail(self, call: int, error: CallError) -> None:
        assert self._front is not None
        told = dict(error.trailing_metadata).get(PUSHBACK_KEY, "")
        if str(told).startswith("-"):
            self._front.stream_send_initial_metadata(call, ())
        self._send_error(call, error)
