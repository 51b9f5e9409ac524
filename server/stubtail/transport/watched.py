"""A call goes on for as long as its caller may: until the credential ends, or is withdrawn."""

import asyncio
from collections.abc import Callable
from math import inf
from types import TracebackType

from stubtail.access.guard import DENIALS
from stubtail.access.identity import Permit
from stubtail.access.refusals import Unknown, unauthenticated
from stubtail.errors import CallError

LOOK_AGAIN_S = 10.0  # at callers of open streams


class Watched:
    """Around the work of a call: ends it with CallError when its caller may no more.

    Args:
        permit: of the call. A stream's is its own, and follows what its caller may do.
        ask: for a stream, what its caller may do at a moment; raises CallError where that is
            nothing. None for a unary call, which nobody looks at again.
        clock: monotonic seconds, the guard's.
    """

    __slots__ = ("_ask", "_clock", "_denied", "_end", "_permit", "_timer")

    def __init__(
        self, permit: Permit, ask: Callable[[float], Permit] | None, clock: Callable[[], float]
    ) -> None:
        self._permit = permit
        self._ask = ask
        self._clock = clock
        self._denied: CallError | None = None
        self._end: asyncio.Timeout | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        """Begins to watch."""
        if self._permit.identity.ends_s == inf and self._ask is None:
            return
        self._end = asyncio.timeout_at(self._when())
        await self._end.__aenter__()
        self._look_later()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raises CallError where the work was ended here, UNAUTHENTICATED or PERMISSION_DENIED."""
        if self._timer is not None:
            self._timer.cancel()
        end, self._end = self._end, None
        try:
            if end is not None:
                await end.__aexit__(kind, error, trace)
        except TimeoutError:
            raise self._denied or unauthenticated(Unknown.EXPIRED) from None
        finally:
            del end, error, trace  # see `slow_callers.write_within`

    def _when(self) -> float | None:
        """When the credential ends, on the clock of the loop."""
        ends_s = self._permit.identity.ends_s
        if ends_s == inf:
            return None
        return asyncio.get_running_loop().time() + ends_s - self._clock()

    def _look_later(self) -> None:
        if self._ask is not None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._look)

    def _look(self) -> None:
        assert self._ask is not None
        assert self._end is not None
        try:
            self._permit.follow(self._ask(self._clock()))
            if not self._end.expired():
                self._end.reschedule(self._when())
        except CallError as error:
            error.forget()
            if error.code in DENIALS:
                self._denied = error
                if not self._end.expired():  # it may be ending for longer than this
                    self._end.reschedule(asyncio.get_running_loop().time())
                return
        self._look_later()
