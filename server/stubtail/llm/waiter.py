"""One wait at a time for something that comes or does not, with one timer for all of them."""

import asyncio

EARLY_S = 0.001  # timers of the loop are exact to a millisecond


class Waiter:
    """Waits, again and again: each costs a future, and hardly ever a timer.

    Args:
        loop: the loop it belongs to.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._future: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0

    @property
    def waits(self) -> bool:
        """Whether somebody waits, and has not been woken."""
        return self._future is not None and not self._future.done()

    async def wait(self, due_s: float) -> None:
        """Waits for `wake`; raises TimeoutError at that time, on the clock of the loop."""
        loop = self._loop
        if loop.time() >= due_s:  # what wakes this in every turn of the loop outruns every timer
            raise TimeoutError
        self._due_s = due_s
        if self._timer is None:
            self._timer = loop.call_at(due_s, self._late)
        elif self._timer.when() > due_s + EARLY_S:
            self._timer.cancel()
            self._timer = loop.call_at(due_s, self._late)
        future = self._future = loop.create_future()
        try:
            await future
        finally:
            if self._future is future:
                self._future = None

    def wake(self) -> None:
        """Ends the wait, if there is one."""
        future = self._future
        if future is not None and not future.done():
            future.set_result(None)

    def put_off(self, due_s: float) -> None:
        """The wait that goes on ends at this time, which is no earlier than the one before."""
        self._due_s = due_s

    def stop_timer(self) -> None:
        """Nobody will wait any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        future = self._future
        if future is None or future.done():
            return  # nobody waits now; who does so next sets it again
        if self._loop.time() >= self._due_s - EARLY_S:
            future.set_exception(TimeoutError())
        else:
            self._timer = self._loop.call_at(self._due_s, self._late)
