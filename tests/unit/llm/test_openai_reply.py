"""Tests of what providers answer: pieces, or a failure; never silence, never another error."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stubtail.llm import failures
from stubtail.llm.failures import AttemptFailedError
from stubtail.llm.openai_reply import error_of, read_event, read_whole
from stubtail.llm.pieces import Piece
from stubtail.llm.sse import ServerEvent

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "index",
                    "finish_reason",
                    "usage",
                    "prompt_tokens",
                    "logprobs",
                    "error",
                    "code",
                    "id",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def event(document: object, kind: bytes = b"") -> Piece:
    """The piece of an event."""
    return read_event(ServerEvent(kind, json.dumps(document).encode()))


def choice(delta: object = None, **more: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    return {"choices": [{"index": 0, "delta": delta, **more}]}


@given(JSON)
def test_any_json_is_a_piece_or_a_failure(document: object) -> None:
    """No document of a provider is a defect of ours, or counts as an answer without a reason."""
    for read in (lambda: event(document), lambda: read_whole(json.dumps(document).encode())):
        try:
            piece = read()
        except AttemptFailedError:
            continue
        assert piece.delta is None or piece.delta.ByteSize()
        assert isinstance(piece.finish, str)


@given(JSON.map(lambda inner: {"choices": [{"delta": inner, "message": inner}]}))
def test_any_choice_is_a_piece_or_a_failure(document: object) -> None:
    """As above, deeper."""
    with contextlib.suppress(AttemptFailedError):
        assert isinstance(event(document), Piece)


@pytest.mark.parametrize(
    "document",
    [
        {"choices": []},
        {"choices": None},
        {},
        choice(None),
        choice({"role": "assistant", "content": None}),
        choice({"role": "assistant", "content": ""}),
    ],
)
def test_signs_of_life_are_no_content(document: object) -> None:
    """Nothing commits an answer but content."""
    piece = event(document)
    assert (piece.delta, piece.finish, piece.done) == (None, "", False)


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x"},
        {"refusal": "x"},
        {"reasoning": "x"},
        {"reasoning_content": "x"},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]},
    ],
)
def test_content_has_many_forms(delta: object) -> None:
    """Text, thoughts and calls of tools."""
    assert event(choice(delta)).has_content


@pytest.mark.parametrize(
    "document",
    [
        [],
        "text",
        choice({"content": ["x"]}),
        choice({"content": 3}),
        choice("x"),
        {"choices": {"index": 0}},
        choice({"content": "x"}, index=1),
        choice({"tool_calls": [{"index": -1}]}),
        choice({"tool_calls": [{"index": True}]}),
        choice({"tool_calls": ["x"]}),
        choice({}, finish_reason=7),
        {"usage": {"prompt_tokens": -1}},
        {"usage": {"prompt_tokens": 2**31 + 1}},
        {"usage": {"prompt_tokens": "many"}},
        {"usage": "much"},
        choice({"content": "x"}, logprobs={"content": [{"token": "x"}]}),
        choice({"content": "x"}, logprobs={"content": [{"token": "x", "logprob": 10**400}]}),
        choice({"content": "\ud800"}),
    ],
)
def test_what_is_not_understood_is_a_failure(document: object) -> None:
    """A chunk of the wrong form is malformed, as far as anything of it is read."""
    with pytest.raises(AttemptFailedError) as caught:
        event(document)
    assert caught.value.outcome == failures.MALFORMED


@pytest.mark.parametrize(
    "word",
    [
        "error",
        "abort",
        "insufficient_system_resource",
        "ERROR_LIMIT",
        "failed",
        "server_error",
        "incomplete",
        "MALFORMED_FUNCTION_CALL",
        "pause_turn",
        "cancelled",
        "request_timeout",
    ],
)
def test_failures_may_hide_in_the_reason_of_an_end(word: str) -> None:
    """Providers give them where a reason of the end should be."""
    with pytest.raises(AttemptFailedError) as caught:
        event(choice({}, finish_reason=word))
    assert caught.value.outcome == failures.UPSTREAM_ERROR


def test_errors_come_in_three_places() -> None:
    """In the document, in the choice, and as an event of their own."""
    for document, kind in (
        ({"error": {"code": "x"}}, b""),
        (choice({"content": "y"}, error={"code": "x"}), b""),
        ({"code": "x"}, b"error"),
    ):
        with pytest.raises(AttemptFailedError) as caught:
            event(document, kind)
        assert caught.value.code == "x"


def test_whole_answers_need_a_reason_of_their_end() -> None:
    """A body without one was cut by somebody."""
    message = {"choices": [{"message": {"content": "Hi"}, "finish_reason": None}]}
    with pytest.raises(AttemptFailedError):
        read_whole(json.dumps(message).encode())


def test_bodies_of_errors() -> None:
    """An object, a list of one, or nothing that can be read."""
    assert error_of(b'{"error": {"code": "x"}}') == {"code": "x"}
    assert error_of(b'[{"error": {"code": "x"}}]') == {"code": "x"}
    assert error_of(b'{"code": "x"}') == {"code": "x"}
    assert error_of(b"<html>") is None
    assert error_of(b"[" * 100_000) is None


def test_half_a_pair_is_no_reason_and_no_name() -> None:
    """JSON can hold one half of a surrogate pair, UTF-8 cannot: a reply must never fail for it."""
    with pytest.raises(AttemptFailedError):
        event(choice({"content": "x"}, finish_reason="\ud83d"))
    document = {**choice(), "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}
    piece = read_whole(json.dumps({**document, "id": "a\ud83d", "model": "\ud83db"}).encode())
    assert (piece.upstream_id, piece.model) == ("a?", "?b")
