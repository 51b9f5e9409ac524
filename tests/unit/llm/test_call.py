"""The property of the proxy: what is told as a complete answer is one, wherever it is cut."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stubtail.config import Secret
from stubtail.errors import CallError
from stubtail.llm.attempts import Means
from stubtail.llm.breaker import BreakerOptions
from stubtail.llm.call import ChatCall, Event
from stubtail.llm.http import BrokenOffError
from stubtail.llm.reader import Patience, ReadLimits
from stubtail.llm.upstreams import Provider, Upstream
from stubtail.v1 import llm_pb2

WORDS = ["Ü", "ber ", "al", "len ", "Gip", "feln"]
PATIENT = Patience(connect_s=60, first_s=60, stall_s=60, until_s=1e12)
INCOMPLETE = {
    llm_pb2.FINISH_REASON_UPSTREAM_ERROR,
    llm_pb2.FINISH_REASON_STALLED,
    llm_pb2.FINISH_REASON_DEADLINE,
}


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One event of a good stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode() + b"\r\n\r\n"


OPENING = event({"role": "assistant"})
CONTENT = [event({"content": word}) for word in WORDS]
FINISH = event({}, "stop")
TAIL = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n'
GOOD = b"".join([OPENING, *CONTENT, FINISH, TAIL])
# The blank line of the event with the reason of the end: from here on the answer is complete. The
# second line end is CR LF, and its CR is enough.
COMPLETE_AT = len(GOOD) - len(TAIL) - 1


class FakeReply:
    """A reply whose body comes in these pieces, and then ends or breaks."""

    status = 200
    content_type = "text/event-stream"
    retry_after = ""

    def __init__(self, pieces: Sequence[bytes], *, breaks: bool) -> None:
        self._pieces = list(pieces)
        self._breaks = breaks
        self.closed = False

    async def read(self) -> bytes:
        """The next piece."""
        if self._pieces:
            return self._pieces.pop(0)
        if self._breaks:
            raise BrokenOffError
        return b""

    def close(self) -> None:
        """Notes it."""
        self.closed = True


class FakeHttp:
    """Gives one reply after the other."""

    def __init__(self, *replies: FakeReply) -> None:
        self.replies = list(replies)

    async def post(self, *_: object) -> FakeReply:
        """The next reply."""
        return self.replies.pop(0)


def upstream(name: str = "p") -> Upstream:
    """An upstream whose breaker does not open."""
    options = BreakerOptions(30, 10_000, 1, 10_000, 1, 1)
    return Upstream(Provider(name, "http://x", Secret(""), 9, 1, True), "m", None, options, float)


def run(
    http: FakeHttp, plan: list[Upstream], attempts_max: int = 1
) -> tuple[list[Event], CallError | None]:
    """The events of a call, and how it failed."""
    ticks = itertools.count()
    means: Any = Means(http, ReadLimits(10_000, 10_000), lambda: next(ticks) * 1e-6, float)  # type: ignore[arg-type]  # a fake
    call = ChatCall(means, llm_pb2.ChatRequest(), plan, attempts_max, PATIENT)
    events: list[Event] = []

    async def collect() -> CallError | None:
        try:
            async for one in call.stream():
                events.append(one)  # noqa: PERF401 - those before an error are kept
        except CallError as error:
            return error
        return None

    return events, asyncio.run(collect())


def text_of(events: list[Event]) -> str:
    """The text of all deltas."""
    return "".join(one.text for one in events if isinstance(one, llm_pb2.ChatDelta))


@settings(max_examples=300)
@given(
    st.integers(0, len(GOOD)),
    st.lists(st.integers(0, len(GOOD)), max_size=8),
    st.sampled_from(
        [
            b"",
            b"data: [DONE]\n\n",
            b"data: {\n\n",
            b'data: {"error":{"code":"x"}}\n\n',
            b"\n\n: x\n\n",
        ]
    ),
    st.booleans(),
)
def test_a_cut_answer_is_never_complete(at: int, cuts: list[int], then: bytes, breaks: bool):
    """A good stream is cut anywhere; what follows is nothing, garbage, an error or a comment."""
    body = GOOD[:at] + then
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    reply = FakeReply([body[a:b] for a, b in itertools.pairwise(places)], breaks=breaks)
    one = upstream()

    events, error = run(FakeHttp(reply), [one])

    ends = [each for each in events if isinstance(each, llm_pb2.ChatEnd)]
    if error is None:
        assert at >= COMPLETE_AT
        assert text_of(events) == "".join(WORDS)
        assert ends[0].finish_reason == llm_pb2.FINISH_REASON_STOP
    else:
        assert "".join(WORDS).startswith(text_of(events))
        assert all(each.finish_reason in INCOMPLETE for each in ends)
        assert all(not each.raw_finish_reason for each in ends)
    if events:
        assert isinstance(events[0], llm_pb2.ChatStart)
        assert len(ends) == 1
        assert events[-1] is ends[0]
    assert reply.closed
    assert (one.in_flight, one.origin.in_flight) == (0, 0)


@given(st.integers(0, len(GOOD)))
def test_another_takes_over_before_the_first_content_and_never_after(at: int):
    """Answers of two upstreams are never spliced."""
    bad, good = FakeReply([GOOD[:at]], breaks=True), FakeReply([GOOD], breaks=False)
    http = FakeHttp(bad, good)

    events, error = run(http, [upstream("p"), upstream("q")], attempts_max=2)

    began = at >= len(OPENING) + len(CONTENT[0]) - 1
    assert (len(http.replies) == 1) == began
    if not began:
        assert error is None
        assert text_of(events) == "".join(WORDS)
        start = events[0]
        assert isinstance(start, llm_pb2.ChatStart)
        assert (start.provider, start.attempt) == ("q", 2)
    assert (error is None) == (not began or at >= COMPLETE_AT)


@pytest.mark.parametrize("stop_after", range(4))
def test_whoever_stops_listening_leaves_nothing(stop_after: int):
    """A generator that is closed early gives its slot and its connection back at once."""
    reply, one = FakeReply([GOOD], breaks=False), upstream()
    means: Any = Means(FakeHttp(reply), ReadLimits(10_000, 10_000), float, float)  # type: ignore[arg-type]  # a fake
    call = ChatCall(means, llm_pb2.ChatRequest(), [one], 1, PATIENT)

    async def listen() -> None:
        stream = call.stream()
        for _ in range(stop_after):
            await anext(stream)
        await stream.aclose()

    asyncio.run(listen())

    assert (one.in_flight, one.origin.in_flight) == (0, 0)
    assert reply.closed == (stop_after > 0)
    assert one.failures == 0
