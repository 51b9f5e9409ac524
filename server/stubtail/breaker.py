"""A circuit breaker and a throttle gate in front of what can fail; pure, the time is passed in.

It stands in front of each upstream of the proxy and of each model on the lane.

pybreaker holds the state: closed, open, half-open. It is never wrapped around awaited work, which
would count cancelled calls as failures, admit any number of probes and hold its lock meanwhile.
Instead a call takes a permit, does its work, and settles the permit in one synchronous step:

* `ok` and `fail` count; `fail` may open the breaker, `ok` of a probe closes it.
* `throttled` does not count: a provider that says "too often" (HTTP 429) is well. It is passed by
  until the time that it named.
* `drop` counts nothing: the caller went, or the request itself was wrong.

Outcomes of permits from before the last change of state are stale, and change nothing.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import pybreaker

WINDOW_ATTEMPTS_MAX = 1024  # attempts that a busy upstream is judged by
JITTER = 0.2  # replicas must not probe in step


@dataclass(frozen=True, slots=True)
class BreakerOptions:
    """When a breaker opens and when it tries again; times in seconds."""

    window_s: float
    attempts_min: int
    failure_rate: float
    failures_max: int
    open_s: float
    open_max_s: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no permit, and in how many seconds there may be one."""

    throttled: bool
    wait_s: float


class _FailedError(Exception):
    """What pybreaker is told a failed call raised."""


class _Window(pybreaker.CircuitMemoryStorage):
    """Judges by the failures in a row and by their rate in a window of time.

    pybreaker asks for `counter` and compares it with its bound: it gets the bound where the window
    says so, and 0 where not.
    """

    def __init__(self, options: BreakerOptions) -> None:
        super().__init__(pybreaker.STATE_CLOSED)
        self._options = options
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=WINDOW_ATTEMPTS_MAX)
        self._in_a_row = 0
        self.now_s = 0.0

    def increment_counter(self) -> None:
        """A failure."""
        self._in_a_row += 1
        self._outcomes.append((self.now_s, False))

    def reset_counter(self) -> None:
        """A success: pybreaker calls this after each."""
        self._in_a_row = 0
        self._outcomes.append((self.now_s, True))

    def forget(self) -> None:
        """Starts anew."""
        self._in_a_row = 0
        self._outcomes.clear()

    @property
    def counter(self) -> int:
        """The bound where the breaker must open, else 0."""
        options, outcomes = self._options, self._outcomes
        while outcomes and outcomes[0][0] < self.now_s - options.window_s:
            outcomes.popleft()
        failures = sum(not ok for _, ok in outcomes)
        enough = len(outcomes) >= options.attempts_min
        too_many = enough and failures >= options.failure_rate * len(outcomes)
        return 1 if too_many or self._in_a_row >= options.failures_max else 0


class _OnChange(pybreaker.CircuitBreakerListener):
    """Tells of every change of state."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:  # noqa: ARG002 - its signature is pybreaker's
        """The storage still has the old state, so the name is taken from the new one."""
        self._told(new_state.name)


class Gate:
    """Decides whether an upstream is asked.

    Args:
        name: of the upstream.
        options: when it opens and tries again.
        random: 0 to 1, for the jitter of the time between probes.
    """

    def __init__(self, name: str, options: BreakerOptions, random: Callable[[], float]) -> None:
        self._options = options
        self._random = random
        self._window = _Window(options)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=1,
            success_threshold=1,
            state_storage=self._window,
            listeners=[_OnChange(self._changed)],
            name=name,
            throw_new_error_on_trip=False,
        )
        self._state = pybreaker.STATE_CLOSED
        self._generation = 0
        self._probing = False
        self._opened_in_a_row = 0
        self._open_until_s = 0.0
        self._throttled_until_s = 0.0

    def state(self, now_s: float) -> str:
        """closed, open or half-open: what the next call would find."""
        if self._state == pybreaker.STATE_OPEN and now_s >= self._open_until_s:
            return pybreaker.STATE_HALF_OPEN
        return self._state

    def is_throttled(self, now_s: float) -> bool:
        """Whether the provider asked for patience, and its time is not over."""
        return now_s < self._throttled_until_s

    def wait_s(self, now_s: float) -> float:
        """How long until the next call may pass, seconds."""
        waits = [self._throttled_until_s - now_s]
        if self._state == pybreaker.STATE_OPEN:
            waits.append(self._open_until_s - now_s)
        return max(0.0, *waits)

    def acquire(self, now_s: float) -> "Permit | Refusal":
        """A permit, which must be settled exactly once, or why there is none."""
        if self.is_throttled(now_s):
            return Refusal(throttled=True, wait_s=self._throttled_until_s - now_s)
        if self._state == pybreaker.STATE_OPEN:
            if now_s < self._open_until_s:
                return Refusal(throttled=False, wait_s=self._open_until_s - now_s)
            self._window.now_s = now_s
            self._breaker.half_open()
        if self._state == pybreaker.STATE_HALF_OPEN:
            if self._probing:
                return Refusal(throttled=False, wait_s=self._options.open_s)
            self._probing = True
            return Permit(self, self._generation, is_probe=True)
        return Permit(self, self._generation, is_probe=False)

    def settle(self, permit: "Permit", now_s: float, call: Callable[[], None] | None) -> None:
        """Ends a permit; `call` is what pybreaker sees of it, None nothing."""
        if permit.generation != self._generation:
            return
        if permit.is_probe:
            self._probing = False
        if call is not None:
            self._window.now_s = now_s
            if call is _succeed and self._state == pybreaker.STATE_CLOSED:
                self._window.reset_counter()  # which is all that pybreaker would do, in ten steps
                return
            try:
                self._breaker.call(call)
            except _FailedError as failed:
                # A frame of pybreaker keeps it, and it all frames: of whoever asked, and of calls.
                failed.__traceback__ = failed.__context__ = None

    def throttle(self, until_s: float) -> None:
        """Passes the upstream by until then; a shorter time never replaces a longer one."""
        self._throttled_until_s = max(self._throttled_until_s, until_s)

    def _changed(self, state: str) -> None:
        self._state = state
        self._generation += 1
        self._probing = False
        self._window.forget()
        if state == pybreaker.STATE_CLOSED:
            self._opened_in_a_row = 0
        elif state == pybreaker.STATE_OPEN:
            options = self._options
            open_s = min(options.open_max_s, options.open_s * 2.0 ** min(self._opened_in_a_row, 30))
            self._opened_in_a_row += 1
            self._open_until_s = self._window.now_s + open_s * (1 + JITTER * self._random())


class Permit:
    """The right to ask an upstream once. Exactly one outcome counts: the first."""

    __slots__ = ("_gate", "_settled", "generation", "is_probe")

    def __init__(self, gate: Gate, generation: int, *, is_probe: bool) -> None:
        self._gate = gate
        self._settled = False
        self.generation = generation
        self.is_probe = is_probe

    def ok(self, now_s: float) -> None:
        """It answered."""
        self._end(now_s, _succeed)

    def fail(self, now_s: float) -> None:
        """It failed."""
        self._end(now_s, _fail)

    def throttled(self, now_s: float, wait_s: float) -> None:
        """It is asked too often, and is passed by for `wait_s` seconds."""
        if not self._settled:
            self._gate.throttle(now_s + wait_s)
        self._end(now_s, None)

    def drop(self, now_s: float) -> None:
        """Nothing is known of it: the caller went, or the request was wrong."""
        self._end(now_s, None)

    def _end(self, now_s: float, call: Callable[[], None] | None) -> None:
        if not self._settled:
            self._settled = True
            self._gate.settle(self, now_s, call)


def _succeed() -> None:
    """A call that worked."""


def _fail() -> NoReturn:
    raise _FailedError
