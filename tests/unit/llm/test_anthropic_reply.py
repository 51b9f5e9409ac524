"""Tests of what Anthropic's Messages API answers: pieces, or a failure; never silence."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.llm import failures
from stubtail.llm.anthropic_reply import Decoder, read_whole
from stubtail.llm.failures import AttemptFailedError
from stubtail.llm.pieces import Counts, Piece
from stubtail.llm.sse import ServerEvent

WORDS = ["type", "message", "delta", "content_block", "index", "usage", "text", "id", "error"]
KINDS = ["message_start", "content_block_start", "content_block_delta", "message_delta", "error"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(KINDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(*documents: Any) -> list[Piece]:
    """The pieces of a stream of these events."""
    decoder = Decoder()
    return [
        decoder.event(ServerEvent(str(one.get("type")).encode(), json.dumps(one).encode()))
        for one in documents
    ]


def start(**usage: int) -> dict[str, Any]:
    """The first event."""
    return {"type": "message_start", "message": {"id": "m1", "model": "c-1", "usage": usage}}


def block(index: int, **content: Any) -> dict[str, Any]:
    """A block begins."""
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, **content: Any) -> dict[str, Any]:
    """A block goes on."""
    return {"type": "content_block_delta", "index": index, "delta": content}


def test_a_text():
    """Names come first, then text; pings and ends of blocks are no content; counts add up."""
    pieces = read(
        start(input_tokens=5, cache_read_input_tokens=3, cache_creation_input_tokens=2),
        block(0, type="text", text=""),
        {"type": "ping"},
        delta(0, type="text_delta", text="Hello"),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    )
    assert (pieces[0].model, pieces[0].upstream_id) == ("c-1", "m1")
    assert [piece.text for piece in pieces] == ["", "", "", "Hello", "", "", ""]
    assert [piece.has_content for piece in pieces].count(True) == 1
    assert pieces[5].finish == "end_turn"
    assert pieces[5].counts == Counts(10, 9, 3, 0, 2)
    assert [piece.done for piece in pieces] == [False] * 6 + [True]


def test_thoughts_and_their_seal():
    """Thoughts are no text; what seals them comes last; hidden ones are nothing but a seal."""
    pieces = read(
        block(0, type="thinking", thinking=""),
        delta(0, type="thinking_delta", thinking="Hm"),
        delta(0, type="signature_delta", signature="sig"),
        block(1, type="redacted_thinking", data="hidden"),
    )
    told = [piece.delta for piece in pieces[1:]]
    assert pieces[0].delta is None
    assert [one.reasoning for one in told if one] == ["Hm", "", ""]
    assert [one.reasoning_signature for one in told if one] == ["", "sig", "hidden"]


def test_calls_of_tools_are_numbered_apart_from_blocks():
    """Blocks 1 and 2 are the calls 0 and 1; an empty piece of arguments is no content."""
    pieces = read(
        block(0, type="text", text="So"),
        block(1, type="tool_use", id="t1", name="look", input={}),
        delta(1, type="input_json_delta", partial_json=""),
        delta(1, type="input_json_delta", partial_json='{"a":'),
        block(2, type="tool_use", id="t2", name="go", input={}),
        delta(2, type="input_json_delta", partial_json="1}"),
    )
    assert pieces[2].delta is None
    calls = [piece.delta.tool_calls[0] for piece in pieces if piece.delta]
    assert [(one.index, one.id, one.arguments_fragment) for one in calls] == [
        (0, "t1", ""),
        (0, "", '{"a":'),
        (1, "t2", ""),
        (1, "", "1}"),
    ]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ({"type": "overloaded_error", "message": "x"}, failures.UPSTREAM_ERROR),
        ({"type": "rate_limit_error", "message": "x"}, failures.THROTTLED),
        (None, failures.UPSTREAM_ERROR),
    ],
)
def test_an_error_in_a_stream_is_one(error: Any, outcome: failures.Outcome):
    """Also after content."""
    with pytest.raises(AttemptFailedError) as raised:
        read(start(), delta(0, type="text_delta", text="a"), {"type": "error", "error": error})
    assert raised.value.outcome == outcome


@pytest.mark.parametrize("word", ["pause_turn", "error", "response_incomplete", "Failed"])
def test_an_end_that_is_none_is_a_failure(word: str):
    """In a stream and in a whole reply."""
    ends = {"type": "message_delta", "delta": {"stop_reason": word}}
    reply = {"content": [{"type": "text", "text": "So"}], "stop_reason": word}
    for ask in (lambda: read(ends), lambda: read_whole(json.dumps(reply).encode())):
        with pytest.raises(AttemptFailedError) as raised:
            ask()
        assert raised.value.outcome == failures.UPSTREAM_ERROR


@pytest.mark.parametrize(
    "event",
    [
        delta(0, type="text_delta", text=5),
        delta(0, type="text_delta", text="\ud83d"),
        delta(7, type="input_json_delta", partial_json="{}"),
        {"type": "content_block_delta"},
        {"type": "message_delta", "delta": {"stop_reason": 3}},
        {"type": "message_start", "message": {"usage": {"input_tokens": -1}}},
        {"type": "message_start", "message": []},
    ],
)
def test_what_cannot_be_read_is_a_failure(event: dict[str, Any]):
    """Wrong types, numbers and blocks that never began."""
    with pytest.raises(AttemptFailedError) as raised:
        read(event)
    assert raised.value.outcome == failures.MALFORMED


def test_unknown_events_are_passed_over():
    """Its versioning asks for this."""
    assert not read({"type": "something_new", "x": 1})[0].has_content


def test_a_whole_reply():
    """All blocks in one delta."""
    content = [
        {"type": "thinking", "thinking": "Hm", "signature": "s"},
        {"type": "text", "text": "So "},
        {"type": "text", "text": "be it"},
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sea"}},
        {"type": "later_kind"},
    ]
    usage = {"input_tokens": 5, "output_tokens": 2}
    reply = {"id": "m1", "model": "c", "content": content, "stop_reason": "tool_use"}
    piece = read_whole(json.dumps({**reply, "usage": usage}).encode())
    assert piece.delta is not None
    assert (piece.delta.text, piece.delta.reasoning) == ("So be it", "Hm")
    assert piece.delta.tool_calls[0].arguments_fragment == '{"at":"sea"}'
    assert (piece.finish, piece.counts) == ("tool_use", Counts(5, 2, 0, 0))


@pytest.mark.parametrize(
    "reply",
    [
        {"content": [], "stop_reason": None},
        {"content": "x", "stop_reason": "end_turn"},
        {"stop_reason": "end_turn"},
        {"content": [{"text": "x"}], "stop_reason": "end_turn"},
    ],
)
def test_a_whole_reply_without_an_end_is_none(reply: dict[str, Any]):
    """And so is one that cannot be read."""
    with pytest.raises(AttemptFailedError) as raised:
        read_whole(json.dumps(reply).encode())
    assert raised.value.outcome == failures.MALFORMED


@given(st.lists(JSON, max_size=4), JSON)
def test_nothing_else_is_ever_raised(events: list[Any], whole: Any):
    """Whatever comes, it is a piece or a failure of the attempt."""
    decoder = Decoder()
    for one in events:
        with contextlib.suppress(AttemptFailedError):
            decoder.event(ServerEvent(b"", json.dumps(one).encode()))
    with contextlib.suppress(AttemptFailedError):
        read_whole(json.dumps(whole).encode())
