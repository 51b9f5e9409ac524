"""The property of the proxy: what is told as a complete answer is one, wherever it is cut."""

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stubtail.llm.attempts import Means
from stubtail.llm.call import ChatCall
from stubtail.llm.reader import ReadLimits
from stubtail.v1 import llm_pb2
from tests.unit.llm.fakes import FakeHttp, FakeReply, event, run, terms, text_of, upstream

WORDS = ["Ü", "ber ", "al", "len ", "Gip", "feln"]
INCOMPLETE = {
    llm_pb2.FINISH_REASON_UPSTREAM_ERROR,
    llm_pb2.FINISH_REASON_STALLED,
    llm_pb2.FINISH_REASON_DEADLINE,
}
OPENING = event({"role": "assistant"})
CONTENT = [event({"content": word}) for word in WORDS]
FINISH = event({}, "stop")
TAIL = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n'
GOOD = b"".join([OPENING, *CONTENT, FINISH, TAIL])
# The blank line of the event with the reason of the end: from here on the answer is complete. The
# second line end is CR LF, and its CR is enough.
COMPLETE_AT = len(GOOD) - len(TAIL) - 1
# And where what follows begins with a blank line of its own: from the end of that event's data.
TOLD_AT = len(GOOD) - len(TAIL) - len(b"\r\n\r\n")


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
    st.none() | st.lists(st.booleans(), max_size=8),
)
@example(TOLD_AT, [], b"\n\n: x\n\n", False, None)
def test_a_cut_answer_is_never_complete(
    at: int, cuts: list[int], then: bytes, breaks: bool, takes: list[bool] | None
):
    """A good stream is cut anywhere; what follows is nothing, garbage, an error or a comment.

    Whichever of its texts go straight to the caller, past the events.
    """
    body = GOOD[:at] + then
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    reply = FakeReply([body[a:b] for a, b in itertools.pairwise(places)], breaks=breaks)
    one = upstream()

    events, error = run(FakeHttp(reply), [one], takes=takes)

    ends = [each for each in events if isinstance(each, llm_pb2.ChatEnd)]
    if error is None:
        assert at >= (TOLD_AT if then.startswith(b"\n\n") else COMPLETE_AT)
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
    call = ChatCall(means, llm_pb2.ChatRequest(), terms([one]))

    async def listen() -> None:
        stream = call.stream()
        for _ in range(stop_after):
            await anext(stream)
        await stream.aclose()

    asyncio.run(listen())

    assert (one.in_flight, one.origin.in_flight) == (0, 0)
    assert reply.closed == (stop_after > 0)
    assert one.failures == 0


@pytest.mark.parametrize("takes", [True, False])
def test_telling_a_text_is_no_wait_for_the_upstream(takes: bool):
    """Whatever of it happens where the bytes come in."""
    times, one = [0.0], upstream()
    http: Any = FakeHttp(FakeReply([*CONTENT, FINISH, TAIL]))
    means = Means(http, ReadLimits(10_000, 10_000), lambda: times[0], float)
    call = ChatCall(means, llm_pb2.ChatRequest(), terms([one]))

    def push(_: str) -> bool:
        times[0] += 1.0
        return takes

    async def listen() -> list[Any]:
        return [each async for each in call.stream(push)]

    end = asyncio.run(listen())[-1]

    assert end.timing.upstream_us == 0
    assert end.timing.proxy_us == end.timing.total_us > 0
