"""One call that may be made on two connections at once: which attempt begins when. Pure."""

from stubtail_client.errors import StubtailError
from stubtail_client.options import Deadline
from stubtail_client.retries import Budget, is_definite, retry_wait_s

_FIRST, _HEDGE = 0, 1


class Race:
    """Says which attempts of a hedged call begin, and when it has failed.

    The first good answer wins, whichever leg gives it, and so does a refusal that the other leg
    would meet too. Each leg is retried as a call without hedging is. The second begins where the
    first has not been answered for a while.

    Args:
        deadline: of the call.
        hedge_after_s: when the second leg begins.
        retries: the budget of retries.
        hedges: the budget of second legs.
        now_s: on the clock of the deadline, as everywhere here.
        attempt: the number of the first attempt; above 1 where others were made before.
    """

    def __init__(
        self,
        deadline: Deadline,
        hedge_after_s: float,
        retries: Budget,
        hedges: Budget,
        now_s: float,
        attempt: int = 1,
    ) -> None:
        self._deadline = deadline
        self._retries, self._hedges = retries, hedges
        self._starts_s = {_FIRST: now_s, _HEDGE: now_s + hedge_after_s}
        self._attempts = {_FIRST: attempt - 1, _HEDGE: 0}
        self._running: set[int] = set()

    def due(self, now_s: float) -> list[int]:
        """The legs of which an attempt begins now."""
        legs = [leg for leg, start_s in self._starts_s.items() if start_s <= now_s]
        for leg in legs:
            del self._starts_s[leg]
        begun = [leg for leg in legs if leg == _FIRST or self._attempts[leg] or self._hedges.take()]
        for leg in begun:
            self._attempts[leg] += 1
        self._running.update(begun)
        return begun

    def wait_s(self, now_s: float) -> float | None:
        """How long until the next attempt may begin; None where only answers are waited for."""
        if not self._starts_s:
            return None
        return max(0.0, min(self._starts_s.values()) - now_s)

    def failed(self, leg: int, failure: StubtailError, now_s: float) -> bool:
        """Takes note of a failed attempt; returns whether the call has failed with it."""
        self._running.discard(leg)
        if is_definite(failure):
            return True
        remaining_s = self._deadline.ends_at - now_s
        wait_s = retry_wait_s(failure, self._attempts[leg], remaining_s, self._retries)
        if wait_s is not None:
            self._starts_s[leg] = now_s + wait_s
        waiting = any(self._attempts[one] for one in self._starts_s)
        return not self._running and not waiting

    def succeeded(self) -> None:
        """Takes note of the answer."""
        self._retries.succeeded()
        self._hedges.succeeded()
