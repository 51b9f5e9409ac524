"""The attempts of one call: who is asked in turn, and what is noted of each."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from stubtail.errors import CallError
from stubtail.llm import failures
from stubtail.llm.breaker import Refusal
from stubtail.llm.failures import AttemptFailedError
from stubtail.llm.http import Http
from stubtail.llm.ledger import Ledger
from stubtail.llm.reader import Patience, Reader, ReadLimits
from stubtail.llm.upstreams import Lease, Upstream

BACKOFF_S: Final = 0.1  # before the same upstreams are asked again; doubles
BACKOFF_MAX_S: Final = 2.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Means:
    """What every call uses.

    Attributes:
        http: the connections.
        limits: how much of an answer is taken.
        clock: monotonic seconds.
        random: 0 to 1.
    """

    http: Http
    limits: ReadLimits
    clock: Callable[[], float]
    random: Callable[[], float]


class Attempts:
    """Asks upstreams in turn until one answers, within one budget.

    Args:
        means: what every call uses.
        plan: whom to ask, best first; not empty.
        attempts_max: how often, all upstreams together.
        patience: how long each attempt may take; `until_s` is the end of the call.
    """

    def __init__(
        self, means: Means, plan: list[Upstream], attempts_max: int, patience: Patience
    ) -> None:
        self._means = means
        self._plan = plan
        self._attempts_max = attempts_max
        self._patience = patience
        self._ledger = Ledger(means.clock)
        self._refusals: list[Refusal] = []

    async def _whole(
        self, path: str, body: Callable[[Upstream], bytes], decode: Callable[[bytes], Result]
    ) -> tuple[Upstream, Result]:
        """The first whole reply that can be decoded, and who gave it.

        Args:
            path: of the method, after the address of the provider.
            body: the request for an upstream.
            decode: raises AttemptFailedError for what is no answer.

        Raises:
            CallError: no upstream gave one.
        """
        for turn in self._turns():
            if isinstance(turn, float):
                await asyncio.sleep(turn)
                continue
            reader, started_s = self._reader(turn), self._means.clock()
            try:
                await reader.ask(path, body(turn.upstream), stream=False)
                result = decode(await reader.whole())
                self._ledger.note_first(started_s)
                self._note_answer(turn, reader.http_status, started_s)
            except AttemptFailedError as failure:
                self._note_failure(turn, failure, started_s)
                continue
            finally:
                self._ledger.upstream_s += reader.waited_s
                reader.close()
                turn.close(self._means.clock())
            return turn.upstream, result
        raise self._failed()

    def _turns(self) -> Iterator[Lease | float]:
        """A lease for each attempt, which its taker closes, and pauses in seconds.

        Upstreams that failed in a way that may be over in a moment are asked again, after a pause,
        when all others have been asked.
        """
        plan, pause_s = self._plan, BACKOFF_S
        while plan:
            again: list[Upstream] = []
            for upstream in plan:
                now_s = self._means.clock()
                if (
                    len(self._ledger.attempts) >= self._attempts_max
                    or now_s >= self._patience.until_s
                ):
                    return
                lease = upstream.lease(now_s)
                if isinstance(lease, Refusal):
                    self._refusals.append(lease)
                    continue
                yield lease
                if self._ledger.attempts and self._ledger.attempts[-1].outcome in failures.AGAIN:
                    again.append(upstream)
            plan = again
            if plan and len(self._ledger.attempts) < self._attempts_max:
                yield pause_s * (0.5 + self._means.random() / 2)
                pause_s = min(2 * pause_s, BACKOFF_MAX_S)

    def _failed(self) -> CallError:
        if self._ledger.attempts:
            now_s = self._means.clock()
            waits = [upstream.gate.wait_s(now_s) for upstream in self._plan]
            return failures.failed_call(self._ledger.attempts, min(waits))
        busy = any(refusal.throttled for refusal in self._refusals)
        wait_s = min((one.wait_s for one in self._refusals), default=0.0)
        return failures.passed_by(busy=busy, wait_s=wait_s)

    def _reader(self, lease: Lease) -> Reader:
        means = self._means
        return Reader(means.http, lease.upstream, self._patience, means.limits, means.clock)

    def _note_answer(self, lease: Lease, http_status: int, started_s: float) -> None:
        lease.answered(self._means.clock())
        self._ledger.note(lease.upstream, failures.OK, http_status, "", started_s)

    def _note_failure(self, lease: Lease, failure: AttemptFailedError, started_s: float) -> None:
        lease.failed(failure, self._means.clock())
        self._ledger.note(
            lease.upstream, failure.outcome, failure.http_status, failure.code, started_s
        )
