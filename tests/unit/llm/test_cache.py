"""The cache: complete answers only, to whom they were given, once for all who ask at a time."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from stubtail.errors import CallError, Code
from stubtail.llm.cache import AnswerCache
from stubtail.llm.cache_store import Store
from stubtail.llm.events import Event
from stubtail.llm.hooks import Caller
from stubtail.v1 import llm_pb2

ALICE, BOB = Caller("alice"), Caller("bob")


class Time:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def make(wait_s: float = 60.0, **bounds: int) -> tuple[AnswerCache, Store, Time]:
    """A cache of a minute."""
    sizes = {"entries_max": 100, "bytes_max": 100_000, "entry_bytes_max": 10_000, **bounds}
    store, time = Store(ttl_s=60.0, **sizes), Time()
    return AnswerCache(store, time, wait_s), store, time


def chat(text: str = "Hello", *, use: bool = True, **more: object) -> llm_pb2.ChatRequest:
    """A chat that wants the cache."""
    message = llm_pb2.ChatMessage(role=llm_pb2.CHAT_ROLE_USER, text=text)
    request = llm_pb2.ChatRequest(model="fast", messages=[message])
    request.cache.use = use
    if "max_age_ms" in more:
        request.cache.max_age_ms = int(str(more["max_age_ms"]))
    return request


class Model:
    """A provider that counts how often it is asked, and answers or fails as it is told."""

    def __init__(self) -> None:
        self.asked = 0
        self.finish = llm_pb2.FINISH_REASON_STOP
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()

    def end(self) -> llm_pb2.ChatEnd:
        """As a provider's answer ends."""
        usage = llm_pb2.Usage(
            input_tokens=5, output_tokens=2, cost_nano_usd=70, source=llm_pb2.Usage.SOURCE_PROVIDER
        )
        attempt = llm_pb2.Attempt(provider="p", model="m")
        return llm_pb2.ChatEnd(finish_reason=self.finish, usage=usage, attempts=[attempt])

    async def whole(self) -> llm_pb2.ChatResponse:
        """A whole answer."""
        self.asked += 1
        await self.gate.wait()
        if self.fails:
            raise CallError(Code.UNAVAILABLE, "UPSTREAM_FAILED", "no")
        start = llm_pb2.ChatStart(provider="p", model="m")
        return llm_pb2.ChatResponse(text=f"answer {self.asked}", start=start, end=self.end())

    async def stream(self) -> AsyncGenerator[Event, None]:
        """The same in pieces."""
        self.asked += 1
        yield llm_pb2.ChatStart(provider="p", model="m")
        await self.gate.wait()
        yield "answer "
        call = llm_pb2.ToolCallDelta(index=0, id="c", name="tool", arguments_fragment='{"a"')
        yield llm_pb2.ChatDelta(text=str(self.asked), reasoning="hm", tool_calls=[call])
        rest = llm_pb2.ToolCallDelta(index=0, arguments_fragment=":1}")
        yield llm_pb2.ChatDelta(tool_calls=[rest])
        yield self.end()
        if self.fails:
            raise CallError(Code.UNAVAILABLE, "ANSWER_INTERRUPTED", "no")


async def told(events: AsyncGenerator[Event, None]) -> tuple[str, llm_pb2.ChatEnd]:
    """The text of a stream and its end."""
    text, end = "", llm_pb2.ChatEnd()
    async for event in events:
        if isinstance(event, str):
            text += event
        elif isinstance(event, llm_pb2.ChatDelta):
            text += event.text
        elif isinstance(event, llm_pb2.ChatEnd):
            end = event
    return text, end


async def test_the_same_question_is_asked_once() -> None:
    """The second answer is the first one, free, and says where it came from."""
    cache, _, _ = make()
    model = Model()
    first = await cache.chat(ALICE, chat(), model.whole)
    second = await cache.chat(ALICE, chat(), model.whole)
    assert (first.text, second.text, model.asked) == ("answer 1", "answer 1", 1)
    assert first.end.cache == llm_pb2.CACHE_STATUS_MISS
    assert second.end.cache == llm_pb2.CACHE_STATUS_HIT
    assert second.end.usage.source == llm_pb2.Usage.SOURCE_CACHE
    assert (second.end.usage.output_tokens, second.end.usage.cost_nano_usd) == (2, 0)
    assert not second.end.attempts
    assert second.start.provider == "p"
    assert first.end.usage.cost_nano_usd == 70


async def test_nobody_gets_what_another_was_answered() -> None:
    """Nor does another question, nor one that does not ask for the cache."""
    cache, _, _ = make()
    model = Model()
    await cache.chat(ALICE, chat(), model.whole)
    assert (await cache.chat(BOB, chat(), model.whole)).text == "answer 2"
    assert (await cache.chat(ALICE, chat("Bye"), model.whole)).text == "answer 3"
    warm = chat()
    warm.sampling.temperature = 0.5
    assert (await cache.chat(ALICE, warm, model.whole)).text == "answer 4"
    plain = await cache.chat(ALICE, chat(use=False), model.whole)
    assert (plain.text, plain.end.cache) == ("answer 5", llm_pb2.CACHE_STATUS_UNSPECIFIED)
    assert (await cache.chat(ALICE, chat(), model.whole)).text == "answer 1"


async def test_streams_and_whole_answers_share_what_is_kept() -> None:
    """A stream is kept at its end, replayed as a stream, and told whole."""
    cache, _, _ = make()
    model = Model()
    text, end = await told(cache.stream(ALICE, chat(), model.stream))
    assert (text, end.cache) == ("answer 1", llm_pb2.CACHE_STATUS_MISS)
    again, end = await told(cache.stream(ALICE, chat(), model.stream))
    assert (again, end.cache, model.asked) == ("answer 1", llm_pb2.CACHE_STATUS_HIT, 1)
    whole = await cache.chat(ALICE, chat(), model.whole)
    assert (whole.text, whole.reasoning) == ("answer 1", "hm")
    (call,) = whole.tool_calls
    assert (call.id, call.name, call.arguments_json) == ("c", "tool", '{"a":1}')


@pytest.mark.parametrize("streams", [False, True])
async def test_failures_and_partial_answers_are_never_kept(streams: bool) -> None:
    """Neither an error, nor what came before one, nor an end that is none."""
    cache, store, _ = make()
    model = Model()

    async def ask() -> None:
        if streams:
            await told(cache.stream(ALICE, chat(), model.stream))
        else:
            await cache.chat(ALICE, chat(), model.whole)

    model.fails = True
    with pytest.raises(CallError):
        await ask()
    model.fails = False
    for finish in (
        llm_pb2.FINISH_REASON_UPSTREAM_ERROR,
        llm_pb2.FINISH_REASON_STALLED,
        llm_pb2.FINISH_REASON_DEADLINE,
        llm_pb2.FINISH_REASON_CONTENT_FILTER,
        llm_pb2.FINISH_REASON_UNSPECIFIED,
    ):
        model.finish = finish
        await ask()
    assert len(store) == 0
    model.finish = llm_pb2.FINISH_REASON_STOP
    await ask()
    assert len(store) == 1


async def test_a_stream_that_is_left_is_not_kept() -> None:
    """Its caller went before the end."""
    cache, store, _ = make()
    model = Model()
    events = cache.stream(ALICE, chat(), model.stream)
    await anext(events)
    await anext(events)
    await events.aclose()
    assert len(store) == 0
    assert (await told(cache.stream(ALICE, chat(), model.stream)))[0] == "answer 2"


async def test_a_hundred_at_once_ask_once() -> None:
    """Those who come while the answer is on its way get it, streams as well."""
    cache, _, _ = make()
    model = Model()
    model.gate.clear()
    whole = [asyncio.create_task(cache.chat(ALICE, chat(), model.whole)) for _ in range(50)]
    streams = [
        asyncio.create_task(told(cache.stream(ALICE, chat(), model.stream))) for _ in range(50)
    ]
    for _ in range(5):
        await asyncio.sleep(0)
    model.gate.set()
    answers = await asyncio.gather(*whole)
    assert {one.text for one in answers} == {"answer 1"}
    assert {text for text, _ in await asyncio.gather(*streams)} == {"answer 1"}
    assert model.asked == 1
    assert cache.results == {"miss": 1, "shared": 99}


async def test_where_the_first_fails_or_goes_the_others_ask_for_themselves() -> None:
    """Nobody inherits an error, and nobody waits for ever."""
    for cancelled in (True, False):
        cache, _, _ = make()
        model = Model()
        model.gate.clear()
        tasks = [asyncio.create_task(cache.chat(ALICE, chat(), model.whole)) for _ in range(5)]
        for _ in range(3):
            await asyncio.sleep(0)
        assert model.asked == 1
        if cancelled:
            tasks[0].cancel()
            await asyncio.gather(tasks[0], return_exceptions=True)
        model.fails = not cancelled
        model.gate.set()
        results = await asyncio.gather(*tasks[1:], return_exceptions=True)
        assert model.asked == 5
        assert all(isinstance(one, CallError) for one in results) == (not cancelled)
        assert not cache._coming


async def test_nobody_waits_for_ever_for_the_caller_of_another() -> None:
    """One who does not read the answer holds up only itself."""
    cache, _, _ = make(wait_s=0.01)
    model = Model()
    first = cache.stream(ALICE, chat(), model.stream)
    await anext(first)
    async with asyncio.timeout(30.0):
        second = await cache.chat(ALICE, chat(), model.whole)
    assert (second.text, model.asked) == ("answer 2", 2)
    await first.aclose()
    assert not cache._coming
    assert (await cache.chat(ALICE, chat(), model.whole)).text == "answer 2"


async def test_one_who_waits_may_go() -> None:
    """The others, and the one who asks, hear nothing of it."""
    cache, _, _ = make()
    model = Model()
    model.gate.clear()
    tasks = [asyncio.create_task(cache.chat(ALICE, chat(), model.whole)) for _ in range(3)]
    for _ in range(3):
        await asyncio.sleep(0)
    tasks[1].cancel()
    model.gate.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[1], asyncio.CancelledError)
    assert [one.text for one in (done[0], done[2]) if isinstance(one, llm_pb2.ChatResponse)] == [
        "answer 1"
    ] * 2


async def test_answers_grow_too_old() -> None:
    """For the server after its time to live, for a caller after the one that it names."""
    cache, store, time = make()
    model = Model()
    await cache.chat(ALICE, chat(), model.whole)
    time.now_s += 30
    assert (await cache.chat(ALICE, chat(), model.whole)).text == "answer 1"
    assert (await cache.chat(ALICE, chat(max_age_ms=30_000), model.whole)).text == "answer 1"
    assert (await cache.chat(ALICE, chat(max_age_ms=29_999), model.whole)).text == "answer 2"
    time.now_s += 60
    assert (await cache.chat(ALICE, chat(), model.whole)).text == "answer 3"
    assert len(store) == 1


async def test_vectors_are_kept_as_well() -> None:
    """With the same rules."""
    cache, _, _ = make()
    asked = 0

    async def ask() -> llm_pb2.EmbedResponse:
        nonlocal asked
        asked += 1
        vector = llm_pb2.Embedding(values=[0.5, float(asked)])
        return llm_pb2.EmbedResponse(embeddings=[vector], provider="p")

    request = llm_pb2.EmbedRequest(model="m", inputs=["a"], cache=llm_pb2.CacheControl(use=True))
    first = await cache.embed(ALICE, request, ask)
    second = await cache.embed(ALICE, request, ask)
    assert (first.cache, second.cache) == (llm_pb2.CACHE_STATUS_MISS, llm_pb2.CACHE_STATUS_HIT)
    assert list(second.embeddings[0].values) == [0.5, 1.0]
    await cache.embed(BOB, request, ask)
    assert asked == 2
