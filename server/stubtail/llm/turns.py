"""Who is asked next in one call, within its budget of attempts; pure."""

from collections.abc import Callable
from typing import Final

from stubtail.breaker import Refusal
from stubtail.llm import failures
from stubtail.llm.failures import Outcome
from stubtail.llm.routing import Plan
from stubtail.llm.upstreams import Lease, Upstream

# The right to ask an upstream, or why there is none. Passed in each time: kept here it would be a
# cycle, as it belongs to the call, whose request would stay until a full collection.
Ask = Callable[[Upstream], Lease | Refusal]
BACKOFF_S: Final = 0.1  # before the same upstreams are asked again; doubles
BACKOFF_MAX_S: Final = 2.0


class Turns:
    """The upstreams of a plan in their order.

    Those that failed in a way that may be over in a moment are asked again, after a pause, when all
    others have been asked. Retries, fallbacks, hedges and restarts share one budget.

    Args:
        plan: whom to ask.
        attempts_max: how often, all upstreams together.
        random: 0 to 1.

    Attributes:
        left: how many attempts may still be made.
        refusals: why upstreams were passed by.
    """

    def __init__(
        self,
        plan: Plan[Upstream],
        attempts_max: int,
        random: Callable[[], float],
    ) -> None:
        self._plan = plan
        self._random = random
        self._waiting = list(plan.upstreams)
        self._again: list[Upstream] = []
        self._pause_s = BACKOFF_S
        self.left = attempts_max
        self.refusals: list[Refusal] = []

    def next(self, ask: Ask) -> Lease | float | None:
        """A lease, which its taker closes, a pause in seconds, or None at the end."""
        while self.left > 0:
            if not self._waiting:
                if not self._again:
                    return None
                self._waiting, self._again = self._again, []
                pause_s = self._pause_s * (0.5 + self._random() / 2)
                self._pause_s = min(2 * self._pause_s, BACKOFF_MAX_S)
                return pause_s
            lease = ask(self._waiting.pop(0))
            if isinstance(lease, Lease):
                self.left -= 1
                return lease
            self.refusals.append(lease)
        return None

    def another(self, ask: Ask) -> Lease | None:
        """A lease of an upstream that has not been asked yet, for a hedge."""
        while self.left > 0 and self._waiting:
            lease = ask(self._waiting.pop(0))
            if isinstance(lease, Lease):
                self.left -= 1
                return lease
            self.refusals.append(lease)
        return None

    def failed(self, upstream: Upstream, outcome: Outcome) -> None:
        """An attempt has failed so: whom to ask next may depend on it."""
        plan = self._plan
        if outcome == failures.CONTEXT_TOO_LONG and plan.on_context:
            self._turn_to(plan.on_context, upstream)
        elif outcome == failures.CONTENT_REFUSED and plan.on_content:
            self._turn_to(plan.on_content, upstream)
        elif outcome in failures.AGAIN:
            self._again.append(upstream)

    @property
    def answers_refusals(self) -> bool:
        """Whether somebody else is asked where content is refused."""
        return bool(self._plan.on_content) and self.left > 0

    def _turn_to(self, others: list[Upstream], failed: Upstream) -> None:
        """From now on these are asked. None of them is asked twice for the same reason."""
        self._waiting = [one for one in others if one is not failed]
        self._again = []
        self._plan = Plan(others)
