"""Tests of events that are known again: what is not read as JSON says what JSON would say."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.llm.failures import AttemptFailedError
from stubtail.llm.mould import LEARNT_BYTES_MAX, LEARNT_MAX, Mould
from stubtail.llm.openai_reply import Decoder, read_event
from stubtail.llm.sse import ServerEvent

TEXTS = st.text(max_size=12) | st.sampled_from(['"', "\\", '","finish_reason":"stop', "ü", "\0"])
ODD = st.sampled_from(
    [
        b'{"choices":[{"delta":{"content":"a\xff"}}]}',
        b'{"choices":[{"delta":{"\\u0063ontent":"b"}}],"of":{"content":"c"}}',
        b'{"choices":[{"delta":{"content":"c","of":"content"}}]}',
        b'{"choices":[{"delta":{"content":"d"},"finish_reason":"stop"}]}',
        b'{"choices":[{"delta":{"content":"e\n"}}]}',
        b'{"choices":[{"delta":{"content":"f"}}]',
        b'{"choices":[{"delta":{"content":""}}]}',
        b'{"choices": [{"delta": {"content" :\t"g"}}], "model": "other"}',
        b'{"error":{"code":"down"}}',
        b"[DONE]",
    ]
)


def chunk(text: str, *, escaped: bool = False, **more: Any) -> bytes:
    """A chunk as most providers send it."""
    document = {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": text}}]}
    return json.dumps({**document, **more}, ensure_ascii=escaped).encode()


def said(read: Any, event: ServerEvent) -> object:
    """A piece, or how reading failed."""
    try:
        return read(event)
    except AttemptFailedError as failure:
        return failure.outcome, failure.code


@given(
    st.lists(
        st.builds(chunk, TEXTS, escaped=st.booleans())
        | st.builds(chunk, TEXTS, created=st.integers(0, 2))
        | ODD
    ),
    st.sampled_from([b"", b"", b"", b"error"]),
)
def test_every_event_is_what_json_says(events: list[bytes], kind: bytes) -> None:
    """Whatever came before it, and however its text is written."""
    decoder = Decoder()
    for number, data in enumerate(events):
        event = ServerEvent(kind if number % 3 == 2 else b"", data)
        assert said(decoder.event, event) == said(read_event, event)


def test_what_differs_in_its_text_alone_is_known_again() -> None:
    """And nothing else is."""
    mould = Mould()
    assert mould.text_of(chunk("one")) == ""
    assert mould.learn(chunk("one"), "one")
    assert mould.text_of(chunk("zwölf ")) == "zwölf "
    for other in (chunk(""), chunk('"'), chunk("\n"), chunk("x", model="n"), chunk("x")[:-9]):
        assert mould.text_of(other) == ""
    before, _, after = chunk("|").partition(b"|")
    assert mould.text_of(before + b"\xff" + after) == ""
    assert mould.text_of(before[:-1] + after) == "", "the two must not share a quote"


@pytest.mark.parametrize(
    "data",
    [
        chunk("x", note="\\u0041"),
        chunk("x", note="content"),
        chunk("x", note={"content": "y"}),
        chunk("x" * LEARNT_BYTES_MAX),
        chunk("y"),
    ],
)
def test_what_could_mean_another_key_is_not_learnt(data: bytes) -> None:
    """An escape, a second `content`, a long event, and a text that is not the one that was read."""
    mould = Mould()
    assert not mould.learn(data, "x")
    assert mould.text_of(data) == ""


def test_providers_that_always_change_more_cost_no_more() -> None:
    """After some events nothing is learnt from that stream."""
    mould = Mould()
    learnt = [mould.learn(chunk("x", created=number), "x") for number in range(2 * LEARNT_MAX)]
    assert learnt == [True] * LEARNT_MAX + [False] * LEARNT_MAX
