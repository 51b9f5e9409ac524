"""The attempts of one call: who is asked in turn, or as a hedge, and what is noted of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from stubtail.breaker import Refusal
from stubtail.errors import CallError
from stubtail.llm import failures
from stubtail.llm.failures import AttemptFailedError
from stubtail.llm.hooks import Booking, Caller, Hooks, Request, Span
from stubtail.llm.http import Http
from stubtail.llm.ledger import Ledger
from stubtail.llm.reader import Patience, Reader, ReadLimits
from stubtail.llm.routing import Plan
from stubtail.llm.turns import Turns
from stubtail.llm.upstreams import Lease, Upstream
from stubtail.metrics.llm import CHAT, EMBEDDINGS
from stubtail.v1 import llm_pb2

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Means:
    """What every call uses.

    Attributes:
        http: the connections.
        limits: how much of an answer is taken.
        clock: monotonic seconds.
        random: 0 to 1.
        hooks: what stands around a call.
    """

    http: Http
    limits: ReadLimits
    clock: Callable[[], float]
    random: Callable[[], float]
    hooks: Hooks = Hooks()  # noqa: RUF009 - it is frozen


class Terms(NamedTuple):
    """How one call is to be answered.

    Attributes:
        plan: whom to ask.
        attempts_max: how often, all upstreams together.
        patience: how long each attempt may take; `until_s` is the end of the call.
        hedge_after_s: when a second upstream is asked as well; 0 never.
        caller: who calls.
        span: who traces it.
    """

    plan: Plan[Upstream]
    attempts_max: int
    patience: Patience
    hedge_after_s: float
    caller: Caller
    span: Span | None = None


class Attempt:
    """One try: a slot and a permit of an upstream, a connection, and what was set aside for it.

    `close` gives all of them back, however it ended.
    """

    def __init__(
        self,
        lease: Lease,
        booking: Booking | None,
        reader: Reader,
        started_s: float,
        *,
        hedge: bool,
    ) -> None:
        self.lease = lease
        self.upstream = lease.upstream
        self.reader = reader
        self.started_s = started_s
        self.hedge = hedge
        self.usage: llm_pb2.Usage | None = None
        self._booking = booking
        self.open = True

    def close(self, now_s: float) -> None:
        """Gives everything back; does so once."""
        if not self.open:
            return
        self.open = False
        self.reader.close()
        self.lease.close(now_s)
        if self._booking is not None:
            self._booking.settle([] if self.usage is None else [self.usage], now_s)


class Answered(NamedTuple, Generic[Result]):
    """An attempt that gave what was wanted; whoever has it closes the attempt."""

    attempt: Attempt
    result: Result


class Attempts:
    """Asks upstreams until one answers, within one budget.

    Args:
        means: what every call uses.
        request: has been checked.
        terms: how this one is to be answered.
    """

    def __init__(self, means: Means, request: Request, terms: Terms) -> None:
        self._means = means
        self._request = request
        self._terms = terms
        operation = EMBEDDINGS if isinstance(request, llm_pb2.EmbedRequest) else CHAT
        self._ledger = Ledger(means.clock, operation, terms.span)
        self._turns = Turns(terms.plan, terms.attempts_max, means.random)
        self._bookings: dict[Lease, Booking] = {}

    @property
    def used(self) -> list[llm_pb2.Usage]:
        """What each attempt has used, as far as it is known; empty where nobody began to work."""
        return self._ledger.used

    async def _first(self, work: Callable[[Attempt], Awaitable[Result]]) -> Answered[Result]:
        """The first attempt whose work succeeds.

        Args:
            work: raises AttemptFailedError where the attempt is over, and another may be made.

        Raises:
            CallError: none did.
        """
        while True:
            turn = self._turns.next(self._lease) if self._in_time() else None
            if turn is None:
                raise self._failed()
            if isinstance(turn, float):
                await asyncio.sleep(turn)
                continue
            attempt = self._begin(turn)
            hedged = self._terms.hedge_after_s > 0 and self._turns.left > 0
            answered = await (self._race(attempt, work) if hedged else self._try(attempt, work))
            if answered is not None:
                return answered

    async def _try(
        self, attempt: Attempt, work: Callable[[Attempt], Awaitable[Result]]
    ) -> Answered[Result] | None:
        """What an attempt gives, or None where it failed, which is noted."""
        kept = False
        try:
            result = await work(attempt)
            kept = True
        except AttemptFailedError as failure:
            self._note_failure(attempt, failure)
            return None
        finally:
            if not kept:
                self._close(attempt)
        return Answered(attempt, result)

    async def _race(
        self, first: Attempt, work: Callable[[Attempt], Awaitable[Result]]
    ) -> Answered[Result] | None:
        """The first of two attempts that succeeds; the second begins when the first is slow."""
        attempts = {asyncio.create_task(self._try(first, work)): first}
        running = set(attempts)
        wait_s: float | None = self._terms.hedge_after_s
        winner: Answered[Result] | None = None
        kept: Answered[Result] | None = None
        try:
            while running and winner is None:
                done, running = await asyncio.wait(
                    running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
                )
                winner = next((one.result() for one in done if one.result()), None)
                lease = self._turns.another(self._lease) if not done else None
                wait_s = None
                if lease is not None:
                    second = self._begin(lease, hedge=True)
                    task = asyncio.create_task(self._try(second, work))
                    attempts[task] = second
                    running.add(task)
        finally:
            for task in attempts:
                task.cancel()
            try:
                await asyncio.gather(*attempts, return_exceptions=True)
                kept = winner
            finally:  # a caller who goes just now gets no winner: nobody else would close it
                self._close_losers(list(attempts.values()), kept)
        return winner

    def _close_losers(self, attempts: list[Attempt], winner: Answered[Result] | None) -> None:
        for one in attempts:
            if winner is None or one is not winner.attempt:
                if winner is not None and not one.lease.settled:
                    self._note_failure(one, AttemptFailedError(failures.SUPERSEDED))
                self._close(one)

    def _lease(self, upstream: Upstream) -> Lease | Refusal:
        """The right to ask an upstream once, by its limits, its slots and its breaker."""
        now_s, limits = self._means.clock(), self._means.hooks.limits
        booking = None
        if limits is not None:
            caller = self._terms.caller
            booked = limits.admit_attempt(caller, upstream, self._request, now_s)
            if isinstance(booked, Refusal):
                return booked
            booking = booked
        lease = upstream.lease(now_s)
        if booking is not None:
            if isinstance(lease, Lease):
                self._bookings[lease] = booking
            else:
                booking.settle([], now_s)
        return lease

    def _begin(self, lease: Lease, *, hedge: bool = False) -> Attempt:
        means = self._means
        reader = Reader(means.http, lease.upstream, self._terms.patience, means.limits, means.clock)
        booking = self._bookings.pop(lease, None)
        return Attempt(lease, booking, reader, means.clock(), hedge=hedge)

    async def _ask(self, attempt: Attempt, url: str, body: bytes, *, stream: bool) -> None:
        """Sends a request; raises AttemptFailedError."""
        span = self._terms.span
        headers = span.headers() if span is not None else None
        await attempt.reader.ask(url, body, stream=stream, headers=headers)

    def _close(self, attempt: Attempt) -> None:
        """Ends an attempt, once; one that was sent without counts may have been charged for."""
        if not attempt.open:
            return
        self._ledger.upstream_s += attempt.reader.waited_s
        attempt.reader.waited_s = 0.0
        if attempt.usage is None and attempt.reader.sent and not attempt.lease.unused:
            attempt.usage = llm_pb2.Usage(source=llm_pb2.Usage.SOURCE_PARTIAL)
        self._ledger.note_used(attempt.usage)
        attempt.close(self._means.clock())

    def _in_time(self) -> bool:
        return self._means.clock() < self._terms.patience.until_s

    def _failed(self) -> CallError:
        if self._ledger.attempts:
            now_s = self._means.clock()
            upstreams = self._terms.plan.upstreams
            waits = [upstream.gate.wait_s(now_s) for upstream in upstreams]
            return failures.failed_call(self._ledger.attempts, min(waits))
        refusals = self._turns.refusals
        busy = any(refusal.throttled for refusal in refusals)
        wait_s = min((one.wait_s for one in refusals), default=0.0)
        return failures.passed_by(busy=busy, wait_s=wait_s)

    def _note_answer(self, attempt: Attempt) -> None:
        attempt.lease.answered(self._means.clock())
        self._ledger.note(attempt.upstream, failures.OK, attempt.reader.http_status, "", attempt)

    def _note_failure(self, attempt: Attempt, failure: AttemptFailedError) -> None:
        upstream = attempt.upstream
        attempt.lease.failed(failure, self._means.clock())
        code = upstream.origin.told(failure.code)
        self._ledger.note(upstream, failure.outcome, failure.http_status, code, attempt)
        self._turns.failed(upstream, failure.outcome)
        # All is known of it: the frames that it passed have it in turn, and the request with it.
        failure.__traceback__ = failure.__context__ = failure.__cause__ = None
