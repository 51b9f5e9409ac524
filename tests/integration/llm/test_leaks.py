"""Thousands of streams, a third of them cancelled and a tenth failing: nothing is left of them.

The proxy runs in the process of the test, over real sockets, so that its tasks can be counted.
"""

import asyncio
import gc
import random
from collections.abc import Sequence
from contextlib import aclosing

import psutil
import pytest

from stubtail.breaker import Refusal
from stubtail.config import LlmSettings, Secret
from stubtail.config.llm import ProviderSettings
from stubtail.errors import CallError
from stubtail.llm.hooks import Caller, Hooks, Request
from stubtail.llm.proxy import Proxy
from stubtail.llm.upstreams import Upstream
from stubtail.v1 import llm_pb2
from tests.llm_upstream import TEXT, LlmUpstream

MODELS = ("ok", "paced", "cut", "broken", "reset-before", "garbage-late", "error-first")
FAULTS = MODELS[2:]
AT_ONCE = 40
TURNS_MAX = 12  # of the loop, before an early cancel: from before the connection to after the head
RSS_GROWTH_MAX = 12 << 20  # of the whole test process, upstream included


class Books:
    """Bookings that must all be closed."""

    def __init__(self) -> None:
        self.open = 0
        self.made = 0

    def admit(self, caller: Caller, request: Request, now_s: float) -> "Entry":
        """Of a call."""
        return Entry(self)

    def admit_attempt(
        self, caller: Caller, upstream: Upstream, request: Request, now_s: float
    ) -> "Entry | Refusal":
        """Of an attempt."""
        return Entry(self)


class Entry:
    """One booking."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.closed = False
        books.open += 1
        books.made += 1

    def settle(self, used: Sequence[llm_pb2.Usage], now_s: float) -> None:
        """Closes it; once."""
        assert not self.closed
        self.closed = True
        self.books.open -= 1


class Storm:
    """Streams at a proxy, and how they ended."""

    def __init__(self, proxy: Proxy) -> None:
        self.ends = {"whole": 0, "failed": 0, "cancelled": 0}
        self._proxy = proxy
        self._random = random.Random(7)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def blow(self, first: int, count: int) -> None:
        """So many streams."""
        await asyncio.gather(*(self._one(number) for number in range(first, first + count)))

    async def _one(self, number: int) -> None:
        model = FAULTS[number // 10 % len(FAULTS)] if number % 10 == 0 else "ok"
        async with self._places:
            late = number % 3 == 0 and number % 2 == 0
            events_max = self._random.randrange(1, 4) if late else 0
            listening = asyncio.create_task(self._listen(model, events_max))
            if number % 3 == 0 and not late:
                for _ in range(self._random.randrange(TURNS_MAX)):
                    await asyncio.sleep(0)
                listening.cancel()
            (found,) = await asyncio.gather(listening, return_exceptions=True)
        if isinstance(found, asyncio.CancelledError):
            self.ends["cancelled"] += 1
        elif isinstance(found, CallError):
            self.ends["failed"] += 1
        else:
            assert found == TEXT
            self.ends["whole"] += 1

    async def _listen(self, model: str, events_max: int) -> str:
        """The text of a stream; `events_max` is after how many of its events it is cancelled."""
        message = llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text="hello")
        routing = llm_pb2.Routing(max_attempts=1)
        made = llm_pb2.ChatRequest(model=f"p/{model}", messages=[message], routing=routing)
        texts: list[str] = []

        def take(text: str) -> bool:
            texts.append(text)
            return True

        push = take if self._random.random() < 0.5 else None
        async with aclosing(self._proxy.stream(made, push=push)) as events:
            count = 0
            async for event in events:
                count += 1
                texts += [event] if isinstance(event, str) else []
                if count == events_max:
                    self_ = asyncio.current_task()
                    assert self_ is not None
                    self_.cancel()
                    await asyncio.sleep(0)
            return "".join(texts)


async def check_at_rest(proxy: Proxy, books: Books, upstream: LlmUpstream, before: int) -> None:
    """No task, no slot, no booking, and both sides count the same connections, all of them idle."""
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert proxy.in_flight == 0
    assert [one.in_flight for one in proxy.upstreams] == [0] * len(proxy.upstreams)
    assert proxy.upstreams[0].origin.in_flight == 0
    assert books.open == 0
    for _ in range(1000):
        if upstream.connections - before == proxy.connections:
            break
        await asyncio.sleep(0.01)
    assert upstream.connections - before == proxy.connections <= AT_ONCE


async def scene(upstream: LlmUpstream, streams: int) -> None:
    """The storm, in five parts."""
    provider = ProviderSettings(base_url=upstream.base_url, models=MODELS)
    settings = LlmSettings(
        providers={"p": provider}, breaker_failures_max=10_000, breaker_attempts_min=10_000
    )
    books, before = Books(), upstream.connections
    proxy = Proxy(settings, {"p": Secret("")}, "test", hooks=Hooks(limits=books))
    await proxy.start()
    storm = Storm(proxy)
    rss: list[int] = []
    for part in range(5):
        await storm.blow(part * streams // 5, streams // 5)
        await check_at_rest(proxy, books, upstream, before)
        upstream.talks.clear()
        gc.collect()
        rss.append(psutil.Process().memory_info().rss)
    assert sum(storm.ends.values()) == streams
    assert storm.ends["failed"] >= streams // 20
    assert storm.ends["cancelled"] >= streams // 5
    assert storm.ends["whole"] >= streams // 3
    assert books.made > streams
    assert rss[-1] - rss[0] < RSS_GROWTH_MAX, rss

    await proxy.aclose()
    assert proxy.connections == 0
    for _ in range(1000):
        if upstream.connections == before:
            break
        await asyncio.sleep(0.01)
    assert upstream.connections == before


@pytest.mark.parametrize("streams", [400, pytest.param(10_000, marks=pytest.mark.soak)])
def test_storms_leave_nothing(upstream: LlmUpstream, streams: int) -> None:
    """Of tasks, slots, bookings and sockets."""
    asyncio.run(scene(upstream, streams))
