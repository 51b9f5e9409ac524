"""Others take over: hedges, restarts, and aliases for what does not fit or is refused."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from stubtail.breaker import Refusal
from stubtail.llm import failures
from stubtail.llm.attempts import Means, Terms
from stubtail.llm.call import ChatCall
from stubtail.llm.events import Event
from stubtail.llm.hooks import Caller, Hooks, Request
from stubtail.llm.reader import ReadLimits
from stubtail.llm.routing import Plan
from stubtail.llm.upstreams import Upstream
from stubtail.v1 import llm_pb2
from tests.unit.llm.fakes import FakeHttp, FakeReply, event, run, terms, text_of, upstream

HELLO, THERE = event({"content": "Hello "}), event({"content": "there"})
STOP = event({}, "stop")
GOOD = [HELLO, THERE, STOP]
ALLOWED = llm_pb2.ChatRequest(routing=llm_pb2.Routing(allow_restart=True))


def outcomes(events: list[Event]) -> list[str]:
    """How the attempts ended, by the End."""
    end = events[-1]
    assert isinstance(end, llm_pb2.ChatEnd)
    names = [llm_pb2.AttemptOutcome.Name(one.outcome) for one in end.attempts]
    return [name.removeprefix("ATTEMPT_OUTCOME_") for name in names]


def refusal(code: str, status: int = 400) -> FakeReply:
    """A reply that refuses the request."""
    return FakeReply([json.dumps({"error": {"code": code}}).encode()], status=status)


def at_rest(*upstreams: Upstream) -> bool:
    """Whether no slot is held."""
    return not any(one.in_flight or one.origin.in_flight for one in upstreams)


def test_a_hedge_answers_where_the_first_says_nothing():
    """The slow one is closed, and is not to blame."""
    slow, quick = FakeReply([], hangs=True), FakeReply(GOOD)
    plan = [upstream("p"), upstream("q")]
    given = terms(plan, 3)._replace(hedge_after_s=0.001)

    events, error = run(FakeHttp(slow, quick), plan, given=given)

    assert error is None
    assert text_of(events) == "Hello there"
    start, end = events[0], events[-1]
    assert isinstance(start, llm_pb2.ChatStart)
    assert isinstance(end, llm_pb2.ChatEnd)
    assert start.provider == "q"
    assert outcomes(events) == ["SUPERSEDED", "OK"]
    assert [one.hedge for one in end.attempts] == [False, True]
    assert slow.closed
    assert (plan[0].failures, plan[0].gate.state(0)) == (0, "closed")
    assert at_rest(*plan)


def test_a_quick_first_needs_no_hedge():
    """Nobody else is asked."""
    plan = [upstream("p"), upstream("q")]
    http = FakeHttp(FakeReply(GOOD))
    events, error = run(http, plan, given=terms(plan, 3)._replace(hedge_after_s=30.0))
    assert error is None
    assert outcomes(events) == ["OK"]
    assert http.urls == ["http://p/chat/completions"]
    assert at_rest(*plan)


def test_a_hedge_takes_from_the_one_budget():
    """With one attempt there is none, and after two there is no third."""
    plan = [upstream("p"), upstream("q"), upstream("r")]
    http = FakeHttp(refusal("x", 500), FakeReply(GOOD))
    _, error = run(http, plan, given=terms(plan, 1)._replace(hedge_after_s=0.001))
    assert error is not None
    assert len(http.urls) == 1

    http = FakeHttp(refusal("x", 500), refusal("y", 500), FakeReply(GOOD))
    _, error = run(http, plan, given=terms(plan, 2)._replace(hedge_after_s=0.001))
    assert error is not None
    assert len(http.urls) == 2
    assert at_rest(*plan)


def test_a_restart_makes_void_what_came():
    """It says so, and the other answer begins at its beginning."""
    plan = [upstream("p"), upstream("q")]
    counted = b'data: {"choices":[],"usage":{"prompt_tokens":7}}\n\n'
    http = FakeHttp(FakeReply([HELLO, counted], breaks=True), FakeReply(GOOD))

    events, error = run(http, plan, 2, request=ALLOWED)

    assert error is None
    end, restart = events[-1], events[2]
    assert isinstance(end, llm_pb2.ChatEnd)
    assert end.usage.input_tokens == 0  # the counts are not those of the answer that is void
    assert isinstance(restart, llm_pb2.ChatRestart)
    assert restart.outcome == failures.BROKEN_OFF
    assert (restart.start.provider, restart.start.attempt) == ("q", 2)
    assert text_of(events[:2]) == "Hello "
    assert text_of(events[3:]) == "Hello there"
    assert outcomes(events) == ["BROKEN_OFF", "OK"]
    assert at_rest(*plan)


@pytest.mark.parametrize("attempts_max", [1, 2])
def test_without_leave_or_budget_there_is_no_restart(attempts_max: int):
    """The End tells that the answer is incomplete."""
    plan = [upstream("p"), upstream("q")]
    http = FakeHttp(FakeReply([HELLO], breaks=True), FakeReply(GOOD))
    request = ALLOWED if attempts_max == 1 else llm_pb2.ChatRequest()

    events, error = run(http, plan, attempts_max, request=request)

    assert error is not None
    assert error.reason == "ANSWER_INTERRUPTED"
    assert outcomes(events) == ["BROKEN_OFF"]
    assert len(http.urls) == 1


def test_a_restart_that_finds_nobody_is_an_error():
    """The caller knows that what came is void or incomplete: the status says so."""
    plan = [upstream("p"), upstream("q")]
    http = FakeHttp(FakeReply([HELLO], breaks=True), refusal("x"))
    events, error = run(http, plan, 2, request=ALLOWED)
    assert error is not None
    assert error.reason == "UPSTREAM_REFUSED"
    assert text_of(events) == "Hello "
    assert outcomes(events) == ["BROKEN_OFF", "REFUSED"]
    assert at_rest(*plan)


def test_what_is_too_long_goes_to_those_with_more_room():
    """And not to the others of the alias, which would refuse it too."""
    small, other, large = upstream("small"), upstream("other"), upstream("large")
    given = terms([], 3)._replace(plan=Plan([small, other], on_context=[large]))
    http = FakeHttp(refusal("context_length_exceeded"), FakeReply(GOOD))
    events, error = run(http, [], given=given)
    assert error is None
    assert outcomes(events) == ["CONTEXT_TOO_LONG", "OK"]
    assert http.urls[1] == "http://large/chat/completions"


@pytest.mark.parametrize(
    "reply",
    [refusal("content_policy_violation"), FakeReply([event({}, "content_filter")])],
)
def test_refused_content_goes_to_those_with_another_policy(reply: FakeReply):
    """Whether an error or an empty answer says so."""
    strict, other, free = upstream("strict"), upstream("other"), upstream("free")
    given = terms([], 3)._replace(plan=Plan([strict, other], on_content=[free]))
    http = FakeHttp(reply, FakeReply(GOOD))
    events, error = run(http, [], given=given)
    assert error is None
    assert outcomes(events) == ["CONTENT_REFUSED", "OK"]
    assert http.urls[1] == "http://free/chat/completions"


def test_held_back_content_without_another_is_an_answer():
    """The provider gave the reason of the end."""
    events, error = run(FakeHttp(FakeReply([event({}, "content_filter")])), [upstream()])
    assert error is None
    end = events[-1]
    assert isinstance(end, llm_pb2.ChatEnd)
    assert end.finish_reason == llm_pb2.FINISH_REASON_CONTENT_FILTER


class Book:
    """Limits that note everything, and refuse one provider."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.settled: list[tuple[str, Any]] = []

    def admit(self, caller: Caller, request: Request, now_s: float) -> "Entry":
        """Of a call."""
        return Entry(self, "call")

    def admit_attempt(
        self, caller: Caller, upstream: Upstream, request: Request, now_s: float
    ) -> "Entry | Refusal":
        """Of an attempt."""
        if upstream.provider == self.refused:
            return Refusal(throttled=True, wait_s=1.0)
        return Entry(self, upstream.provider)


class Entry:
    """One booking."""

    def __init__(self, book: Book, name: str) -> None:
        self.book = book
        self.name = name

    def settle(self, used: Sequence[llm_pb2.Usage], now_s: float) -> None:
        """Notes it."""
        self.book.settled.append((self.name, [one.source for one in used]))


def test_every_booking_is_settled_once():
    """Nothing for who refused at once, partly for who broke off, and the counts of who answered."""
    counts = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
    plan = [upstream(name) for name in "abcd"]
    book = Book(refused="a")
    replies = [refusal("x", 500), FakeReply([HELLO], breaks=True), FakeReply([*GOOD, counts])]

    events, error = run(FakeHttp(*replies), plan, 4, request=ALLOWED, hooks=Hooks(limits=book))

    assert error is None
    assert text_of(events[3:]) == "Hello there"
    source = llm_pb2.Usage.SOURCE_PARTIAL
    assert book.settled == [("b", []), ("c", [source]), ("d", [llm_pb2.Usage.SOURCE_PROVIDER])]


def begun(http: FakeHttp, given: Terms, hooks: Hooks) -> AsyncGenerator[Event, None]:
    """A stream that a test reads itself."""
    ticks = itertools.count()
    any_http: Any = http
    limits = ReadLimits(10_000, 10_000)
    means = Means(any_http, limits, lambda: next(ticks) * 1e-6, float, hooks)
    return ChatCall(means, llm_pb2.ChatRequest(), given).stream()


async def read_all(events: AsyncGenerator[Event, None]) -> list[Event]:
    """Every event."""
    return [one async for one in events]


@pytest.mark.parametrize("turns", range(6))
async def test_a_caller_who_goes_while_a_race_ends_leaves_nothing(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the very moment between the winner's answer and the losers' end."""
    plan, book = [upstream("p"), upstream("q")], Book()
    given = terms(plan, 3)._replace(hedge_after_s=0.001)
    slow, quick = FakeReply([], hangs=True), FakeReply([HELLO], hangs=True)
    real, ending = asyncio.gather, asyncio.Event()

    def gather(*tasks: Any, **more: Any) -> Any:
        ending.set()
        return real(*tasks, **more)

    monkeypatch.setattr(asyncio, "gather", gather)
    stream = begun(FakeHttp(slow, quick), given, Hooks(limits=book))
    call = asyncio.create_task(read_all(stream))
    await ending.wait()
    for _ in range(turns):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    await stream.aclose()
    for _ in range(5):
        await asyncio.sleep(0)
    assert call.cancelled()
    assert at_rest(*plan)
    assert sorted(name for name, _ in book.settled) == ["p", "q"]
    assert quick.closed


async def test_what_was_never_sent_costs_nothing() -> None:
    """A caller who goes while there is no connection yet."""
    plan, book, http = [upstream("p")], Book(), FakeHttp()
    http.connects = True
    call = asyncio.create_task(read_all(begun(http, terms(plan), Hooks(limits=book))))
    while not http.urls:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    assert book.settled == [("p", [])]
